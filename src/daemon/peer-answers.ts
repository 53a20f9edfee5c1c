/**
 * What this host answers the others of its fleet: each is told of what is joined to it, and of nothing else. It asks itself, too,
 * of logins that came from it to it.
 */
import { treeLoginJson } from '../api/json.ts';
import type { Root } from '../attribution/roots.ts';
import { isLoopback } from '../core/loopback.ts';
import type { Endpoint, Hop, Id, Micros } from '../core/types.ts';
import type { HopOption, Offered } from '../kernel/hop-option.ts';
import type {
  Child,
  Request,
  Resolve,
  Resolved,
  RevokeAsk,
  RevokedThere,
  TreeAsk,
  TreePart,
  TreeParts,
} from '../peers/protocol.ts';
import type { Reader } from '../store/reader.ts';
import type { TreeLogin } from '../store/tree.ts';
import { moved, movedFrom } from './moved.ts';
import type { PeerTrees } from './peer-trees.ts';
import type { Peering } from './peering.ts';

export interface PeerAnswersOptions {
  readonly host: string;
  readonly peering: Pick<Peering, 'state'>;
  readonly trees: PeerTrees;
  readonly reader: Pick<
    Reader,
    'hopsBetween' | 'hop' | 'login' | 'tree' | 'childrenOfHop' | 'hopOfChild' | 'loginsBelow'
  >;
  readonly option: Pick<HopOption, 'takeOffered'>;
  /** A live login, or one that was a moment ago. */
  rootOf(login: Id): Root | undefined;
  child(hop: Id, child: { host: string; login: Id; at: Micros }): void;
  /** Ends what logins here may do, and what is below them elsewhere. */
  revoke(logins: readonly Id[], by: string, reason: string): Promise<RevokedThere>;
  /** What the kernel has reported by now is in the store. */
  settle(): void;
  /** As the wall clock was at that time; it may have been set since. */
  wallAt(bootNs: bigint): Micros;
  ago(ms: number): Micros;
  now(): Micros;
}

/** A worker tells from where it has dialed once the connection stands, within milliseconds. */
const TOLD_MS = 1_500;
const LOOK_MS = 50;
/** Between a login and the connection by which it came: authentication may take this long (LoginGraceTime). */
const SLACK: Micros = 5_000_000;
const HANDLES = 4096;

interface Handle {
  readonly offered: Offered;
  /** `host login`, of the one that it was good for; null: of none yet. */
  spentBy: string | null;
}

export class PeerAnswers {
  readonly #options: PeerAnswersOptions;
  /** Handles that were asked for, oldest first. */
  readonly #handles = new Map<string, Handle>();

  constructor(options: PeerAnswersOptions) {
    this.#options = options;
  }

  /** @param host by its certificate. @throws Error whose message it is told */
  async answer(host: string, request: Request): Promise<unknown> {
    switch (request.method) {
      case 'resolve':
        return this.#resolve(host, request.params);
      case 'child':
        return this.#child(host, request.params);
      case 'tree':
        return this.#tree(host, request.params);
      case 'revoke':
        return this.#revoke(host, request.params);
      default:
        throw new Error(`${request.method} is not asked for here`);
    }
  }

