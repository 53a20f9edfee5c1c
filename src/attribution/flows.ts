import { idFromBigInt } from '../core/ids.ts';
import type { Route } from '../core/target.ts';
import type { Decision, Endpoint, HopMode, Id, Micros, Transport } from '../core/types.ts';
import { addressText } from '../kernel/address.ts';
import {
  HlAction,
  type HlFlow,
  type HlFlowEndEvent,
  type HlFlowEvent,
  HlReason,
  HlSocketFlag,
  type HlWho,
} from '../kernel/layouts.generated.ts';
import { chainOf } from './chain.ts';
import { type Image, processKey } from './image.ts';
import type { Images } from './images.ts';
import type { Names } from './names.ts';
import { readExe } from './proc.ts';
import type { HopDraft, Recorder } from './recorder.ts';
import type { Root } from './roots.ts';
import type { Routing } from './routing.ts';

export interface FlowRules {
  readonly routing: Routing;
  /** The policy snapshot's version, for decisions that the kernel made alone. */
  version(): string;
  /** A connection was refused by the kernel: the person is to read why. */
  onDenied(hop: HopDraft, root: Root | null, image: Image | null): void;
  onOpened(hop: HopDraft): void;
  /** @returns why it was ended, where Hopline did it */
  onEnded(hop: Id): string | null;
  /** A redirected connection ended and nobody has claimed it: look again in a while. */
  onUnclaimed(event: HlFlowEndEvent): void;
  /** The kernel has no program that tells the end of a UDP flow: it ends with the process that made it. */
  readonly udpEndsWithProcess: boolean;
}

/** What the kernel says of a flow, in an event or in its record for the proxy. */
export type KernelFlow = Pick<HlFlow, 'id' | 'who' | 'transport' | 'route' | 'port' | 'addr'>;

/** Whose a flow is, and what has become of it. */
export interface Found {
  readonly root: Root | null;
  readonly image: Image | null;
  readonly at: Micros;
  readonly mode: HopMode;
  readonly source: Endpoint | null;
}

interface Context {
  readonly images: Images;
  readonly names: Names;
  resolve(who: HlWho, at: Micros): { root: Root | null; image: Image | null };
  store(root: Root, image: Image | null): void;
  /** Whether a process still runs the program that it ran then. */
  stillRuns(who: HlWho): boolean;
}

const TRANSPORTS: Readonly<Record<number, Transport>> = { 6: 'tcp', 17: 'udp' };
const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  33: 'dccp',
  58: 'icmp6',
  132: 'sctp',
  136: 'udplite',
};

/** UDP flows of one process that wait for its end: a service may ask its resolver for months. */
const FOLLOWED = 1000;

/** Hops that the kernel handles alone, and the first half of those that the proxy claims. */
export class Flows {
  readonly #rules: FlowRules;
  readonly #record: Recorder;
  readonly #context: Context;
  /** Open UDP flows by process, oldest first, where they end with it. */
  readonly #ofProcess = new Map<string, Set<Id>>();

  constructor(rules: FlowRules, record: Recorder, context: Context) {
    this.#rules = rules;
    this.#record = record;
    this.#context = context;
  }

