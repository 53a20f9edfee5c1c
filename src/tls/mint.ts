/** Servers' certificates for the names that clients ask for, made by the local authority and kept while they are good. */

import type { Micros } from '../core/types.ts';
import type { Authority } from './ca.ts';
import { newKeyPair, privateKeyPem } from './certificates.ts';
import type { Minted, MintRequest } from './minted.ts';
import { canonicalName, MintError } from './names.ts';

export type { Minted, MintRequest } from './minted.ts';
export { MintError, type MintErrorCode } from './names.ts';

export interface MintOptions {
  readonly authority: Authority;
  /** Certificates kept, the least recently used goes first; about 3 kB each. */
  readonly limit?: number;
  readonly now?: () => Micros;
}

const SECOND: Micros = 1_000_000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;
const LIFETIME = 7 * DAY;
/** Names in one certificate. */
const MAX_NAMES = 16;

export class Mint {
  readonly #authority: Authority;
  readonly #limit: number;
  readonly #now: () => Micros;
  readonly #kept = new Map<string, Minted>();
  /** Being made: many connections to one new name wait for one certificate. */
  readonly #making = new Map<string, Promise<Minted>>();
  #keys: ReturnType<typeof newKeyPair> | null = null;
  #made = 0;

  constructor({ authority, limit = 1000, now = () => Date.now() * 1000 }: MintOptions) {
    this.#authority = authority;
    this.#limit = limit;
    this.#now = now;
  }

  /** Certificates signed so far. */
  get made(): number {
    return this.#made;
  }

  /** Certificates held now. */
  get held(): number {
    return this.#kept.size;
  }

  /**
   * @param request as it came from a worker: its shape is checked here
   * @throws MintError
   */
  async mint(request: MintRequest): Promise<Minted> {
    const names = canonicalNames(request);
    const key = names.map(({ value }) => value).join(' ');
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      this.#kept.delete(key);
      if (this.#now() < kept.renewAt) {
        this.#kept.set(key, kept);
        return kept;
      }
    }
    let making = this.#making.get(key);
    if (making === undefined) {
      making = this.#make(names).finally(() => this.#making.delete(key));
      this.#making.set(key, making);
      making.then(
        (minted) => this.#keep(key, minted),
        () => {},
      );
    }
    return making;
  }

  #keep(key: string, minted: Minted): void {
    this.#kept.set(key, minted);
    if (this.#kept.size <= this.#limit) return;
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest);
      break;
    }
  }

  async #make(names: ReturnType<typeof canonicalNames>): Promise<Minted> {
    const now = this.#now();
    const end = Math.min(now + LIFETIME, this.#authority.notAfter);
    if (end <= now)
      throw new MintError('expired', `no certificate: ${this.#authority.name} itself has ended`);
    this.#keys ??= newKeyPair();
    const { privateKey, publicKey } = await this.#keys;
    const within = { notBefore: new Date((now - HOUR) / 1000), notAfter: new Date(end / 1000) };
    const certificate = await this.#authority.sign(names, publicKey, within);
    this.#made += 1;
    // Nothing lives longer than the authority: in its last days there is no later one to ask for.
    const renewAt = end === this.#authority.notAfter ? end : end - DAY;
    return { certificate, key: privateKeyPem(privateKey), renewAt };
  }
}

/** Without what is there twice; in an order of its own, so that the same names are the same certificate. */
function canonicalNames(request: MintRequest) {
  const names: unknown = (request as Partial<MintRequest> | null)?.names;
  if (!Array.isArray(names) || names.length === 0 || names.length > MAX_NAMES)
    throw new MintError('request', `a certificate is asked for 1 to ${MAX_NAMES} names`);
  const found = new Map<string, ReturnType<typeof canonicalName>>();
  for (const name of names) {
    if (typeof name !== 'string') throw new MintError('request', 'a name is text');
    const canonical = canonicalName(name);
    found.set(canonical.value, canonical);
  }
  return [...found.values()].sort((a, b) => (a.value < b.value ? -1 : 1));
}
