/** Credentials out of Vault: a password that is kept there, or a login that is made for us and taken back. */
import type { Secret } from '../core/secret.ts';
import type { Micros } from '../core/types.ts';
import { CredentialError, type CredentialSource, type Held } from './credential.ts';
import type { Lease, Login, Vault } from './vault.ts';

export interface VaultKvOptions {
  readonly vault: Vault;
  readonly mount: string;
  readonly path: string;
  /** By default `password`. */
  readonly passwordField?: string;
  /** Where the user is in the secret too; null where it is not. By default `username`, if it is there. */
  readonly userField?: string | null;
  /** How long one answer serves. */
  readonly keepMs?: number;
  readonly now?: () => Micros;
}

const KEEP_MS = 60_000;

/** A password that is kept in Vault. One that the server refuses is asked for anew the next time. */
export function vaultKvSource(options: VaultKvOptions): CredentialSource {
  const { vault, mount, path, passwordField = 'password', userField = 'username' } = options;
  const { keepMs = KEEP_MS, now = () => Date.now() * 1000 } = options;
  const description = `vault ${mount}/${path}`;
  let kept: { user: string | null; password: Secret; until: Micros } | null = null;
  let asking: Promise<void> | null = null;
  const drop = (): void => {
    kept?.password.clear();
    kept = null;
  };
  const ask = async (): Promise<void> => {
    const fields = await vault.readKv(mount, path);
    const password = fields.get(passwordField);
    if (password === undefined)
      throw new CredentialError('missing', `${description} has no text in a field ${passwordField}`);
    const user = userField === null ? null : (fields.get(userField)?.reveal() ?? null);
    for (const [field, secret] of fields) if (field !== passwordField) secret.clear();
    drop();
    kept = { user, password, until: now() + keepMs * 1000 };
  };
  return {
    description,
    async acquire(): Promise<Held> {
      if (kept === null || now() >= kept.until) {
        asking ??= ask().finally(() => {
          asking = null;
        });
        await asking;
      }
      if (kept === null) throw new CredentialError('missing', `${description} was thrown away meanwhile`);
      const password = kept.password.copy();
      return { user: kept.user, password, validUntil: null, release: () => password.clear() };
    },
    refused: drop,
    async close() {
      drop();
    },
  };
}

export interface VaultDatabaseOptions {
  readonly vault: Vault;
  /** Of the secrets engine, such as `database`. */
  readonly mount: string;
  readonly role: string;
  readonly now?: () => Micros;
  /** A lease could not be renewed or given back; the message has no secret in it. */
  onFault(message: string): void;
}

/** A login made by Vault, and who uses it. */
interface Borrowed {
  readonly login: Login;
  lease: Lease;
  until: Micros;
  holders: number;
  timer: NodeJS.Timeout | null;
  /** Given back, or about to be. */
  over: boolean;
}

/** setTimeout's longest. */
const LONGEST_MS = 2 ** 31 - 1;
const RETRY_MS = 100;
/** Renewed when so much of it is left, and lent no longer when so much is. */
const RENEW_AT = 1 / 3;
const LEND_UNTIL = 1 / 6;

/**
 * Logins that the database secrets engine makes (`creds/ROLE`). One serves all hops while it is good, is renewed while any
 * of them lives, and is revoked when the last has ended and a newer one has taken its place, or none is needed.
 */
export class VaultDatabaseSource implements CredentialSource {
  readonly description: string;
  readonly #options: VaultDatabaseOptions;
  readonly #now: () => Micros;
  readonly #borrowed = new Set<Borrowed>();
  #current: Borrowed | null = null;
  #asking: Promise<Borrowed> | null = null;
  #closed = false;

