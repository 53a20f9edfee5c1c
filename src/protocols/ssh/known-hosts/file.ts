/** Lines of known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */

export interface KnownHostsFile {
  /** For messages. */
  readonly path: string;
  readonly text: string;
}

export interface KnownHost {
  readonly path: string;
  /** From 1 on. */
  readonly line: number;
  readonly marker: 'cert-authority' | 'revoked' | null;
  readonly hosts: string;
  readonly type: string;
  /** The key's blob. */
  readonly key: Buffer;
}

/** Files of this size are of whole fleets; what is behind it is not read. */
const MOST_TEXT = 16 * 1024 * 1024;

/** Lines that are none are left out, as ssh does; so is a line with a marker that is not known. */
export function* knownHosts({ path, text }: KnownHostsFile): Generator<KnownHost> {
  let line = 0;
  for (const raw of text.slice(0, MOST_TEXT).split('\n')) {
    line += 1;
    const fields = raw.trim().split(/[ \t]+/);
    const marker = fields[0]?.startsWith('@') ? fields.shift()?.slice(1) : null;
    const [hosts = '', type = '', base64 = ''] = fields;
    if (hosts.startsWith('#') || base64 === '') continue;
    if (marker !== null && marker !== 'cert-authority' && marker !== 'revoked') continue;
    const key = Buffer.from(base64, 'base64');
    if (!begins(key, type)) continue;
    yield { path, line, marker, hosts, type, key };
  }
}

/** The type is said twice: beside the key and in it. */
function begins(key: Buffer, type: string): boolean {
  const length = Buffer.byteLength(type);
  return (
    key.length > 4 + length &&
    key.readUInt32BE() === length &&
    key.subarray(4, 4 + length).equals(Buffer.from(type))
  );
}