  async #resolve(host: string, asked: Resolve): Promise<Resolved> {
    const { ago, reader, settle, wallAt } = this.#options;
    settle();
    // It asks again where an answer came too late for it, or it has been restarted since.
    const told = reader.hopOfChild(host, asked.login);
    if (told !== null) {
      const hop = reader.hop(told);
      return this.#linked(host, asked.login, hop, hop.mode === 'direct' ? hop.source : hop.dialed);
    }
    if (asked.handle === null) {
      this.#mustOwn(host, asked.server);
      return this.#found(host, asked.login, asked.client, asked.server, ago(asked.agoMs));
    }
    const handle = this.#handle(asked.handle);
    const by = `${host} ${asked.login}`;
    // The same login asks again where the answer has not reached its host.
    if (handle.spentBy !== null && handle.spentBy !== by)
      throw new Error('the handle of its SYN option was used before');
    const { source, destination, atNs } = handle.offered;
    this.#mustOwn(host, destination);
    // Threat: one who reads along on the wire is there first with the same bytes. The handle is not theirs to spend.
    if (moved(source, asked.client) && !asked.nat) throw new Error(movedFrom(this.#options.host, source));
    handle.spentBy = by;
    return this.#found(host, asked.login, source, destination, wallAt(atNs));
  }

  #handle(text: string): Handle {
    const known = this.#handles.get(text);
    if (known !== undefined) return known;
    const offered = this.#options.option.takeOffered(Buffer.from(text, 'hex'));
    if (offered === null) throw new Error('the handle of its SYN option is of no connection of this host');
    const handle: Handle = { offered, spentBy: null };
    this.#handles.set(text, handle);
    if (this.#handles.size > HANDLES) this.#handles.delete(this.#handles.keys().next().value as string);
    return handle;
  }

  /** Threat: a member could ask by whom any address was connected to. */
  #mustOwn(host: string, { address }: Endpoint): void {
    if (host === this.#options.host) return;
    const member = this.#options.peering.state.members.find((one) => one.host === host);
    if (!member?.hello?.addresses.includes(address))
      throw new Error(`${address} is no address that ${host} says it has (peering.addresses)`);
  }

  /** What is settled by now is looked at first. */
  async #found(host: string, login: Id, from: Endpoint, to: Endpoint, at: Micros): Promise<Resolved> {
    const { reader, settle } = this.#options;
    // Over loopback it is told of when it begins.
    const until = performance.now() + (isLoopback(from.address) ? 0 : TOLD_MS);
    for (;;) {
      const hops = reader.hopsBetween(from, to, at, SLACK).filter(({ mode }) => mode !== 'denied');
      // A port is used again: where one still is open, it is that.
      const open = hops.filter(({ ended }) => ended === null);
      const [hop, ...others] = open.length > 0 ? open : hops;
      if (others.length > 0) throw new Error('several connections used that port at about that time');
      if (hop !== undefined) return this.#linked(host, login, hop, from);
      if (performance.now() > until)
        throw new Error('no connection of this host is known to have left from there');
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      settle();
    }
  }

  #child(host: string, { hop, login }: Child): Resolved {
    this.#options.settle();
    const found = this.#options.reader.hop(hop);
    if (found.protocol !== 'ssh') throw new Error(`hop ${hop} is no connection by SSH`);
    return this.#linked(host, login, found, null);
  }

  #linked(host: string, login: Id, hop: Hop, source: Endpoint | null): Resolved {
    const { child, now, rootOf, reader } = this.#options;
    const owner = hop.login === null ? null : (rootOf(hop.login) ?? reader.login(hop.login));
    // What a service of this host connects to sshd (a tunnel, a health check) is nobody's hop.
    if (host === this.#options.host && (owner === null || owner.kind === 'unattended'))
      throw new Error('it came by a service of this host');
    child(hop.id, { host, login, at: now() });
    const depth = (owner?.link?.depth ?? 0) + 1;
    return { hop: hop.id, depth, revoked: owner !== null && owner.revoked !== null, source };
  }

  async #tree(host: string, { up, down, asked }: TreeAsk): Promise<TreeParts> {
    const { reader, settle, trees } = this.#options;
    settle();
    const above = up.flatMap((id) => {
      if (!reader.childrenOfHop(id).some((child) => child.host === host)) return [];
      const { login } = reader.hop(id);
      return login === null ? [] : reader.tree({ login }).logins;
    });
    const below = reader.loginsBelow(host, down).flatMap((login) => reader.tree({ login }).logins);
    const beyond = await trees.beyond({ up: above, down: below }, [...asked, host]);
    const own = [...above, ...below];
    return { parts: [...(own.length > 0 ? [this.#part(own)] : []), ...beyond.parts], absent: beyond.absent };
  }

  #part(logins: readonly TreeLogin[]): TreePart {
    return { host: this.#options.host, logins: JSON.stringify(logins.map(treeLoginJson)) };
  }

  #revoke(host: string, { hops, by, reason }: RevokeAsk): Promise<RevokedThere> {
    const { host: own, reader, revoke, settle } = this.#options;
    settle();
    return revoke(reader.loginsBelow(host, hops), host === own ? by : `${by} on ${host}`, reason);
  }
}
