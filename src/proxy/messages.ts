/**
 * What supervisor and worker say to each other over Node's IPC channel, and the checks on what the other side said.
 * A worker parses hostile bytes, so the supervisor believes nothing that these checks have not passed.
 */
import { isIP } from 'node:net';
import type { Endpoint, Id, NameAnswer } from '../core/types.ts';

export type ListenerName = 'v4' | 'v6';

/** What a worker is born with, as JSON in its first argument. Listener fds are inherited. */
export interface WorkerConfig {
  readonly worker: number;
  readonly listeners: readonly { readonly name: ListenerName; readonly fd: number }[];
  readonly backlog: number;
}

/** Settings that reach workers whole, never in part; a later version replaces an earlier one. */
export interface WorkerSnapshot {
  readonly version: string;
  /** How long an accepted connection waits for its flow before it is refused. */
  readonly claimTimeoutMs: number;
  /** How long the dial to the destination may take. */
  readonly dialTimeoutMs: number;
}

/** The supervisor's answer to a claim: the flow, with the decision about it. */
export interface Flow {
  readonly hop: Id;
  readonly destination: Endpoint;
  readonly target: string | null;
  /** Name of a room in the registry. */
  readonly protocol: string;
  readonly outcome: 'allow' | 'deny';
  readonly reason: string;
  /** End the hop after so long without a byte in either direction. */
  readonly limitIdleMs?: number;
}

export type ToSupervisor =
  | { readonly type: 'ready' }
  | {
      readonly type: 'claim';
      readonly seq: number;
      readonly listener: ListenerName;
      readonly client: Endpoint;
    }
  | { readonly type: 'dialed'; readonly hop: Id; readonly source: Endpoint }
  /** What a DNS message that the supervisor handed over says. */
  | { readonly type: 'names'; readonly seq: number; readonly answers: readonly NameAnswer[] }
  | {
      readonly type: 'ended';
      readonly hop: Id;
      readonly bytesUp: number;
      readonly bytesDown: number;
      /** Null: closed by either side. */
      readonly reason: string | null;
    };

export type ToWorker =
  | ({ readonly type: 'flow'; readonly seq: number } & Flow)
  | { readonly type: 'refuse'; readonly seq: number; readonly reason: string }
  | { readonly type: 'close'; readonly hop: Id; readonly reason: string }
  | { readonly type: 'snapshot'; readonly snapshot: WorkerSnapshot }
  /** The message in base64: the channel carries JSON, which is faster than structured clones of small messages. */
  | { readonly type: 'dns'; readonly seq: number; readonly message: string }
  | { readonly type: 'drain'; readonly deadlineMs: number };

const MOST_ANSWERS = 64;
/** Base64 of the largest message that the kernel half keeps. */
const DNS_LIMIT = 4096;

/** Longest text that either side accepts in a field. */
export const TEXT_LIMIT = 1024;

/**
 * Checks a message that came from a worker.
 * @returns the message with nothing in it but its own fields, or null where it is none
 */
export function fromWorker(value: unknown): ToSupervisor | null {
  const m = record(value);
  if (m === null) return null;
  switch (m.type) {
    case 'ready':
      return { type: 'ready' };
    case 'claim': {
      const client = endpoint(m.client);
      const listener = m.listener;
      if (!count(m.seq) || client === null || (listener !== 'v4' && listener !== 'v6')) return null;
      return { type: 'claim', seq: m.seq, listener, client };
    }
    case 'dialed': {
      const source = endpoint(m.source);
      return text(m.hop) && source !== null ? { type: 'dialed', hop: m.hop, source } : null;
    }
    case 'names': {
      const { seq, answers } = m;
      if (!count(seq) || !Array.isArray(answers) || answers.length > MOST_ANSWERS) return null;
      const checked = answers.map(nameAnswer);
      return checked.includes(null) ? null : { type: 'names', seq, answers: checked as NameAnswer[] };
    }
    case 'ended': {
      const { hop, bytesUp, bytesDown, reason } = m;
      if (!text(hop) || !count(bytesUp) || !count(bytesDown)) return null;
      if (reason !== null && !text(reason)) return null;
      return { type: 'ended', hop, bytesUp, bytesDown, reason };
    }
    default:
      return null;
  }
}

/** Checks a message that came from the supervisor; same terms as {@link fromWorker}. */
export function fromSupervisor(value: unknown): ToWorker | null {
  const m = record(value);
  if (m === null) return null;
  switch (m.type) {
    case 'flow':
      return flow(m);
    case 'refuse':
      return count(m.seq) && text(m.reason) ? { type: 'refuse', seq: m.seq, reason: m.reason } : null;
    case 'close':
      return text(m.hop) && text(m.reason) ? { type: 'close', hop: m.hop, reason: m.reason } : null;
    case 'snapshot': {
      const s = record(m.snapshot);
      if (s === null || !text(s.version)) return null;
      const { version, claimTimeoutMs, dialTimeoutMs } = s;
      if (!count(claimTimeoutMs) || !count(dialTimeoutMs)) return null;
      return { type: 'snapshot', snapshot: { version, claimTimeoutMs, dialTimeoutMs } };
    }
    case 'dns':
      return count(m.seq) && typeof m.message === 'string' && m.message.length <= DNS_LIMIT
        ? { type: 'dns', seq: m.seq, message: m.message }
        : null;
    case 'drain':
      return count(m.deadlineMs) ? { type: 'drain', deadlineMs: m.deadlineMs } : null;
    default:
      return null;
  }
}

function nameAnswer(value: unknown): NameAnswer | null {
  const a = record(value);
  if (
    a === null ||
    !text(a.name) ||
    a.name.length > 253 ||
    !text(a.address) ||
    isIP(a.address) === 0 ||
    !count(a.ttl)
  )
    return null;
  return { address: a.address, name: a.name, ttl: a.ttl };
}

function flow(m: Record<string, unknown>): ToWorker | null {
  const { seq, hop, target, protocol, outcome, reason, limitIdleMs } = m;
  const destination = endpoint(m.destination);
  if (!count(seq) || !text(hop) || !text(protocol) || !text(reason) || destination === null) return null;
  if (target !== null && !text(target)) return null;
  if (outcome !== 'allow' && outcome !== 'deny') return null;
  const known = { type: 'flow', seq, hop, destination, target, protocol, outcome, reason } as const;
  if (limitIdleMs === undefined) return known;
  return count(limitIdleMs) ? { ...known, limitIdleMs } : null;
}

function record(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

function endpoint(value: unknown): Endpoint | null {
  const e = record(value);
  if (e === null || !text(e.address) || e.address.length > 64) return null;
  return count(e.port) && e.port <= 65_535 ? { address: e.address, port: e.port } : null;
}

function count(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function text(value: unknown): value is string {
  return typeof value === 'string' && value.length <= TEXT_LIMIT;
}
