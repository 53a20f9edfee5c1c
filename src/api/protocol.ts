import type { Approval, Decision, Handoff, Hop, Login, Notice, Process } from '../core/types.ts';
import type {
  ActionJson,
  ApprovalJson,
  ForestJson,
  HandoffJson,
  HopJson,
  LoginJson,
  NoticeJson,
  ProcessJson,
  RecordingJson,
} from './json.ts';

/**
 * The control protocol: a Unix socket, one JSON object a line.
 * `{"id":1,"method":"tree","params":{}}` is answered by `{"id":1,"result":…}` or `{"id":1,"error":{"code","message"}}`;
 * a stream sends any number of `{"id":1,"event":…}` before its result. Answers come in any order; closing the connection
 * ends what it asked for. A line that cannot be read is answered with id null.
 */

/** A request is a few names; what is longer is not a request. */
export const MAX_REQUEST_BYTES = 64 << 10;
/** Of a recording, in one answer. */
export const MAX_RECORDING_BYTES = 1 << 20;
/** A tree of 10,000 processes is about 4 MB. */
export const MAX_ANSWER_BYTES = 512 << 20;

export interface Params {
  readonly status: Record<string, never>;
  readonly logins: { all?: boolean | undefined; user?: string | undefined; limit?: number | undefined };
  readonly tree: {
    login?: string | undefined;
    all?: boolean | undefined;
    limit?: number | undefined;
    /** Without what other hosts have of these trees. */
    local?: boolean | undefined;
  };
  readonly hops: {
    hop?: string | undefined;
    login?: string | undefined;
    user?: string | undefined;
    target?: string | undefined;
    /** RFC 3339. */
    since?: string | undefined;
    outcome?: 'allow' | 'deny' | 'approve' | undefined;
    unattributed?: boolean | undefined;
    open?: boolean | undefined;
    limit?: number | undefined;
  };
  readonly actions: {
    hop?: string | undefined;
    login?: string | undefined;
    user?: string | undefined;
    target?: string | undefined;
    /** RFC 3339. */
    since?: string | undefined;
    /** RFC 3339; begun before it. */
    until?: string | undefined;
    kind?: string | undefined;
    /** In the subject or the detail, in any case. */
    text?: string | undefined;
    outcome?: 'allow' | 'deny' | 'approve' | undefined;
    /** `HOP#NUMBER`: what comes after this action in the list, where the list before it ended. */
    before?: string | undefined;
    /** In a hop, those with a higher number than this, oldest first. */
    after?: number | undefined;
    limit?: number | undefined;
  };
  readonly recordings: {
    hop?: string | undefined;
    login?: string | undefined;
    user?: string | undefined;
    target?: string | undefined;
    /** RFC 3339. */
    since?: string | undefined;
    kind?: string | undefined;
    limit?: number | undefined;
  };
  /** Bytes of its file, from `offset` on, at most `limit`. */
  readonly 'recording.read': { id: string; offset: number; limit?: number | undefined };
  readonly handoffs: { login?: string | undefined; since?: string | undefined; limit?: number | undefined };
  readonly notices: { since?: string | undefined; kind?: string | undefined; limit?: number | undefined };
  readonly watch: Record<string, never>;
  /** `all`: those that were answered as well. */
  readonly approvals: { all?: boolean | undefined; limit?: number | undefined };
  /** By the person whose login the caller's process descends from. */
  readonly approve: { approval: number; reason?: string | undefined };
  readonly deny: { approval: number; reason: string };
  /** A login, a hop or a user: id, unique beginning of one, or name; `login:`, `hop:`, `user:` say which. */
  readonly revoke: { what: string; reason?: string | undefined };
  readonly 'policy.explain': {
    login?: string | undefined;
    user?: string | undefined;
    target?: string | undefined;
    /** `address:port`, `[v6]:port` or `name:port`, a target's name or one from DNS; `/udp` behind it where that is meant. */
    destination?: string | undefined;
    chain?: string[] | undefined;
  };
  /** `dir`: another directory than the daemon's own; absolute. */
  readonly 'config.check': { dir?: string | undefined };
  readonly reload: Record<string, never>;
  /** The authority's keys; `prepare` makes the next one, `use` signs with it. By root, where it changes something. */
  readonly ca: { do?: 'prepare' | 'use' | undefined };
  /** The fleet, as this host knows it. */
  readonly peers: Record<string, never>;
  /** These four by root. `endpoint`: `address:port` of the host that invited. */
  readonly 'peer.invite': { host: string };
  readonly 'peer.join': { endpoint: string; token: string };
  readonly 'peer.remove': { host: string };
  readonly 'peer.leave': Record<string, never>;
}

