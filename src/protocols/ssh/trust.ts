/** Whether the host is who the person means: said, and asked, as ssh itself would. */
import { createHmac, randomBytes } from 'node:crypto';
import { fingerprint } from '../../core/ssh-wire.ts';
import type { Front } from './authentication/front.ts';
import { SshError } from './errors.ts';
import { certifiedType, parseCertificate } from './keys/certificate.ts';
import { keyType } from './keys/public-key.ts';
import { type KnownHost, knownHosts } from './known-hosts/file.ts';
import { nameWithPort } from './known-hosts/pattern.ts';
import { type Said, saidOf } from './known-hosts/sshfp.ts';
import { judge, preferred, type Verdict } from './known-hosts/verdict.ts';
import { Disconnect } from './numbers.ts';
import type { HostKeys } from './outside.ts';
import { HOST_KEYS } from './transport/algorithms.ts';
import type { HostKey } from './transport/host-key.ts';

/** ssh's own words. */
const IN_DNS: Readonly<Record<Said, readonly string[]>> = {
  matches: ['Matching host key fingerprint found in DNS.'],
  differs: ['No matching host key fingerprint found in DNS.'],
  nothing: [],
};
/** Who has not said yes or no by then is no person. */
const MOST_TRIES = 20;

export interface Place {
  readonly address: string;
  readonly port: number;
}

/** What is known of a destination before it is asked. */
export class Trust {
  readonly #place: Place;
  readonly #hostKeys: HostKeys;
  readonly #names: readonly string[];
  readonly #lines: readonly KnownHost[];
  /** What a person is asked about, for the record; null: nothing. */
  asking: string | null = null;

  private constructor(
    place: Place,
    hostKeys: HostKeys,
    names: readonly string[],
    lines: readonly KnownHost[],
  ) {
    this.#place = place;
    this.#hostKeys = hostKeys;
    this.#names = names;
    this.#lines = lines;
  }

  /** @param own Hopline's, which clients that ask no program have a line of in the host's name: it says nothing of the host */
  static async of(place: Place, hostKeys: HostKeys, own: readonly HostKey[]): Promise<Trust> {
    const [names, files] = await Promise.all([hostKeys.names(), hostKeys.files()]);
    const lines = files
      .flatMap((file) => [...knownHosts(file)])
      .filter(({ marker, key }) => marker !== null || !own.some(({ publicKey }) => publicKey.equals(key)));
    return new Trust(place, hostKeys, [...new Set([...names, place.address])], lines);
  }

  /** The signature algorithms to ask the host for. */
  get algorithms(): string[] {
    return preferred(this.#lines, { names: this.#names, port: this.#place.port }, HOST_KEYS);
  }

  /**
   * @param hostKey the key or certificate that signed
   * @returns how it is known, for the record
   * @throws SshError where it is not: the person has been told
   */
  async check(hostKey: Buffer, front: Front): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const host = { names: this.#names, port: this.#place.port };
    const verdict = judge(this.#lines, host, hostKey, now);
    if (verdict.outcome === 'known') return `${verdict.by.path}:${verdict.by.line}`;
    const bare = certifiedType(keyType(hostKey)) === null ? hostKey : parseCertificate(hostKey).keyBlob;
    if (verdict.outcome !== 'unknown') {
      front.banner(warning(verdict, bare));
      throw refused();
    }
    const sshfp = await this.#hostKeys.sshfp();
    const said = sshfp === null ? 'nothing' : saidOf(sshfp, bare);
    // As with ssh's VerifyHostKeyDNS; a key that a file has otherwise is refused above all the same.
    if (sshfp?.authentic && said === 'matches') return `SSHFP of ${sshfp.name}`;
    return this.#ask(verdict, bare, front, said);
  }

  async #ask(
    { name, why }: Verdict & { outcome: 'unknown' },
    key: Buffer,
    front: Front,
    said: Said,
  ): Promise<string> {
    const print = fingerprint(key);
    const { address, port } = this.#place;
    const known = name === address ? nameWithPort(address, port) : `${name} (${address})`;
    const lines = [
      `The authenticity of host '${known}' can't be established.`,
      ...(why === null ? [] : [`Of this host, ${why}.`]),
      `${shortType(key)} key fingerprint is ${print}.`,
      ...IN_DNS[said],
      'This key is not known by any other names.',
    ];
    this.asking = `nobody has said that the ${shortType(key)} key ${print} is that of ${known}`;
    let prompt = 'Are you sure you want to continue connecting (yes/no/[fingerprint])? ';
    for (let [instruction, tries] = [lines.join('\n'), 0]; tries < MOST_TRIES; instruction = '', tries += 1) {
      const answers = await front.ask({ name: '', instruction, prompts: [{ prompt, echo: true }] });
      if (answers === null) continue;
      const answer = answers[0]?.toString().trim() ?? '';
      if (answer === print || answer.toLowerCase() === 'yes') return this.#accept(name, key, front);
      // Nothing is what a client says that has nobody to ask, and a no (confirm() in sshconnect.c).
      if (answer === '' || answer.toLowerCase() === 'no') throw refused();
      prompt = "Please type 'yes', 'no' or the fingerprint: ";
    }
    throw refused();
  }

  #accept(name: string, key: Buffer, front: Front): Promise<string> {
    this.asking = null;
    return this.#remember(nameWithPort(name, this.#place.port), key, front);
  }

  async #remember(name: string, key: Buffer, front: Front): Promise<string> {
    const line = `${hashed(name)} ${keyType(key)} ${key.toString('base64')}`;
    try {
      const path = await this.#hostKeys.remember(line);
      front.banner(`Warning: Permanently added '${name}' (${shortType(key)}) to the list of known hosts.\n`);
      return `asked, kept in ${path}`;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      front.banner(`Failed to add the host to the list of known hosts: ${why}\n`);
      return 'asked';
    }
  }
}

function refused(): SshError {
  return new SshError(Disconnect.HOST_KEY_NOT_VERIFIABLE, 'Host key verification failed.');
}

/** As HashKnownHosts, which is Debian's default: who reads the file learns no names from it. */
function hashed(name: string): string {
  const salt = randomBytes(20);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}

/** As ssh calls it. */
function shortType(key: Buffer): string {
  const type = keyType(key);
  if (type.startsWith('ecdsa-')) return 'ECDSA';
  return type.replace(/^ssh-/, '').toUpperCase();
}

const RULE = '@'.repeat(59);

/** ssh's own words (sshconnect.c), so that what people and programs look for is there. */
function warning({ outcome, by, name }: Verdict & { by: KnownHost }, key: Buffer): string {
  const print = fingerprint(key);
  if (outcome === 'revoked')
    return `${[
      RULE,
      '@       WARNING: REVOKED HOST KEY DETECTED!               @',
      RULE,
      `The ${shortType(key)} host key for ${name} is marked as revoked.`,
      'This could mean that a stolen key is being used to impersonate this host.',
      `Revoked in ${by.path}:${by.line}`,
    ].join('\n')}\n`;
  return `${[
    RULE,
    '@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @',
    RULE,
    'IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!',
    'Someone could be eavesdropping on you right now (man-in-the-middle attack)!',
    'It is also possible that a host key has just been changed.',
    `The fingerprint for the ${shortType(key)} key sent by the remote host is`,
    `${print}.`,
    'Please contact your system administrator.',
    `Offending ${shortType(by.key)} key in ${by.path}:${by.line}`,
    `Host key for ${name} has changed and you have requested strict checking.`,
  ].join('\n')}\n`;
}
