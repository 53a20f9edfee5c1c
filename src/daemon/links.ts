/** Logins that come from other hosts, or from this one: by which hop, as the strongest evidence at hand says. */
import { timingSafeEqual } from 'node:crypto';
import type { Root } from '../attribution/roots.ts';
import type { Endpoint, Id, Link, Linked, Micros } from '../core/types.ts';
import { type HopOption, macOf } from '../kernel/hop-option.ts';
import { PeerError } from '../peers/connection.ts';
import type { Resolved } from '../peers/protocol.ts';
import { moved, movedFrom } from './moved.ts';
import type { Peering } from './peering.ts';
import { type Arriving, type Asking, Unanswered } from './unanswered.ts';

export interface LinksOptions {
  readonly peering: Pick<Peering, 'ownerOf' | 'natOf' | 'signers' | 'state'>;
  /** The others of the fleet, and this host, which there is without one. */
  readonly ask: Peering['ask'];
  readonly host: string;
  /** Whether an address is this host's own. */
  isOwn(address: string): boolean;
  readonly option: Pick<HopOption, 'takeArrived'>;
  /** Where questions without an answer are kept for the daemon after this one. */
  readonly path: string;
  learn(root: Arrived, facts: { at: Micros; link: Link }): void;
  /** What the other host has revoked is revoked here. */
  revoke(root: Arrived, by: string, reason: string): void;
  onError(error: Error): void;
  now(): Micros;
  /** Milliseconds by a clock that nobody sets. */
  ticks(): number;
}

/** A login that came from another host; it may be over. */
export type Arrived = Pick<Root, 'id' | 'link' | 'parentHop'>;

interface Question extends Asking {
  readonly root: Arrived;
  /** When it came, in ticks: the wall clock may be set while it waits. */
  readonly since: number;
}

/** A host that does not answer is asked again when it does, for so long. */
const PATIENCE_MS = 24 * 3_600_000;
const MOST_WAITING = 10_000;
/** What a login does meanwhile waits for the answer for so long, and is then decided without. */
const SETTLE_MS = 2_000;
/** What has no answer by then may be asked in vain. */
const SOON_MS = 300;

export class Links {
  readonly #options: LinksOptions;
  readonly #waiting = new Map<Id, Question>();
  /** Asked, without an answer yet. */
  readonly #asked = new Map<Id, { readonly question: Question; readonly over: Promise<void> }>();
  readonly #unanswered: Unanswered;

  constructor(options: LinksOptions) {
    this.#options = options;
    const all = () => [
      ...this.#waiting.values(),
      ...[...this.#asked.values()].map(({ question }) => question),
    ];
    this.#unanswered = new Unanswered(options.path, all, options.onError);
  }

  /** Takes up what the daemon before had no answer to. @param arrived null where the record has no such login */
  resume(arrived: (login: Id) => Arrived | null): void {
    for (const asking of this.#unanswered.read()) {
      const root = arrived(asking.login);
      const since = this.#since(asking.arriving);
      if (root !== null) this.#waiting.set(root.id, { ...asking, root, since });
    }
  }

  /** What has no answer is kept. */
  stop(): void {
    this.#unanswered.write();
  }

  /**
   * Missing evidence of one kind leads to the next; evidence that does not hold does not: then it is not known, and why.
   * @param certified by the certificate that it was opened with
   */
  arrived(root: Arrived, arriving: Arriving, certified: Linked | null): void {
    const { host, isOwn, peering, option } = this.#options;
    const { client, server } = arriving;
    const came = { root, login: root.id, arriving, since: this.#since(arriving) };
    if (certified === null && isOwn(client.address)) {
      this.#ask({ ...came, host, evidence: 'four-tuple', handle: null });
      return;
    }
    if (!peering.state.joined) return;
    // Taken in any case: the next connection from that port is another.
    const syn = option.takeArrived(client, server);
    if (certified !== null) {
      this.#ask({ ...came, host: certified.host, evidence: 'certificate', handle: null });
      return;
    }
    if (syn !== null) {
      const signer = peering.signers().find(({ key }) => timingSafeEqual(macOf(key, syn.handle), syn.mac));
      if (signer === undefined) {
        this.#unlinked(root, null, 'its SYN option has a MAC that no host of the fleet has made');
        return;
      }
      const handle = syn.handle.toString('hex');
      this.#ask({ ...came, host: signer.host, evidence: 'syn-option', handle });
      return;
    }
    const owner = peering.ownerOf(client.address);
    if (owner !== null) this.#ask({ ...came, host: owner.host, evidence: 'four-tuple', handle: null });
  }

  /**
   * An sshd that does not use PAM has let it in. Nobody is asked: where it says that it comes from is in its environment, with
   * which it could have the hop of another.
   */
  untold(root: Arrived, { address }: Endpoint): void {
    const { host, isOwn, peering } = this.#options;
    const from = isOwn(address) ? host : peering.state.joined ? peering.ownerOf(address)?.host : undefined;
    if (from !== undefined && root.link === null)
      this.#unlinked(
        root,
        from,
        'PAM has not told of it: UsePAM no, an sshd for one login, or one that was there before',
      );
  }

  /** What waited is asked again. @param host of this one alone */
  retry(host?: string): void {
    const again = [...this.#waiting.values()].filter(
      (question) => host === undefined || question.host === host,
    );
    for (const question of again) {
      this.#waiting.delete(question.root.id);
      this.#unanswered.changed();
      if (this.#options.ticks() - question.since < PATIENCE_MS) this.#ask(question);
    }
  }

  /** Resolves when it is known by which hop a login came, or soon after. @returns null where nobody is asked about it */
  settled(login: Id): Promise<void> | null {
    const asked = this.#asked.get(login);
    if (asked === undefined) return null;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, SETTLE_MS);
    return Promise.race([asked.over, promise]).finally(() => clearTimeout(timer));
  }

  #since({ at }: Arriving): number {
    const { now, ticks } = this.#options;
    return ticks() - Math.max(0, (now() - at) / 1000);
  }

