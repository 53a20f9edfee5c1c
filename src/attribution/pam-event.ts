/** What the PAM hook (systemd/pam-session) writes about a login, decoded. */
import type { Endpoint, Micros } from '../core/types.ts';

export interface PamEvent {
  /** Name of the file in the spool. */
  readonly file: string;
  readonly type: 'open' | 'close';
  readonly service: string;
  readonly user: string;
  readonly rhost: string | null;
  readonly tty: string | null;
  /** sshd's privileged process, whose children are the session; in the daemon's pid namespace. */
  readonly pid: number;
  /** Its start in clock ticks after boot (/proc/PID/stat, field 22); 0 is unknown. Guards against pid reuse. */
  readonly startTicks: number;
  /** Both from SSH_CONNECTION. */
  readonly client: Endpoint | null;
  readonly server: Endpoint | null;
  /** SSH_AUTH_INFO_0: a line for each method that succeeded, `publickey ssh-ed25519 AAAA…`. */
  readonly authInfo: string | null;
  readonly at: Micros;
}

/** A key or certificate is below 16 kB; the hook writes nothing else that is large. */
export const EVENT_LIMIT = 64 * 1024;

const VERSION = '1';
const FIELDS = 11;

/**
 * @param file the file's name
 * @param at when it was written
 * @throws Error that says what is wrong with it
 */
export function decodePamEvent(file: string, bytes: Buffer, at: Micros): PamEvent {
  if (bytes.length > EVENT_LIMIT) throw new Error(`${bytes.length} bytes, more than ${EVENT_LIMIT}`);
  if (bytes.at(-1) !== 0) throw new Error('the last field has no end');
  const fields = new TextDecoder('utf-8').decode(bytes.subarray(0, -1)).split('\0');
  if (fields.length !== FIELDS) throw new Error(`${fields.length} fields in place of ${FIELDS}`);
  const [version, pamType, service, user, rhost, tty, pid, ticks, , connection, authInfo] =
    fields as string[];
  if (version !== VERSION) throw new Error(`version ${version} in place of ${VERSION}`);
  if (pamType !== 'open_session' && pamType !== 'close_session')
    throw new Error(`PAM_TYPE is ${pamType}, neither open_session nor close_session`);
  const [client, server] = sshConnection(connection ?? '');
  return {
    file,
    type: pamType === 'open_session' ? 'open' : 'close',
    service: service ?? '',
    user: user ?? '',
    rhost: rhost || null,
    tty: tty || null,
    pid: natural(pid, 'pid'),
    startTicks: natural(ticks, 'start time'),
    client,
    server,
    authInfo: authInfo?.trimEnd() || null,
    at,
  };
}

/** `CLIENT-ADDRESS PORT SERVER-ADDRESS PORT`; anything else is nothing, as from a login without SSH. */
function sshConnection(text: string): [Endpoint | null, Endpoint | null] {
  const parts = /^([0-9A-Fa-f.:%\w]+) (\d{1,5}) ([0-9A-Fa-f.:%\w]+) (\d{1,5})$/.exec(text);
  if (parts === null) return [null, null];
  const [, from = '', fromPort, to = '', toPort] = parts;
  return [
    { address: from, port: Number(fromPort) },
    { address: to, port: Number(toPort) },
  ];
}

function natural(text: string | undefined, what: string): number {
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text ?? '') || !Number.isSafeInteger(value)) throw new Error(`${what} is ${text}`);
  return value;
}
