/**
 * The vocabulary: what a login, a process, a hop, an action, a handoff and a decision are.
 * Every other room speaks in these; this file imports nothing.
 */

/** Microseconds since the Unix epoch, UTC. Fits a double exactly until the year 2255. */
export type Micros = number;

/** Opaque identifier, Crockford base32 of a number minted in the kernel; sorts by time of minting. */
export type Id = string;

/** What a tree's root is. Only `ssh`, `console` and `job` are logins of a person. */
export type LoginKind = 'ssh' | 'console' | 'job' | 'unattended';

/** What started an `unattended` root; `unattributed` is a process whose origin is not known. */
export type UnattendedSource = 'service' | 'cron' | 'at' | 'user-manager' | 'container' | 'unattributed';

export interface Endpoint {
  /** IPv4 dotted or IPv6 RFC 5952 text; mapped addresses are written as the IPv4 they map. */
  readonly address: string;
  readonly port: number;
}

/** How an identity is known. `account` is the host account alone: not verified. */
export interface Evidence {
  readonly method: 'publickey' | 'certificate' | 'password' | 'keyboard-interactive' | 'account' | 'other';
  /** `SHA256:…` of the key, or of the key that the certificate certifies. */
  readonly fingerprint?: string;
  readonly keyType?: string;
  /** Certificates (PROTOCOL.certkeys): key id, serial, principals and the CA's fingerprint. */
  readonly keyId?: string;
  readonly serial?: string;
  readonly principals?: readonly string[];
  readonly ca?: string;
  /** Where the facts came from: the PAM hook, /proc, or the environment that sshd set. */
  readonly source: 'pam' | 'proc' | 'environ';
}

export interface Identity {
  readonly name: string;
  readonly groups: readonly string[];
  /** False for a host account with nothing behind it. */
  readonly verified: boolean;
  readonly evidence: Evidence;
}

/** What vouches that a login came by a hop of another host, strongest first. */
export type LinkEvidence = 'certificate' | 'syn-option' | 'four-tuple';

/** How a login came from another host, or why that is not known. */
export type Link = Linked | Unlinked;

export interface Linked {
  readonly evidence: LinkEvidence;
  /** Whose hop it is. */
  readonly host: string;
  readonly hop: Id;
  /** Hops above the login, over all hosts: 1 or more. */
  readonly depth: number;
  readonly reason: null;
}

/** What there was by way of evidence did not hold, or nobody could say. */
export interface Unlinked {
  readonly evidence: null;
  /** From which it seemed to come; null where not even that is known. */
  readonly host: string | null;
  readonly hop: null;
  readonly depth: 0;
  /** One sentence for a person. */
  readonly reason: string;
}

export interface Login {
  readonly id: Id;
  readonly host: string;
  readonly kind: LoginKind;
  readonly source: UnattendedSource | null;
  readonly user: string | null;
  readonly uid: number | null;
  readonly identity: Identity | null;
  readonly client: Endpoint | null;
  readonly tty: string | null;
  readonly started: Micros;
  readonly ended: Micros | null;
  /** The login is over and processes of it live on. */
  readonly lingering: boolean;
  /** Found at the daemon's start, not seen being born. */
  readonly recovered: boolean;
  readonly revoked: Micros | null;
  /** `link.hop`. */
  readonly parentHop: Id | null;
  /** Null where nothing says that it came from a host with Hopline. */
  readonly link: Link | null;
}

/** One program image: a process that execs twice is two, the second below the first. */
export interface Process {
  readonly id: number;
  readonly login: Id;
  /** The image below which this one runs; null at the root. */
  readonly parent: number | null;
  readonly pid: number;
  readonly ppid: number;
  /** Nanoseconds after boot at which the process began: with `pid`, its identity on this boot. */
  readonly startNs: string;
  /** 0 for a fork without exec, else the nth exec of this process. */
  readonly image: number;
  readonly exe: string;
  /** False where only the name given to execve is known, not the file that was run. */
  readonly exeVerified: boolean;
  readonly argv: readonly string[];
  /** Bytes of argv as executed; more than was kept when `argv` was cut. */
  readonly argvBytes: number;
  readonly uid: number;
  readonly started: Micros;
  readonly exited: Micros | null;
  readonly exitCode: number | null;
  readonly signal: number | null;
  readonly recovered: boolean;
}

export type Outcome = 'allow' | 'deny' | 'approve';

export interface Decision {
  readonly outcome: Outcome;
  /** Ids of the policies that determined the outcome, sorted. */
  readonly policies: readonly string[];
  /** One sentence for a person. */
  readonly reason: string;
  /** True when `observe` let pass what `enforce` would not have. */
  readonly observed: boolean;
  /** Evaluation errors; any of them denies. */
  readonly errors: readonly string[];
  /** The policy snapshot's version. */
  readonly version: string;
  /** What policies say of recording its result; absent where they say nothing of it. */
  readonly record?: RowsKept;
}

/** How many rows of a result are recorded. */
export type RowsKept = number | 'all';
/** What is kept of terminals and of what commands give: `text` leaves out what is none, but for its beginning. */
export type OutputKept = 'none' | 'text' | 'all';

/** A policy that asks for a person's yes. */
export interface Asking extends Lifted {
  /** The policy's own words. */
  readonly message: string | null;
}

export type AnswerOutcome = 'approved' | 'denied' | 'withdrawn' | 'expired';

/** What became of a held action's request. */
export interface ApprovalAnswer {
  readonly outcome: AnswerOutcome;
  readonly at: Micros;
  /** The person's name in identities.yaml; null where nobody answered. */
  readonly by: string | null;
  /** The login from which they did. */
  readonly login: Id | null;
  /** The uid that they had by then. */
  readonly uid: number | null;
  readonly reason: string;
}