  /** A direct flow, or one that was refused. */
  opened(event: HlFlowEvent, at: Micros): void {
    const { root, image } = this.#context.resolve(event.who, at);
    const denied = event.action === HlAction.DENY;
    const source =
      event.sourcePort === 0 ? null : { address: addressText(event.sourceAddr), port: event.sourcePort };
    const draft = this.draft(event, { root, image, at, source, mode: denied ? 'denied' : 'direct' });
    const decision =
      denied || event.flags & HlSocketFlag.S_BEFORE
        ? this.#kernelDecision(event, draft.route)
        : (draft.route?.decision ?? this.#allowed(draft.route));
    const hop: HopDraft = {
      ...draft.hop,
      decision,
      ended: denied ? at : null,
      ...(denied ? { bytesUp: 0, bytesDown: 0 } : {}),
    };
    if (root) this.#context.store(root, image);
    this.#record.hop(hop);
    if (denied) {
      this.#rules.onDenied(hop, root, image);
      return;
    }
    this.#rules.onOpened(hop);
    if (this.#rules.udpEndsWithProcess && hop.transport === 'udp')
      this.#follow(hop.id, processKey(event.who.proc), at);
  }

  #follow(hop: Id, key: string, at: Micros): void {
    const hops = this.#ofProcess.get(key) ?? new Set();
    this.#ofProcess.set(key, hops.add(hop));
    const [oldest] = hops;
    if (hops.size <= FOLLOWED || oldest === undefined) return;
    hops.delete(oldest);
    this.#lost(oldest, at, 'its process has many later ones: not followed any further');
  }

  /**
   * A flow that was open when the daemon before this one ended.
   * @param process the store's id of the program that made it
   */
  resume(hop: Id, transport: Transport, process: number | null, at: Micros): void {
    if (!this.#rules.udpEndsWithProcess || transport !== 'udp') return;
    const image = process === null ? null : this.#context.images.byRow(process);
    if (image) this.#follow(hop, image.key, at);
    else this.#lost(hop, at, 'its process ended while the daemon was away');
  }

  /** The flows that end with their process, whose bytes the kernel does not tell either. */
  processEnded(key: string, at: Micros): void {
    const hops = this.#ofProcess.get(key);
    if (!hops) return;
    this.#ofProcess.delete(key);
    for (const hop of hops) this.#lost(hop, at, 'its process ended');
  }

  #lost(hop: Id, at: Micros, why: string): void {
    const reason = this.#rules.onEnded(hop) ?? why;
    this.#record.hopEnd(hop, { at, bytesUp: null, bytesDown: null, reason });
  }

  ended(event: HlFlowEndEvent, at: Micros): void {
    if (!event.unclaimed) {
      const hop = idFromBigInt(event.id);
      this.#ofProcess.get(processKey(event.who.proc))?.delete(hop);
      const reason = this.#rules.onEnded(hop);
      this.#record.hopEnd(hop, {
        at,
        bytesUp: Number(event.bytesUp),
        bytesDown: Number(event.bytesDown),
        reason,
      });
    } else if (event.refused)
      this.neverTaken(event, at, 'the proxy was not there to take it: the daemon was down');
    else this.#rules.onUnclaimed(event);
  }

  /** A redirected connection that no worker took: it went nowhere, and the record says so. */
  neverTaken(flow: KernelFlow, at: Micros, why: string): void {
    const { root, image } = this.#context.resolve(flow.who, at);
    const { hop } = this.draft(flow, { root, image, at, source: null, mode: 'denied' });
    if (root) this.#context.store(root, image);
    const decision: Decision = {
      outcome: 'deny',
      policies: [],
      reason: why,
      observed: false,
      errors: [],
      version: this.#rules.version(),
    };
    this.#record.hop({ ...hop, decision, ended: at, bytesUp: 0, bytesDown: 0, endReason: why });
  }

  /** What a hop is before it is decided. */
  draft(flow: KernelFlow, found: Found): { hop: Omit<HopDraft, 'decision'>; route: Route | null } {
    const { root, image, at, mode, source } = found;
    const transport = TRANSPORTS[flow.transport] ?? 'other';
    const address = addressText(flow.addr);
    const route =
      this.#rules.routing.byId(flow.route) ?? this.#rules.routing.find(transport, address, flow.port);
    const hop = {
      id: idFromBigInt(flow.id),
      login: root?.id ?? null,
      image,
      chain: image ? chainOf(image) : this.#chainOfStranger(flow.who),
      target: route?.target ?? null,
      name: root ? this.#context.names.nameOf(root.id, address, at) : null,
      transport,
      protocol:
        transport === 'udp' && flow.port === 53
          ? 'dns'
          : (PROTOCOLS[flow.transport] ?? `ip-${flow.transport}`),
      destination: { address, port: flow.port },
      source,
      started: at,
      ended: null,
      bytesUp: null,
      bytesDown: null,
      mode,
      endReason: null,
    };
    return { hop, route };
  }

  /** Nothing is known of its origin; what can be read of it now is written down as that. */
  #chainOfStranger(who: HlWho): string[] {
    if (who.proc.tgid === 0) return [];
    // Asked after reading: what it ran then is what it still runs now, so that was what it ran in between.
    const seen = readExe(who.proc.tgid);
    const exe = seen !== null && this.#context.stillRuns(who) ? seen : null;
    return [exe ? exe.slice(exe.lastIndexOf('/') + 1) : `pid ${who.proc.tgid}`];
  }

  #allowed(route: Route | null): Decision {
    const reason = route ? `direct by the routing table (${route.prefix})` : 'direct';
    return {
      outcome: 'allow',
      policies: [],
      reason,
      observed: false,
      errors: [],
      version: this.#rules.version(),
    };
  }

  #kernelDecision(event: HlFlowEvent, route: Route | null): Decision {
    if (event.reason === HlReason.BY_ROUTE && route?.decision) return route.decision;
    const before = (event.flags & HlSocketFlag.S_BEFORE) !== 0;
    const reason = before
      ? 'connected before Hopline was started'
      : (REASONS[event.reason] ?? `kernel reason ${event.reason}`);
    return {
      outcome: before ? 'allow' : 'deny',
      policies: [],
      reason,
      observed: before,
      errors: [],
      version: this.#rules.version(),
    };
  }
}

const REASONS: Readonly<Record<number, string>> = {
  [HlReason.BY_ROUTE]: 'the routing table denies it',
  [HlReason.REVOKED]: 'this login was revoked',
  [HlReason.NETNS]: 'the program is in a network namespace of its own, where the proxy can not be reached',
  [HlReason.PROXY]: "the proxy's own port takes no direct connections",
  [HlReason.RESOURCES]: 'the kernel had no memory left to record it',
  [HlReason.NO_ROUTE]: 'no route: nothing allows this kind of traffic',
  [HlReason.BACKSTOP]: 'a packet of a kind that no hook had seen',
  [HlReason.DEVICE]: 'the socket is bound to a network device, and the kernel does not release it',
};
