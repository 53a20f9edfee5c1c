/** Logins that Hopline holds: the supervisor alone gets them from where they are, and lends each hop its own. */

import type { Logger } from 'pino';

import type { CredentialSettings, HeldLogin, TargetCredentials } from '../core/credentials.ts';
import type { Id } from '../core/types.ts';
import type { Credential, CredentialSource, Held } from '../credentials/credential.ts';
import type { Outgoing } from '../credentials/outgoing.ts';
import { chooseLogin, NoLoginError, userOf } from './choose-login.ts';
import type { OpenHop, OpenHops } from './open-hops.ts';

export interface CredentialsOptions {
  readonly open: OpenHops;
  /** Who was refused, and what goes wrong while nobody asks; without secrets. */
  readonly log: Pick<Logger, 'warn'>;
  readonly outgoing: Outgoing;
}

/** One source for all hops whose login comes from the same place. */
interface Lender {
  /** Of the settings that it was made by. */
  readonly settings: string;
  readonly source: CredentialSource;
  /** Hops that have a login of it, or wait for one. */
  holders: number;
  /** The configuration no longer has it. */
  retired: boolean;
}

/** Above it, sources that nobody uses are given up: with `user: "*"` there is one for each user that was asked for. */
const MOST_LENDERS = 256;
/** PostgreSQL's names have 63 bytes; other servers' may be longer. */
const LONGEST_NAME = 255;
/** As a file may have; AWS's tokens have some 2 kB. */
const LONGEST_PASSWORD = 16 * 1024;

export class Credentials {
  readonly #options: CredentialsOptions;
  readonly #lenders = new Map<string, Lender>();
  /** What each hop has; null while it waits. */
  readonly #lent = new Map<Id, { readonly lender: Lender; held: Held | null }>();
  #targets: TargetCredentials;

  constructor(targets: TargetCredentials, options: CredentialsOptions) {
    this.#targets = targets;
    this.#options = options;
  }

  has(target: string | null): boolean {
    return target !== null && Object.hasOwn(this.#targets, target);
  }

  /** Takes up another configuration. What is lent stays so until its hops end. */
  replace(targets: TargetCredentials): void {
    this.#targets = targets;
    const wanted = new Set(
      Object.values(targets).flatMap((list) => list.map(({ source }) => JSON.stringify(source))),
    );
    for (const lender of this.#lenders.values()) lender.retired = !wanted.has(lender.settings);
    this.#tidy();
  }

  /**
   * The login for a hop, once.
   * @param asked the user that the client asks for
   * @throws NoLoginError
   */
  async lend(hop: Id, asked: string): Promise<HeldLogin> {
    const open = this.#options.open.get(hop);
    if (open === undefined) throw new NoLoginError('the connection is over');
    try {
      return await this.#lend(open, asked);
    } catch (error) {
      const why = reasonOf(error);
      this.#warn(open, why);
      throw new NoLoginError(why);
    }
  }

  /** The server did not take what the hop was lent: it is not lent again. */
  refused(hop: Id): void {
    const lent = this.#lent.get(hop);
    const open = this.#options.open.get(hop);
    if (lent === undefined || open === undefined) return;
    lent.lender.source.refused();
    this.#warn(open, `the server did not take the login from ${lent.lender.source.description}`);
  }

  /** The hop is over. */
  ended(hop: Id): void {
    const lent = this.#lent.get(hop);
    // Who still waits gives back what comes, by itself.
    if (lent === undefined || lent.held === null) return;
    this.#lent.delete(hop);
    lent.held.release();
    this.#release(lent.lender);
  }

  /** Gives back everything that was borrowed elsewhere. */
  async close(): Promise<void> {
    const all = [...this.#lenders.values()];
    this.#lenders.clear();
    this.#lent.clear();
    await Promise.all(all.map(({ source }) => source.close()));
  }

  async #lend(open: OpenHop, asked: string): Promise<HeldLogin> {
    const { hop, root } = open;
    const { id, decision, target } = hop;
    // Threat: in observe mode what policy denies passes, and would have a login that it never had.
    if (decision.outcome !== 'allow') throw new NoLoginError('policy does not allow this connection');
    if (open.closing !== null || (root !== null && root.revoked !== null))
      throw new NoLoginError('this login was revoked');
    const groups = root?.identity?.verified ? root.identity.groups : [];
    const chosen = chooseLogin(this.#targets[target ?? ''] ?? [], groups, asked, target ?? '');
    const user = userOf(chosen.user, asked);
    const lender = await this.#lender(chosen, user);
    lender.holders += 1;
    const lent = { lender, held: null as Held | null };
    this.#lent.set(id, lent);
    let held: Held | null = null;
    try {
      held = await lender.source.acquire();
      if (this.#options.open.get(id) !== open) throw new NoLoginError('the connection is over');
      const { password } = held;
      if (password.length > LONGEST_PASSWORD)
        throw new NoLoginError(`the secret of ${lender.source.description} is too long for a password`);
      const given = {
        user: nameOf(user, held, lender),
        password,
        source: lender.source.description,
        decision,
      };
      lent.held = held;
      return given;
    } finally {
      if (lent.held === null) {
        held?.release();
        this.#lent.delete(id);
        this.#release(lender);
      }
    }
  }

  async #lender({ source: settings }: CredentialSettings, user: string | null): Promise<Lender> {
    const { sourceOf } = await import('../credentials/source.ts');
    const text = JSON.stringify(settings);
    const key = JSON.stringify([text, user]);
    const known = this.#lenders.get(key);
    if (known !== undefined) return known;
    const options = {
      outgoing: this.#options.outgoing,
      onFault: (message: string) => this.#options.log.warn(message),
    };
    const made = {
      settings: text,
      source: sourceOf(settings, user, options),
      holders: 0,
      retired: false,
    };
    this.#lenders.set(key, made);
    if (this.#lenders.size > MOST_LENDERS) this.#tidy(made);
    return made;
  }

  #warn({ hop }: OpenHop, reason: string): void {
    this.#options.log.warn({ hop: hop.id, target: hop.target, reason }, 'no login for a hop');
  }

  #release(lender: Lender): void {
    lender.holders -= 1;
    if (lender.retired) this.#tidy();
  }

  /** @param kept where there are too many of them, the oldest that nobody uses goes, but not this one */
  #tidy(kept: Lender | null = null): void {
    let over = kept === null ? 0 : this.#lenders.size - MOST_LENDERS;
    for (const [key, lender] of this.#lenders) {
      if (lender.holders > 0 || lender === kept || !(lender.retired || over > 0)) continue;
      over -= 1;
      this.#lenders.delete(key);
      lender.source.close().catch((error: unknown) => this.#options.log.warn(reasonOf(error)));
    }
  }
}

function nameOf(user: string | null, held: Credential, { source }: Lender): string {
  const name = user ?? held.user;
  if (name === null)
    throw new NoLoginError(`${source.description} has no user in it: write user: NAME, or user_field`);
  if (name.length > LONGEST_NAME)
    throw new NoLoginError(`the user of ${source.description} has too long a name`);
  return name;
}

/** Messages of these two have no secret in them; nothing is known of others'. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && (error.name === 'NoLoginError' || error.name === 'CredentialError'))
    return error.message;
  return `an unexpected ${error instanceof Error ? error.name : typeof error}`;
}
