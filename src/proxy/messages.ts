/**
 * What supervisor and worker say to each other over Node's IPC channel, and the checks on what the other side said.
 * A worker parses hostile bytes, so the supervisor believes nothing that these checks have not passed.
 */

import { isIP } from 'node:net';
import { count, endpoint, text as fits, record } from '../core/fields.ts';
import type { TargetTls } from '../core/target.ts';
import type { Decision, Endpoint, Id, Login, NameAnswer } from '../core/types.ts';
import type { Minted } from '../tls/minted.ts';
import { type Ask, ask, type Found, found } from './ask-messages.ts';
import {
  type CredentialAnswer,
  type CredentialAsk,
  type CredentialRefused,
  credentialAnswer,
  credentialAsk,
  credentialRefused,
} from './credential-messages.ts';
import {
  type HoldToSupervisor,
  type HoldToWorker,
  holdFromSupervisor,
  holdFromWorker,
} from './hold-messages.ts';
import {
  type ShellFromWorker,
  type ShellToWorker,
  shellFromSupervisor,
  shellFromWorker,
} from './shell-messages.ts';
import { type WorkerSnapshot, workerSnapshot } from './worker-snapshot.ts';

export type ListenerName = 'v4' | 'v6';

/** What a worker is born with, as JSON in its first argument. Listener fds are inherited. */
export interface WorkerConfig {
  readonly worker: number;
  readonly listeners: readonly { readonly name: ListenerName; readonly fd: number }[];
  readonly backlog: number;
  /** The socket that recordings go to. */
  readonly recordings: number;
}

/** Who opened a hop and how they came: what policies read of every action in it. */
export interface Subject {
  readonly login: Pick<Login, 'kind' | 'source' | 'user' | 'identity'> | null;
  readonly chain: readonly string[];
  /** In the DNS answer that the login got. */
  readonly name: string | null;
  /** Above the login, over all hosts. */
  readonly hops: number;
}

export interface ActionMessage {
  readonly type: 'action';
  readonly hop: Id;
  /** 1, 2, … within the hop. */
  readonly action: number;
  readonly kind: string;
  readonly subject: string;
  /** JSON. */
  readonly detail: string;
  readonly decision: Decision;
}

export interface ActionEndMessage {
  readonly type: 'action-end';
  readonly hop: Id;
  readonly action: number;
  /** JSON. */
  readonly detail: string;
}

/** Another decision about an action takes the place of the first. */
export interface DecidedMessage {
  readonly type: 'decided';
  readonly hop: Id;
  readonly action: number;
  readonly decision: Decision;
}

export type ActionRecord = ActionMessage | DecidedMessage | ActionEndMessage;

/** As it goes over the channel: what is JSON in the record is not made text twice, and a decision is said once. */
export type SentAction =
  | (Omit<ActionMessage, 'detail' | 'decision'> & {
      readonly detail: Readonly<Record<string, unknown>>;
      /** Its place in `decisions`. */
      readonly decision: number;
    })
  | (Omit<ActionEndMessage, 'detail'> & { readonly detail: Readonly<Record<string, unknown>> });

export interface ActionsMessage {
  readonly type: 'actions';
  readonly decisions: readonly Decision[];
  /** In the order in which they happened, at most {@link MOST_ACTIONS}. */
  readonly actions: readonly SentAction[];
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
  readonly subject: Subject;
  readonly tls: TargetTls;
  /** Hopline logs in to the target itself: the login is there to be asked for. */
  readonly held?: boolean;
}

export type ToSupervisor =
  | { readonly type: 'ready' }
  | { readonly type: 'certificate'; readonly seq: number; readonly names: readonly string[] }
  | CredentialAsk
  | CredentialRefused
  | Ask
  | ActionsMessage
  | DecidedMessage
  | HoldToSupervisor
  | ShellFromWorker
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
  | { readonly type: 'refuse'; readonly seq: number; readonly reason: string; readonly protocol?: string }
  | { readonly type: 'close'; readonly hop: Id; readonly reason: string }
  | { readonly type: 'snapshot'; readonly snapshot: WorkerSnapshot }
  /** The message in base64: the channel carries JSON, which is faster than structured clones of small messages. */
  | { readonly type: 'dns'; readonly seq: number; readonly message: string }
  /** PEM; where there is none, why. */
  | {
      readonly type: 'certificate';
      readonly seq: number;
      readonly minted: Minted | null;
      readonly error: string;
    }
  | CredentialAnswer
  | Found
  | HoldToWorker
  | ShellToWorker
  | { readonly type: 'drain'; readonly deadlineMs: number };

/** What the supervisor has checked. */
export type FromWorker =
  | Exclude<ToSupervisor, ActionsMessage>
  | { readonly type: 'actions'; readonly actions: readonly (ActionMessage | ActionEndMessage)[] };

const MOST_ANSWERS = 64;
/** Of one message: with the longest details it is still a text that JSON can be. */
export const MOST_ACTIONS = 64;
/** Base64 of the largest message that the kernel half keeps. */
const DNS_LIMIT = 4096;

/** A statement of 64 kB and 256 parameters of 1 kB, each character escaped. */
const DETAIL_LIMIT = 2 * 1024 * 1024;
const MOST_TEXTS = 10_000;

/** Longest text that either side accepts in a field. */
export const TEXT_LIMIT = 1024;

/**
 * Checks a message that came from a worker.
 * @returns the message with nothing in it but its own fields, or null where it is none
 */