  constructor(options: VaultDatabaseOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => Date.now() * 1000);
    this.description = `vault ${options.mount}/creds/${options.role}`;
  }

  /** Leases that Vault counts as ours. */
  get leases(): number {
    return this.#borrowed.size;
  }

  async acquire(): Promise<Held> {
    let borrowed = this.#good() ?? (await this.#ask());
    // Refused by a server between its coming and our waking up.
    if (borrowed.over) borrowed = await this.#ask();
    const password = borrowed.login.password.copy();
    borrowed.holders += 1;
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      password.clear();
      borrowed.holders -= 1;
      if (borrowed.holders === 0 && borrowed !== this.#current) void this.#giveBack(borrowed);
    };
    return {
      user: borrowed.login.user,
      password,
      get validUntil() {
        return borrowed.until;
      },
      release,
    };
  }

  refused(): void {
    this.#retire();
  }

  /** Revokes every lease, also those in use. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#current = null;
    await this.#asking?.catch(() => {});
    await Promise.all([...this.#borrowed].map((borrowed) => this.#giveBack(borrowed)));
  }

  #good(): Borrowed | null {
    const current = this.#current;
    if (current === null) return null;
    const left = current.until - this.#now();
    if (left > current.lease.duration * 1_000_000 * LEND_UNTIL) return current;
    this.#retire();
    return null;
  }

  /** The current one is lent no more. */
  #retire(): void {
    const current = this.#current;
    this.#current = null;
    if (current !== null && current.holders === 0) void this.#giveBack(current);
  }

  #ask(): Promise<Borrowed> {
    this.#asking ??= this.#borrow().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #borrow(): Promise<Borrowed> {
    const { vault, mount, role } = this.#options;
    if (this.#closed) throw new CredentialError('settings', `${this.description} is no longer in use`);
    const { login, lease } = await vault.databaseLogin(mount, role);
    const borrowed: Borrowed = { login, lease, until: 0, holders: 0, timer: null, over: false };
    this.#borrowed.add(borrowed);
    if (this.#closed) {
      await this.#giveBack(borrowed);
      throw new CredentialError('settings', `${this.description} is no longer in use`);
    }
    this.#current = borrowed;
    this.#extend(borrowed, lease);
    return borrowed;
  }

  #extend(borrowed: Borrowed, lease: Lease): void {
    borrowed.lease = lease;
    borrowed.until = this.#now() + lease.duration * 1_000_000;
    this.#later(borrowed, lease.duration * 1000 * (1 - RENEW_AT));
  }

  #later(borrowed: Borrowed, ms: number): void {
    if (borrowed.timer !== null) clearTimeout(borrowed.timer);
    borrowed.timer = setTimeout(() => void this.#tend(borrowed), Math.min(ms, LONGEST_MS));
    borrowed.timer.unref();
  }

  /** A third of the lease is left. */
  async #tend(borrowed: Borrowed): Promise<void> {
    if (borrowed.over) return;
    const left = borrowed.until - this.#now();
    if (left > borrowed.lease.duration * 1_000_000 * (RENEW_AT + 0.01)) {
      this.#later(borrowed, left / 1000 - borrowed.lease.duration * 1000 * RENEW_AT);
      return;
    }
    if (borrowed.holders === 0 || left <= 0) {
      if (this.#current === borrowed) this.#current = null;
      if (left <= 0 && borrowed.holders > 0) this.#fault('ended while hops used it');
      await this.#giveBack(borrowed);
      return;
    }
    if (!borrowed.lease.renewable) return this.#later(borrowed, left / 1000);
    try {
      const renewed = await this.#options.vault.renew(borrowed.lease);
      if (borrowed.over) return;
      // At its longest life the engine grants less and less: from here on it only runs out.
      if (renewed.duration * 1_000_000 > left) this.#extend(borrowed, renewed);
      else this.#later(borrowed, left / 1000);
    } catch (error) {
      this.#fault(error instanceof CredentialError ? error.message : 'could not be renewed');
      if (!borrowed.over) this.#later(borrowed, Math.max(left / 4000, RETRY_MS));
    }
  }

  async #giveBack(borrowed: Borrowed): Promise<void> {
    if (borrowed.over) return;
    borrowed.over = true;
    if (borrowed.timer !== null) clearTimeout(borrowed.timer);
    borrowed.login.password.clear();
    this.#borrowed.delete(borrowed);
    if (borrowed.until <= this.#now() && borrowed.until > 0) return;
    await this.#options.vault.revoke(borrowed.lease).catch((error: unknown) => {
      this.#fault(error instanceof CredentialError ? error.message : 'could not be revoked');
    });
  }

  #fault(what: string): void {
    this.#options.onFault(`${this.description}: ${what}`);
  }
}
