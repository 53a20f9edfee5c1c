import type {
  Action,
  Approval,
  ApprovalAnswer,
  Handoff,
  Hop,
  Login,
  Micros,
  Notice,
  Process,
  Recording,
} from '../core/types.ts';
import type { TreeLogin } from '../store/tree.ts';

/**
 * The records as they leave the daemon: field names of the vocabulary, times as RFC 3339 in UTC with milliseconds
 * (`2026-01-02T03:04:05.678Z`) where the records have microseconds.
 */
type Timed<T, Keys extends keyof T> = Omit<T, Keys> & {
  readonly [K in Keys]: null extends T[K] ? string | null : string;
};

export type LoginJson = Timed<Login, 'started' | 'ended' | 'revoked'>;
export type ProcessJson = Timed<Process, 'started' | 'exited'>;
export type HopJson = Timed<Hop, 'started' | 'ended'>;
export type ActionJson = Timed<Action, 'at' | 'ended'>;
export type RecordingJson = Timed<Recording, 'started' | 'ended' | 'removed'>;
export type ApprovalJson = Omit<Timed<Approval, 'at' | 'expires'>, 'answer'> & {
  readonly answer: Timed<ApprovalAnswer, 'at'> | null;
};
export type HandoffJson = Timed<Handoff, 'at'>;
export type NoticeJson = Timed<Notice, 'at'>;

export interface TreeLoginJson extends LoginJson {
  readonly processes: readonly ProcessJson[];
  readonly hops: readonly HopJson[];
  /** Of the login itself, by their ids. */
  readonly recordings: readonly string[];
  readonly handoffs: readonly HandoffJson[];
}

export interface ForestJson {
  readonly logins: readonly TreeLoginJson[];
  /** Hops that no login is known for. */
  readonly unattributed: readonly HopJson[];
  /** Logins that the limit left out. */
  readonly omitted: number;
  /** What other hosts have of the same trees: JSON, a list of logins. */
  readonly parts: readonly { readonly host: string; readonly logins: string }[];
  /** Hosts that could not be asked. */
  readonly absent: readonly { readonly host: string; readonly reason: string }[];
}

let second = Number.NaN;
let prefix = '';

/** What is listed together happened together: most times differ from the one before in their milliseconds alone. */
export function rfc3339(time: Micros): string {
  const millis = Math.floor(time / 1000);
  const whole = Math.floor(millis / 1000);
  if (whole !== second) {
    prefix = new Date(whole * 1000).toISOString().slice(0, -4);
    second = whole;
  }
  return `${prefix}${String(millis - whole * 1000).padStart(3, '0')}Z`;
}

/** @throws RangeError when the text is no time */
export function microsFrom(text: string): Micros {
  const millis = Date.parse(text);
  if (Number.isNaN(millis)) throw new RangeError(`not a time: ${text}`);
  return millis * 1000;
}

const maybe = (time: Micros | null) => (time === null ? null : rfc3339(time));

export function actionJson(action: Action): ActionJson {
  return { ...action, at: rfc3339(action.at), ended: maybe(action.ended) };
}

export function approvalJson(approval: Approval): ApprovalJson {
  const { at, expires, answer } = approval;
  return {
    ...approval,
    at: rfc3339(at),
    expires: rfc3339(expires),
    answer: answer && { ...answer, at: rfc3339(answer.at) },
  };
}

export function loginJson(login: Login): LoginJson {
  return {
    ...login,
    started: rfc3339(login.started),
    ended: maybe(login.ended),
    revoked: maybe(login.revoked),
  };
}

export function processJson(process: Process): ProcessJson {
  return { ...process, started: rfc3339(process.started), exited: maybe(process.exited) };
}

export function hopJson(hop: Hop): HopJson {
  return { ...hop, started: rfc3339(hop.started), ended: maybe(hop.ended) };
}

export function recordingJson(recording: Recording): RecordingJson {
  const { started, ended, removed } = recording;
  return { ...recording, started: rfc3339(started), ended: maybe(ended), removed: maybe(removed) };
}

export function handoffJson(handoff: Handoff): HandoffJson {
  return { ...handoff, at: rfc3339(handoff.at) };
}

export function noticeJson(notice: Notice): NoticeJson {
  return { ...notice, at: rfc3339(notice.at) };
}

export function treeLoginJson(tree: TreeLogin): TreeLoginJson {
  return {
    ...loginJson(tree),
    processes: tree.processes.map(processJson),
    hops: tree.hops.map(hopJson),
    recordings: tree.recordings,
    handoffs: tree.handoffs.map(handoffJson),
  };
}
