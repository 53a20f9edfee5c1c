import type { Id } from '../core/types.ts';
import { type Holder, holderOf, stillHolds } from './handoffs.ts';

const REMEMBERED = 1000;
/** A socket of the same name may have another listener by now. */
const FRESH_MS = 10_000;

/** Milliseconds of looking, for each second that passes, and at most at once: for everybody, and for one login. */
const ALL = { each: 100, most: 1000 };
const ONE = { each: 30, most: 300 };
/** Logins told apart; beyond it they share what is left to all. */
const LOGINS = 1000;

type Looked<T> = { readonly found: T } | 'not now';

/**
 * What is looked up in /proc about the server of a Unix socket. Threat: an unprivileged program that connects in a
 * loop decides how often that happens, so it takes no more than a tenth of a processor, and one login not all of that.
 */
export class Holders {
  readonly #scan: typeof holderOf;
  readonly #now: () => number;
  readonly #known = new Map<string, { readonly holder: Holder | null; readonly until: number }>();
  readonly #all: Allowance;
  readonly #one = new Map<Id | null, Allowance>();

  constructor(scan = holderOf, now = () => performance.now()) {
    this.#scan = scan;
    this.#now = now;
    this.#all = new Allowance(ALL, now());
  }

  /** @param listener the process that called listen(), and has gone */
  of(path: string, listener: number, client: number, login: Id | null): Looked<Holder | null> {
    const key = `${listener} ${path}`;
    const known = this.#known.get(key);
    const sound = known?.holder == null || stillHolds(known.holder);
    if (known && known.until > this.#now() && sound) return { found: known.holder };
    return this.look(login, () => {
      const holder = this.#scan(path, client);
      this.#known.delete(key);
      this.#known.set(key, { holder, until: this.#now() + FRESH_MS });
      if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.keys().next().value as string);
      return holder;
    });
  }

  /** Does what takes long, if the login has not had too much of it lately. */
  look<T>(login: Id | null, action: () => T): Looked<T> {
    const began = this.#now();
    const own = this.#of(login, began);
    if (!this.#all.has(began) || !own.has(began)) return 'not now';
    const found = action();
    for (const each of [this.#all, own]) each.spend(this.#now() - began);
    return { found };
  }

  #of(login: Id | null, now: number): Allowance {
    const known = this.#one.get(login);
    if (known) return known;
    if (this.#one.size >= LOGINS) this.#one.clear();
    const own = new Allowance(ONE, now);
    this.#one.set(login, own);
    return own;
  }
}

class Allowance {
  readonly #each: number;
  readonly #most: number;
  #left: number;
  #at: number;

  constructor({ each, most }: typeof ALL, now: number) {
    this.#each = each;
    this.#most = most;
    this.#left = most;
    this.#at = now;
  }

  has(now: number): boolean {
    this.#left = Math.min(this.#most, this.#left + ((now - this.#at) / 1000) * this.#each);
    this.#at = now;
    return this.#left > 0;
  }

  spend(ms: number): void {
    this.#left -= ms;
  }
}