export interface Results {
  readonly status: Status;
  readonly logins: readonly LoginJson[];
  readonly tree: ForestJson;
  readonly hops: readonly HopJson[];
  readonly actions: readonly ActionJson[];
  readonly recordings: readonly RecordingJson[];
  readonly 'recording.read': RecordingBytes;
  readonly handoffs: readonly HandoffJson[];
  readonly notices: readonly NoticeJson[];
  readonly watch: null;
  readonly approvals: readonly ApprovalJson[];
  /** As it is then. */
  readonly approve: ApprovalJson;
  readonly deny: ApprovalJson;
  readonly revoke: Revoked;
  readonly 'policy.explain': Explanation;
  readonly 'config.check': Checked;
  readonly reload: Reloaded;
  readonly ca: readonly AuthorityKeyJson[];
  readonly peers: FleetJson;
  readonly 'peer.invite': Invitation;
  readonly 'peer.join': { readonly by: string };
  readonly 'peer.remove': null;
  readonly 'peer.leave': null;
}

/** The hosts that ask each other. */
export interface FleetJson {
  readonly host: string;
  /** This host is in a fleet. */
  readonly joined: boolean;
  /** It made the fleet: hosts are invited here. */
  readonly founded: boolean;
  readonly listen: string | null;
  readonly peers: readonly PeerJson[];
  readonly invited: readonly { readonly host: string; readonly expires: string }[];
}

export interface PeerJson {
  readonly host: string;
  /** `address:port`, where it listens. */
  readonly endpoint: string | null;
  readonly addresses: readonly string[];
  readonly connected: boolean;
  /** Why it is not. */
  readonly reason: string | null;
  /** Since when it is, or is not. */
  readonly since: string | null;
}

export interface Invitation {
  readonly host: string;
  readonly token: string;
  readonly expires: string;
  /** What to connect to, where that is known. */
  readonly endpoint: string | null;
}

/** A key by which hosts take who is brought to them. */
export interface AuthorityKeyJson {
  /** For the file that TrustedUserCAKeys names. */
  readonly line: string;
  readonly fingerprint: string;
  readonly use: 'signs' | 'next';
}

export type Method = keyof Params;

export interface Status {
  readonly version: string;
  readonly host: string;
  readonly mode: 'enforce' | 'observe';
  readonly pid: number;
  /** RFC 3339. */
  readonly started: string;
  readonly policy: { readonly version: string; readonly policies: number; readonly targets: number };
  readonly workers: readonly {
    readonly pid: number | null;
    readonly ready: boolean;
    readonly open: number;
  }[];
  /** Counts of the store: logins, openLogins, processes, hops, … */
  readonly store: Readonly<Record<string, number>>;
  /** Kernel half: events read, events lost, map fill, … */
  readonly kernel: Readonly<Record<string, number | string | boolean>>;
  /** What is not as it should be, one sentence each; empty when all is well. */
  readonly problems: readonly string[];
}

export interface RecordingBytes {
  /** Base64; none where there are no more, for now where the recording has not ended. */
  readonly bytes: string;
  readonly ended: boolean;
}

