/** Logins that come from other hosts: by which hop of theirs, as the strongest evidence at hand says. */
import { timingSafeEqual } from 'node:crypto';
import type { Root } from '../attribution/roots.ts';
import type { Endpoint, Id, Link, LinkEvidence, Linked, Micros } from '../core/types.ts';
import { type HopOption, macOf } from '../kernel/hop-option.ts';
import { PeerError } from '../peers/connection.ts';
import type { Resolved } from '../peers/protocol.ts';
import { moved, movedFrom } from './moved.ts';
import type { Peering } from './peering.ts';

export interface LinksOptions {
  readonly peering: Pick<Peering, 'ask' | 'ownerOf' | 'natOf' | 'signers' | 'state'>;
  readonly option: Pick<HopOption, 'takeArrived'>;
  learn(root: Root, facts: { at: Micros; link: Link }): void;
  /** What the other host has revoked is revoked here. */
  revoke(root: Root, by: string, reason: string): void;
  now(): Micros;
  /** Milliseconds by a clock that nobody sets. */
  ticks(): number;
}

/** The connection by which a login came, as sshd has it. */
export interface Arriving {
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly at: Micros;
}

interface Question {
  readonly root: Root;
  readonly host: string;
  readonly evidence: LinkEvidence;
  readonly arriving: Arriving;
  /** Of the SYN option; 16 hexadecimal digits. */
  readonly handle: string | null;
  /** When it came, in ticks: the wall clock may be set while it waits. */
  readonly since: number;
}

/** A host that does not answer is asked again when it does, for so long. */
const PATIENCE_MS = 24 * 3_600_000;
const MOST_WAITING = 10_000;
/** What a login does meanwhile waits for the answer for so long, and is then decided without. */
const SETTLE_MS = 2_000;

export class Links {
  readonly #options: LinksOptions;
  readonly #waiting = new Map<Id, Question>();
  readonly #asked = new Map<Id, Promise<void>>();

  constructor(options: LinksOptions) {
    this.#options = options;
  }

  /**
   * Missing evidence of one kind leads to the next; evidence that does not hold does not: then it is not known, and why.
   * @param certified by the certificate that it was opened with
   */
  arrived(root: Root, arriving: Arriving, certified: Linked | null): void {
    const { peering, option, now, ticks } = this.#options;
    if (!peering.state.joined) return;
    const { client, server } = arriving;
    // Taken in any case: the next connection from that port is another.
    const syn = option.takeArrived(client, server);
    const since = ticks() - Math.max(0, (now() - arriving.at) / 1000);
    if (certified !== null) {
      this.#ask({ root, host: certified.host, evidence: 'certificate', arriving, handle: null, since });
      return;
    }
    if (syn !== null) {
      const signer = peering.signers().find(({ key }) => timingSafeEqual(macOf(key, syn.handle), syn.mac));
      if (signer === undefined) {
        this.#unlinked(root, null, 'its SYN option has a MAC that no host of the fleet has made');
        return;
      }
      const handle = syn.handle.toString('hex');
      this.#ask({ root, host: signer.host, evidence: 'syn-option', arriving, handle, since });
      return;
    }
    const owner = peering.ownerOf(client.address);
    if (owner !== null)
      this.#ask({ root, host: owner.host, evidence: 'four-tuple', arriving, handle: null, since });
  }

  /** What waited is asked again. @param host of this one alone */
  retry(host?: string): void {
    const again = [...this.#waiting.values()].filter(
      (question) => host === undefined || question.host === host,
    );
    for (const question of again) {
      this.#waiting.delete(question.root.id);
      if (this.#options.ticks() - question.since < PATIENCE_MS) this.#ask(question);
    }
  }

  /** Resolves when it is known by which hop a login came, or soon after. @returns null where nobody is asked about it */
  settled(login: Id): Promise<void> | null {
    const asked = this.#asked.get(login);
    if (asked === undefined) return null;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, SETTLE_MS);
    return Promise.race([asked, promise]).finally(() => clearTimeout(timer));
  }

  #ask(question: Question): void {
    const { id } = question.root;
    const asked = this.#question(question)
      .then(
        (answer) => this.#answered(question, answer),
        (error: Error) => this.#failed(question, error),
      )
      .finally(() => {
        if (this.#asked.get(id) === asked) this.#asked.delete(id);
      });
    this.#asked.set(id, asked);
  }

  #question({ root, host, evidence, arriving, handle, since }: Question): Promise<Resolved> {
    const { peering, ticks } = this.#options;
    if (evidence === 'certificate')
      return peering.ask(host, 'child', { hop: root.parentHop ?? '', login: root.id });
    const { client, server } = arriving;
    const agoMs = Math.round(ticks() - since);
    const nat = peering.natOf(host);
    return peering.ask(host, 'resolve', { login: root.id, agoMs, client, server, handle, nat });
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
    if (!refused && this.#waiting.size < MOST_WAITING) this.#waiting.set(root.id, question);
    // The certificate says enough: the other host is only to be told.
    if (evidence === 'certificate') return;
    const reason = refused ? error.message : `${host} does not answer: ${error.message}`;
    // Said once, however often it is asked.
    if (refused || root.link === null)
      this.#unlinked(
        root,
        host,
        `${evidence}: ${reason}${refused ? '' : '; it is asked again when it does'}`,
      );
  }

  #unlinked(root: Root, host: string | null, reason: string): void {
    const link: Link = { evidence: null, host, hop: null, depth: 0, reason: reason.slice(0, 512) };
    this.#options.learn(root, { at: this.#options.now(), link });
  }
}