/** A held action: a person is asked whether it may go on. */
export interface Approval {
  /** The number that people answer to. */
  readonly id: number;
  readonly hop: Id;
  /** The action's number within the hop. */
  readonly action: number;
  readonly login: Id | null;
  /** As policies call who asks: `alice`, `account:alice`, `unattended:cron:root`. */
  readonly requester: string;
  /** The host account. */
  readonly user: string | null;
  readonly chain: readonly string[];
  readonly target: string | null;
  readonly destination: Endpoint;
  /** Of the action: see {@link Action}. */
  readonly kind: string;
  readonly subject: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly asks: readonly Asking[];
  /** One sentence for a person. */
  readonly reason: string;
  readonly at: Micros;
  /** Without an answer by then it is denied. */
  readonly expires: Micros;
  readonly answer: ApprovalAnswer | null;
}

/** What an approval lifts: the forbid of that id, as long as it asks for that group. */
export interface Lifted {
  readonly policy: string;
  /** Null: any other person may approve. */
  readonly group: string | null;
}

export type HopMode = 'inspect' | 'direct' | 'denied';
export type Transport = 'tcp' | 'udp' | 'other';

export interface Hop {
  readonly id: Id;
  readonly login: Id | null;
  readonly process: number | null;
  readonly chain: readonly string[];
  readonly target: string | null;
  /** The name in the DNS answer that the login got for this address. */
  readonly name: string | null;
  readonly transport: Transport;
  readonly protocol: string;
  readonly destination: Endpoint;
  /**
   * The connecting socket's own end; of an inspected hop its end towards the proxy, on loopback. Null where there is
   * none to tell: a datagram, or what was refused before it had one.
   */
  readonly source: Endpoint | null;
  readonly started: Micros;
  readonly ended: Micros | null;
  readonly bytesUp: number | null;
  readonly bytesDown: number | null;
  readonly decision: Decision;
  readonly mode: HopMode;
  /** Why it ended, where that is not "closed by either side". */
  readonly endReason: string | null;
  readonly actions: number;
  readonly childLogin: Id | null;
  /** On which the child login is, where it is another. */
  readonly childHost: string | null;
  /** The proxy's own end towards the destination; null where it has none. */
  readonly dialed: Endpoint | null;
}

/** One thing done in a hop: a statement, a command, a transfer. */
export interface Action {
  readonly id: number;
  readonly hop: Id;
  readonly login: Id | null;
  readonly target: string | null;
  readonly chain: readonly string[];
  /** 1, 2, … within the hop. */
  readonly seq: number;
  /** `query`, `cancel`, … */
  readonly kind: string;
  /** One line: what was done to what. */
  readonly subject: string;
  /** What the protocol knows of it. */
  readonly detail: Readonly<Record<string, unknown>>;
  readonly at: Micros;
  /** Null while it goes on, and where the record of its end is missing. */
  readonly ended: Micros | null;
  /** What came of it; null as `ended` is. */
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly decision: Decision;
  /** The requests that it waited for, in their order. */
  readonly approvals: readonly ActionApproval[];
}

/** An action's request, and what became of it where that is known. */
export interface ActionApproval {
  readonly id: number;
  readonly outcome: AnswerOutcome | null;
  readonly by: string | null;
  readonly reason: string | null;
}

/** What a recording is of: a hop, or a login itself. */
export type Owner = { readonly hop: Id } | { readonly login: Id };
/** What was kept of a hop beside its actions, or of a login: rows of results, a terminal, … Its bytes are in a file. */
export interface Recording {
  /** The hop's, or the login's, and its number there: `C9ZYV7CS9G00-1`. */
  readonly id: string;
  /** Null: it is of the login itself. */
  readonly hop: Id | null;
  readonly login: Id | null;
  /** What is in it: `rows`, `terminal`, … */
  readonly kind: string;
  /** Path below the directory of recordings. */
  readonly file: string;
  readonly started: Micros;
  /** Null while it is written, and where the record of its end is missing. */
  readonly ended: Micros | null;
  /** Of the file, up to the end of its last whole segment; null as `ended` is. */
  readonly bytes: number | null;
  /** Of those bytes, in hexadecimal digits. */
  readonly sha256: string | null;
  /** Why it ended before that did which it is of; null where nothing is missing. */
  readonly reason: string | null;
  /** When its file was removed, and why. */
  readonly removed: Micros | null;
  readonly removal: string | null;
}

export type HandoffKind =
  | 'tmux'
  | 'controlmaster'
  | 'ssh-agent'
  | 'container-engine'
  | 'unix-socket'
  | 'loopback';

export interface Handoff {
  readonly id: number;
  readonly kind: HandoffKind;
  readonly login: Id | null;
  readonly process: number | null;
  readonly toLogin: Id | null;
  readonly toPid: number;
  /** The socket's path (abstract names start with `@`), or the loopback address and port. */
  readonly via: string;
  readonly at: Micros;
}

/** What the record itself has to admit: a gap, a loss, a refusal that has no hop, a packet nobody explains. */
export interface Notice {
  readonly id: number;
  readonly at: Micros;
  readonly kind:
    | 'gap'
    | 'loss'
    | 'worker'
    | 'refused'
    | 'tripwire'
    | 'revoke'
    | 'reload'
    | 'recording'
    | 'authority'
    | 'peer'
    | 'start'
    | 'stop'
    | 'disk';
  readonly login: Id | null;
  readonly count: number;
  readonly detail: string;
}

/** An address that a DNS answer gave for a name. */
export interface NameAnswer {
  readonly address: string;
  readonly name: string;
  /** Seconds. */
  readonly ttl: number;
}