export interface Revoked {
  readonly type: 'login' | 'hop' | 'user';
  /** Logins that may not connect any more. */
  readonly logins: readonly string[];
  /** Live hops that were closed. */
  readonly hops: readonly string[];
  /** UDP: there is nothing to close, and the kernel lets nothing more out. */
  readonly silenced: readonly string[];
  /** Live hops that could not be closed, and go on. */
  readonly open: readonly { readonly hop: string; readonly reason: string }[];
  /** Hosts on which logins came by what was revoked. */
  readonly hosts: readonly {
    readonly host: string;
    readonly logins: readonly string[];
    readonly hops: readonly string[];
    /** Why it was not told: it is told when it is connected again. */
    readonly reason: string | null;
  }[];
}

export interface Explanation {
  readonly decision: Decision;
  /** Where the connection would go: inspect, direct or deny, and by which target. */
  readonly route: { readonly action: string; readonly target: string | null };
  readonly destination: { readonly address: string; readonly port: number } | null;
  readonly user: string | null;
  readonly groups: readonly string[];
  readonly chain: readonly string[];
  /** The login that Hopline holds for the target and would use. */
  readonly held: {
    /** Who says the user. */
    readonly by: 'settings' | 'client' | 'source' | null;
    /** Where the settings say it. */
    readonly user: string | null;
    /** What kind of place it comes from. */
    readonly source: string | null;
    /** Why there is none for this person. */
    readonly refused: string | null;
  } | null;
  /** Texts of the policies that determined it, by id. */
  readonly policies: Readonly<Record<string, string>>;
}

/** What is wrong with a configuration file. */
export interface Problem {
  readonly file: string;
  /** 1-based; 0 where the problem is the file itself. */
  readonly line: number;
  readonly column: number;
  /** Dotted keys from the top of the file. */
  readonly path: string;
  readonly message: string;
  readonly expected: string | null;
  readonly got: string | null;
  /** What to do about it. */
  readonly hint: string | null;
}

export interface Checked {
  readonly ok: boolean;
  readonly problems: readonly Problem[];
  /** What is not wrong but probably not meant. */
  readonly warnings: readonly Problem[];
  readonly policies: number;
  readonly targets: number;
  readonly users: number;
}

export interface Reloaded {
  readonly ok: boolean;
  /** Of the snapshot that runs now: the new one, or the old one where the new one was refused. */
  readonly version: string;
  readonly problems: readonly Problem[];
  /** What is not wrong but probably not meant. */
  readonly warnings: readonly Problem[];
  /** Keys of hopline.yaml that are another than the daemon was started with: they wait for its restart. */
  readonly restart: readonly string[];
}

/** What `watch` reports, each as it is after what happened. */
export interface Watched {
  readonly login: Login;
  readonly identity: Login;
  readonly 'login-end': Login;
  readonly process: Process;
  readonly 'process-exit': Process;
  readonly hop: Hop;
  readonly 'hop-end': Hop;
  readonly handoff: Handoff;
  readonly notice: Notice;
  readonly approval: Approval;
  readonly 'approval-answer': Approval;
}

export type WatchEvent =
  | { readonly type: 'login' | 'identity' | 'login-end'; readonly record: LoginJson }
  | { readonly type: 'process' | 'process-exit'; readonly record: ProcessJson }
  | { readonly type: 'hop' | 'hop-end'; readonly record: HopJson }
  | { readonly type: 'handoff'; readonly record: HandoffJson }
  | { readonly type: 'notice'; readonly record: NoticeJson }
  | { readonly type: 'approval' | 'approval-answer'; readonly record: ApprovalJson }
  /** First of all: from here on nothing is missed without saying so. */
  | { readonly type: 'watching' }
  /** So many events did not reach this client because it read too slowly. */
  | { readonly type: 'missed'; readonly count: number };

/** `refused`: understood, and not done; `unreachable`, `forbidden`, `timeout` and `closed` arise in the client. */
export type ErrorCode =
  | 'bad_request'
  | 'unknown_method'
  | 'busy'
  | 'slow'
  | 'not_found'
  | 'ambiguous'
  | 'refused'
  | 'internal'
  | 'unreachable'
  | 'forbidden'
  | 'timeout'
  | 'closed';

/** An answer that is not a result. Its message is for a person. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