export function fromWorker(value: unknown): FromWorker | null {
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
    case 'certificate': {
      const { seq, names } = m;
      if (!count(seq) || !texts(names) || names.length > MOST_ANSWERS) return null;
      return { type: 'certificate', seq, names };
    }
    case 'credential':
      return credentialAsk(m);
    case 'credential-refused':
      return credentialRefused(m);
    case 'ask':
      return ask(m);
    case 'actions':
      return actions(m);
    case 'decided': {
      const decided = decision(m.decision);
      if (!text(m.hop) || !count(m.action) || decided === null) return null;
      return { type: 'decided', hop: m.hop, action: m.action, decision: decided };
    }
    case 'hold':
    case 'withdraw':
    case 'cancel':
      return holdFromWorker(m);
    case 'ended': {
      const { hop, bytesUp, bytesDown, reason } = m;
      if (!text(hop) || !count(bytesUp) || !count(bytesDown)) return null;
      if (reason !== null && !text(reason)) return null;
      return { type: 'ended', hop, bytesUp, bytesDown, reason };
    }
    default:
      return shellFromWorker(m);
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
      if (!count(m.seq) || !text(m.reason)) return null;
      return {
        type: 'refuse',
        seq: m.seq,
        reason: m.reason,
        ...(text(m.protocol) ? { protocol: m.protocol } : {}),
      };
    case 'close':
      return text(m.hop) && text(m.reason) ? { type: 'close', hop: m.hop, reason: m.reason } : null;
    case 'snapshot': {
      const snapshot = workerSnapshot(m.snapshot);
      return snapshot && { type: 'snapshot', snapshot };
    }
    case 'dns':
      return count(m.seq) && typeof m.message === 'string' && m.message.length <= DNS_LIMIT
        ? { type: 'dns', seq: m.seq, message: m.message }
        : null;
    case 'certificate': {
      const minted = record(m.minted) as Minted | null;
      if (!count(m.seq) || !text(m.error)) return null;
      return { type: 'certificate', seq: m.seq, minted, error: m.error };
    }
    case 'credential':
      return credentialAnswer(m);
    case 'found':
      return found(m);
    case 'held':
    case 'answer':
    case 'cancelled':
      return holdFromSupervisor(m);
    case 'drain':
      return count(m.deadlineMs) ? { type: 'drain', deadlineMs: m.deadlineMs } : null;
    default:
      return shellFromSupervisor(m);
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
  const { seq, hop, target, protocol, outcome, reason, limitIdleMs, held } = m;
  const destination = endpoint(m.destination);
  if (!count(seq) || !text(hop) || !text(protocol) || !text(reason) || destination === null) return null;
  if (target !== null && !text(target)) return null;
  if (outcome !== 'allow' && outcome !== 'deny') return null;
  const subject = record(m.subject) as Subject | null;
  const tls = record(m.tls) as TargetTls | null;
  if (subject === null || tls === null) return null;
  if (held !== undefined && typeof held !== 'boolean') return null;
  const whose = { hop, destination, target, protocol, outcome, reason, subject, tls } as const;
  const known = { type: 'flow', seq, ...whose, ...(held === undefined ? {} : { held }) } as const;
  if (limitIdleMs === undefined) return known;
  return count(limitIdleMs) ? { ...known, limitIdleMs } : null;
}

function decision(value: unknown): Decision | null {
  const d = record(value);
  if (d === null || !fits(d.reason, DETAIL_LIMIT) || !text(d.version) || typeof d.observed !== 'boolean')
    return null;
  const { outcome, policies, reason, observed, errors, version } = d;
  if (outcome !== 'allow' && outcome !== 'deny' && outcome !== 'approve') return null;
  return texts(policies) && texts(errors) ? { outcome, policies, reason, observed, errors, version } : null;
}

function texts(value: unknown): value is string[] {
  return (
    Array.isArray(value) && value.length <= MOST_TEXTS && value.every((each) => fits(each, DETAIL_LIMIT))
  );
}

function actions(m: Record<string, unknown>): FromWorker | null {
  if (!Array.isArray(m.decisions) || m.decisions.length > MOST_ACTIONS) return null;
  if (!Array.isArray(m.actions) || m.actions.length > MOST_ACTIONS) return null;
  const decisions = m.decisions.map(decision);
  const checked: (ActionMessage | ActionEndMessage)[] = [];
  for (const each of m.actions) {
    const one = action(each, decisions);
    if (one === null) return null;
    checked.push(one);
  }
  return { type: 'actions', actions: checked };
}

function action(
  value: unknown,
  decisions: readonly (Decision | null)[],
): ActionMessage | ActionEndMessage | null {
  const a = record(value);
  if (a === null) return null;
  const { type, hop, action, kind, subject } = a;
  const detail = objectText(a.detail);
  if (!text(hop) || !count(action) || detail === null) return null;
  if (type === 'action-end') return { type, hop, action, detail };
  if (type !== 'action' || !text(kind) || !text(subject) || !count(a.decision)) return null;
  const decided = decisions[a.decision] ?? null;
  return decided === null ? null : { type, hop, action, kind, subject, detail, decision: decided };
}

/** What the record keeps of an object. */
function objectText(value: unknown): string | null {
  const object = record(value);
  if (object === null) return null;
  const json = JSON.stringify(object);
  return json.length <= DETAIL_LIMIT ? json : null;
}

function text(value: unknown): value is string {
  return fits(value, TEXT_LIMIT);
}
