/** What a host keeps of its fleet: its own certificate, who the others are, who was invited and who was put out. */
import { createHash, generateKeyPairSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { makeOnce } from '../core/key-file.ts';
import { replaceFile } from '../core/replace-file.ts';
import type { Endpoint } from '../core/types.ts';
import { type Hello, isHost, type Member, request } from './protocol.ts';

const INVITATION_MS = 3_600_000;
const MOST_INVITATIONS = 256;
const TOKEN = /^hopline-([A-Za-z0-9_-]{64})$/;
const FINGERPRINT_BYTES = 32;
const SECRET_BYTES = 16;

/** A member, with what it said of itself the last time. */
export interface KnownMember extends Member {
  readonly hello: Hello | null;
}

interface Invitation {
  readonly host: string;
  /** SHA-256 of the secret, in hexadecimal digits. */
  readonly hash: string;
  /** Milliseconds of the epoch. */
  readonly expires: number;
}

interface Written {
  readonly members: readonly KnownMember[];
  readonly removed: readonly string[];
  readonly invitations: readonly Invitation[];
}

export class FleetError extends Error {
  override readonly name = 'FleetError';
}

export class FleetState {
  readonly #directory: string;
  readonly #members = new Map<string, KnownMember>();
  #removed: readonly string[] = [];
  #invitations: readonly Invitation[] = [];

  /** @param directory for root alone; made when there is something to keep. @throws Error where what it has is not readable */
  constructor(directory: string) {
    this.#directory = directory;
    const path = join(directory, 'fleet.json');
    if (!existsSync(path)) return;
    const written = JSON.parse(readFileSync(path, 'utf8')) as Written;
    for (const member of written.members) {
      const said = member.hello === null ? null : request('hello', member.hello);
      const hello = said?.method === 'hello' ? said.params : null;
      if (isHost(member.host)) this.#members.set(member.host, { ...member, hello });
    }
    this.#removed = written.removed;
    this.#invitations = written.invitations;
  }

  /** Where the authority's key is, on the host that made the fleet. */
  get authority(): string {
    return join(this.#directory, 'authority');
  }

  /** Whether the fleet was made here, so that hosts can be invited here. */
  get founded(): boolean {
    return existsSync(join(this.authority, 'ca.key'));
  }

  get joined(): boolean {
    return existsSync(this.#path('host.crt'));
  }

  get members(): readonly KnownMember[] {
    return [...this.#members.values()];
  }

  get removed(): readonly string[] {
    return this.#removed;
  }

  get invited(): readonly Pick<Invitation, 'host' | 'expires'>[] {
    return this.#open();
  }

  /** PEM. */
  credentials(): { readonly ca: string; readonly certificate: string; readonly key: string } {
    const read = (file: string) => readFileSync(this.#path(file), 'utf8');
    return { ca: read('ca.crt'), certificate: read('host.crt'), key: read('host.key') };
  }

  /** Of this host alone: keys for the SYN option are made of it. */
  optionSecret(): Buffer {
    makeOnce(this.#path('option.key'), () => randomBytes(32));
    return readFileSync(this.#path('option.key'));
  }

  /** A key for this host. @returns PEM, and SubjectPublicKeyInfo */
  newKey(): { readonly pem: string; readonly spki: Buffer } {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    return {
      pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      spki: publicKey.export({ type: 'spki', format: 'der' }),
    };
  }

  /** From here on this host is of the fleet. @param certificate PEM, and `ca` too */
  adopt(own: { key: string; certificate: string; ca: string }, members: readonly Member[]): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    replaceFile(this.#path('host.key'), own.key, 0o600);
    replaceFile(this.#path('ca.crt'), own.ca, 0o600);
    replaceFile(this.#path('host.crt'), own.certificate, 0o600);
    for (const member of members) this.#members.set(member.host, { ...member, hello: null });
    this.#write();
  }

  /** No longer of any fleet; the authority's key stays where it was made. */
  leave(): void {
    for (const file of ['host.crt', 'host.key', 'ca.crt']) rmSync(this.#path(file), { force: true });
    this.#members.clear();
    this.#write();
  }

  /**
   * Lets a host of this name join once, within an hour.
   * @param fingerprint SHA-256 of the authority's certificate, in hexadecimal digits
   * @returns what the person types there
   */
  invite(host: string, fingerprint: string): { readonly token: string; readonly expires: number } {
    const secret = randomBytes(SECRET_BYTES);
    const expires = Date.now() + INVITATION_MS;
    const others = this.#open().filter((one) => one.host !== host);
    if (others.length >= MOST_INVITATIONS)
      throw new FleetError('too many invitations wait: see hopline peer list');
    this.#invitations = [...others, { host, hash: sha256(secret), expires }];
    this.#removed = this.#removed.filter((name) => name !== host);
    this.#write();
    const token = Buffer.concat([Buffer.from(fingerprint, 'hex'), secret]).toString('base64url');
    return { token: `hopline-${token}`, expires };
  }

  /** Spends an invitation. @throws FleetError which does not say whether the host or the secret was wrong */
  spend(host: string, secret: string): void {
    const found = this.invitation(host, secret);
    this.#invitations = this.#invitations.filter((one) => one !== found);
    this.#write();
  }

  /** The one that would be spent. @throws FleetError as {@link spend} */
  invitation(host: string, secret: string): Pick<Invitation, 'host' | 'expires'> {
    const hash = Buffer.from(sha256(Buffer.from(secret, 'base64url')));
    const found = this.#invitations.find(
      (one) => one.host === host && one.expires > Date.now() && timingSafeEqual(Buffer.from(one.hash), hash),
    );
    if (found === undefined)
      throw new FleetError(
        `there is no such invitation for ${host}: it was used, has ended, or is for another`,
      );
    return found;
  }

  /** What a host says of itself. */
  learn(hello: Hello): void {
    const before = this.#members.get(hello.host);
    if (JSON.stringify(before?.hello) === JSON.stringify(hello)) return;
    this.#members.set(hello.host, {
      ...{ host: hello.host, hello },
      endpoint: hello.endpoint ?? before?.endpoint ?? null,
    });
    this.#write();
  }

  /** A host that another has told of. */
  know(member: Member): void {
    if (this.#members.has(member.host) || this.#removed.includes(member.host)) return;
    this.#members.set(member.host, { ...member, hello: null });
    this.#write();
  }

  /** Puts a host out. @returns false where there was none of that name */
  remove(host: string): boolean {
    const known = this.#members.delete(host) || this.invited.some((one) => one.host === host);
    this.#invitations = this.#invitations.filter((one) => one.host !== host);
    if (known) this.#removed = [...new Set([...this.#removed, host])];
    this.#write();
    return known;
  }

  /** Those that have not ended. */
  #open(): readonly Invitation[] {
    return this.#invitations.filter(({ expires }) => expires > Date.now());
  }

  #write(): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const written: Written = {
      members: this.members,
      removed: this.#removed,
      invitations: this.#open(),
    };
    replaceFile(this.#path('fleet.json'), `${JSON.stringify(written, null, 1)}\n`, 0o600);
  }

  #path(file: string): string {
    return join(this.#directory, file);
  }
}

/** What `hopline peer invite` printed. @throws FleetError */
export function readToken(token: string): { readonly fingerprint: string; readonly secret: string } {
  const [, text = ''] = TOKEN.exec(token) ?? [];
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== FINGERPRINT_BYTES + SECRET_BYTES)
    throw new FleetError('that is no token: hopline peer invite prints one, which begins with hopline-');
  return {
    fingerprint: bytes.subarray(0, FINGERPRINT_BYTES).toString('hex'),
    secret: bytes.subarray(FINGERPRINT_BYTES).toString('base64url'),
  };
}

/** @throws FleetError */
export function endpointFrom(text: string): Endpoint {
  const [, v6, v4, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = v6 ?? v4 ?? '';
  const port = Number(digits);
  if (isIP(address) === 0 || port < 1 || port > 65_535)
    throw new FleetError(`${text} is no address with a port, such as 10.0.0.5:7422 or [fd00::5]:7422`);
  return { address, port };
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
