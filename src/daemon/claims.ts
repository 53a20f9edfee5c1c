import type { Attribution } from '../attribution/attribution.ts';
import type { Image } from '../attribution/image.ts';
import type { HopDraft } from '../attribution/recorder.ts';
import type { Root } from '../attribution/roots.ts';
import { hopsAbove } from '../core/link.ts';
import type { TargetTls } from '../core/target.ts';
import type { Decision, Id, Micros } from '../core/types.ts';
import { flowKey } from '../kernel/address.ts';
import { type HlFlow, type HlFlowEndEvent, HlSocketFlag } from '../kernel/layouts.generated.ts';
import type { KernelMaps } from '../kernel/maps.ts';
import type { Subject } from '../proxy/messages.ts';
import type { Claim, Reply } from '../proxy/supervise.ts';
import type { OpenHops } from './open-hops.ts';
import type { StoreRecorder } from './store-recorder.ts';

/** A worker takes a connection within milliseconds; what waits this long is waiting for nobody. */
const UNCLAIMED_MS = 10_000;

const DISK_FULL = 'the disk is full: what can not be recorded is not let through';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface ClaimsOptions {
  readonly maps: KernelMaps;
  readonly attribution: Attribution;
  readonly record: StoreRecorder;
  readonly open: OpenHops;
  /** Reads everything the kernel has reported so far. */
  drain(): void;
  /** Resolves when the DNS answers handed out for parsing have come back, or soon after. */
  namesSettled(): Promise<void> | null;
  /** Resolves when it is known by which way a login came, or soon after; null where it is. */
  linkSettled(login: Id): Promise<void> | null;
  decide(hop: Omit<HopDraft, 'decision'>, root: Root | null): Decision;
  onDenied(hop: HopDraft, root: Root | null, image: Image | null): void;
  enforcing(): boolean;
  /** The room that serves an inspected connection to a target. */
  protocolOf(target: string | null): string;
  tlsOf(target: string | null): TargetTls;
  /** Whether Hopline holds a login for the target. */
  holds(target: string | null): boolean;
  /** Milliseconds without a byte after which a connection ends; null is never. */
  idleMs(): number | null;
  now(): Micros;
  toMicros(bootNs: bigint): Micros;
}

/** Answers a worker's question: whose is the connection that I have just accepted? */
export class Claims {
  readonly #options: ClaimsOptions;

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /** The hop is in the store, with its decision, before the answer leaves. */
  async handle(claim: Claim): Promise<Reply> {
    const { attribution, maps, open, record } = this.#options;
    this.#options.drain();
    const flow = maps.flows.take(flowKey(claim.client));
    if (flow === null || flow.flags & HlSocketFlag.S_LOST) return this.#unknown(claim, flow);
    const settled = this.#options.namesSettled();
    if (settled) await settled;

    const at = this.#options.now();
    const { root, image } = attribution.resolve(flow.who, at);
    if (root) attribution.store(root, image);
    const linked = root && this.#options.linkSettled(root.id);
    if (linked) await linked;
    const found = { root, image, at, mode: 'inspect', source: claim.client } as const;
    const { hop: draft } = attribution.flows.draft(flow, found);
    const decision = this.#decide(draft, root);
    const allowed = decision.outcome === 'allow' || decision.observed;
    const denied = { mode: 'denied', ended: at, bytesUp: 0, bytesDown: 0 } as const;
    const full = {
      ...denied,
      decision: { ...decision, outcome: 'deny', observed: false, policies: [], reason: DISK_FULL },
      endReason: DISK_FULL,
    } as const;
    const hop: Mutable<HopDraft> = { ...draft, decision, ...(allowed ? {} : denied) };
    if (allowed) hop.protocol = this.#options.protocolOf(hop.target);
    // What sshd connects for a client elsewhere (-J, -W, -L) is that client's, who does not know Hopline's key.
    if (hop.protocol === 'ssh' && image?.plumbing) hop.protocol = 'tcp';
    // Known beforehand where it was full a moment ago: then a repetition is counted in place of being kept.
    if (record.full && !record.flush() && this.#options.enforcing()) Object.assign(hop, full);
    record.hop(hop);
    if (!record.flush() && this.#options.enforcing()) Object.assign(hop, full);
    if (hop.mode === 'denied') {
      this.#options.onDenied(hop, root, image);
      const protocol = this.#options.protocolOf(hop.target);
      return { type: 'refuse', reason: hop.decision.reason, ...(protocol === 'ssh' ? { protocol } : {}) };
    }
    open.add({ hop, root, closing: null });
    const limitIdleMs = this.#options.idleMs();
    return {
      type: 'flow',
      hop: hop.id,
      destination: hop.destination,
      target: hop.target,
      protocol: hop.protocol,
      outcome: 'allow',
      reason: decision.reason,
      subject: subjectOf(hop, root),
      tls: this.#options.tlsOf(hop.target),
      // In observe mode what policy denies goes on with what the client has itself: nobody gets a login by it.
      ...(decision.outcome === 'allow' && this.#options.holds(hop.target) ? { held: true } : {}),
      ...(limitIdleMs === null ? {} : { limitIdleMs }),
    };
  }

  /** A client that had gone before the claim leaves its flow behind; this looks whether it was ever taken. */
  watch(event: HlFlowEndEvent): void {
    setTimeout(() => {
      const key = { addr: event.sourceAddr, port: event.sourcePort };
      const flow = this.#options.maps.flows.get(key);
      if (flow?.id !== event.id) return;
      this.#options.maps.flows.delete(key);
      this.#options.attribution.flows.neverTaken(
        flow,
        this.#options.now(),
        'the proxy did not take it before the client gave up',
      );
      this.#options.record.flush();
    }, UNCLAIMED_MS).unref();
  }

  /** Flows from before the listeners were there: an earlier daemon's backlog died with it. */
  sweep(listening: Micros, why: string): number {
    const { attribution, maps } = this.#options;
    let count = 0;
    for (const key of maps.flows.keys()) {
      const flow = maps.flows.get(key);
      if (!flow || this.#options.toMicros(flow.atNs) >= listening) continue;
      maps.flows.delete(key);
      attribution.flows.neverTaken(flow, this.#options.now(), why);
      count++;
    }
    return count;
  }

  #decide(hop: Omit<HopDraft, 'decision'>, root: Root | null): Decision {
    const decision = this.#options.decide(hop, root);
    if (root?.revoked === null || root === null) return decision;
    return { ...decision, outcome: 'deny', observed: false, policies: [], reason: 'this login was revoked' };
  }

  #unknown(claim: Claim, flow: HlFlow | null): Reply {
    const { attribution, record } = this.#options;
    const at = this.#options.now();
    const from = `${claim.client.address}:${claim.client.port}`;
    if (flow)
      attribution.flows.neverTaken(
        flow,
        at,
        'two connections had the same source port: whose this is can not be told',
      );
    else
      record.notice({
        at,
        kind: 'refused',
        login: null,
        count: 1,
        detail: `a connection from ${from} reached the proxy without a flow record`,
      });
    record.flush();
    return { type: 'refuse', reason: 'the kernel has no record of whose connection this is' };
  }
}

/** What policies may read of the person, and no more: a worker parses hostile bytes. */
function subjectOf({ chain, name }: HopDraft, root: Root | null): Subject {
  if (root === null) return { login: null, chain, name, hops: 0 };
  const { kind, source, user, identity, link } = root;
  return { login: { kind, source, user, identity }, chain, name, hops: hopsAbove(link) };
}