  #ask(question: Question): void {
    const { id } = question.root;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#unanswered.changed();
    }, SOON_MS).unref();
    const over = this.#question(question)
      .then(
        (answer) => this.#answered(question, answer),
        (error: Error) => this.#failed(question, error),
      )
      .finally(() => {
        clearTimeout(timer);
        if (this.#asked.get(id)?.question === question) this.#asked.delete(id);
        if (late) this.#unanswered.changed();
      });
    this.#asked.set(id, { question, over });
  }

  #question({ root, host, evidence, arriving, handle, since }: Question): Promise<Resolved> {
    const { ask, peering, ticks } = this.#options;
    if (evidence === 'certificate') return ask(host, 'child', { hop: root.parentHop ?? '', login: root.id });
    const { client, server } = arriving;
    const agoMs = Math.round(ticks() - since);
    const nat = peering.natOf(host);
    return ask(host, 'resolve', { login: root.id, agoMs, client, server, handle, nat });
  }

  #answered({ root, host, evidence, arriving }: Question, answer: Resolved): void {
    const { peering, learn, revoke, now } = this.#options;
    const { hop, depth, revoked, source } = answer;
    const elsewhere = source !== null && moved(source, arriving.client);
    if (evidence !== 'certificate' && elsewhere && !peering.natOf(host)) {
      this.#unlinked(root, host, movedFrom(host, source));
      return;
    }
    const known = root.link?.evidence === 'certificate' && root.link.depth === depth;
    if (!known) learn(root, { at: now(), link: { evidence, host, hop, depth, reason: null } });
    if (revoked) revoke(root, host, `the login on ${host} by which it came was revoked`);
  }

  #failed(question: Question, error: Error): void {
    const { root, host, evidence } = question;
    const refused = error instanceof PeerError && error.refused;
    if (!refused && this.#waiting.size < MOST_WAITING) {
      this.#waiting.set(root.id, question);
      this.#unanswered.changed();
    }
    // The certificate says enough: the other host is only to be told. And of what comes from nowhere else, nothing is to be said.
    if (evidence === 'certificate' || (refused && host === this.#options.host)) return;
    const reason = refused ? error.message : `${host} does not answer: ${error.message}`;
    // Said once, however often it is asked.
    if (refused || root.link === null)
      this.#unlinked(
        root,
        host,
        `${evidence}: ${reason}${refused ? '' : '; it is asked again when it does'}`,
      );
  }

  #unlinked(root: Arrived, host: string | null, reason: string): void {
    const link: Link = { evidence: null, host, hop: null, depth: 0, reason: reason.slice(0, 512) };
    this.#options.learn(root, { at: this.#options.now(), link });
  }
}
