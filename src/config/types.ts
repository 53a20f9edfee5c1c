import type { TargetCertificates, TargetCredentials } from '../core/credentials.ts';
import type { Target } from '../core/target.ts';
import type { Endpoint, OutputKept, RowsKept } from '../core/types.ts';
import type { Problem } from './problem.ts';

/** One immutable reading of the whole configuration directory. Nothing in it changes, at any depth. */
export interface Config extends Settings {
  /** Digest of every file that was read and of the resolvers that were found: 16 hexadecimal digits. */
  readonly version: string;
  /** Files that were read, absolute, in the order read. */
  readonly files: readonly string[];
  readonly targets: readonly Target[];
  /** Beside the targets: workers get those, and not these. */
  readonly credentials: TargetCredentials;
  readonly certificates: TargetCertificates;
  /** Names of targets whose hosts' keys may be known by SSHFP records. */
  readonly sshfp: readonly string[];
  readonly identities: readonly IdentityUser[];
  readonly policies: readonly PolicyFile[];
  /** What is not wrong but probably not meant. */
  readonly warnings: readonly Problem[];
}

/** hopline.yaml, with every default filled in. */
export interface Settings {
  readonly host: string;
  readonly mode: Mode;
  /** cgroup-v2 path below which programs attach, relative to the mount; `/` is the whole machine. */
  readonly scope: string;
  readonly paths: {
    readonly state: string;
    readonly run: string;
    readonly pins: string;
    /** Where targets.yaml, identities.yaml and policies/ are. */
    readonly config: string;
  };
  readonly proxy: {
    readonly listen: { readonly v4: Endpoint; readonly v6: Endpoint };
    readonly workers: number;
    /** The account that workers run as. */
    readonly user: string;
    readonly timeouts: Timeouts;
  };
  /** Canonical addresses; `auto` has been resolved. */
  readonly dns: { readonly resolvers: readonly string[] };
  readonly udp: { readonly allow: readonly UdpRule[] };
  readonly sockets: { readonly ping: 'allow' | 'deny' };
  readonly ssh: { readonly daemons: readonly string[] };
  readonly origins: {
    readonly cron: readonly string[];
    readonly at: readonly string[];
    readonly console: readonly string[];
  };
  readonly unlisted: 'inspect' | 'direct';
  readonly loopback: 'inspect' | 'direct';
  readonly peers: readonly Peer[];
  readonly peering: {
    /** Where other hosts of the fleet connect to; null: nowhere. */
    readonly listen: Endpoint | null;
    /** What they are told to connect to, where it is not that. */
    readonly advertise?: Endpoint | undefined;
    /** From which this host's connections come, as others see them; null: those of its interfaces. */
    readonly addresses: readonly string[] | null;
    /** Connections to hosts of the fleet carry a TCP option that says which they are; some firewalls drop what has one. */
    readonly synOption: boolean;
  };
  readonly record: { readonly argvBytes: number };
  readonly recording: {
    /** Rows of a result that are kept where no policy says. */
    readonly rows: RowsKept;
    /** What of terminals, and of what commands over SSH give, is kept where no policy says. */
    readonly terminals: OutputKept;
    /** What becomes of a hop that is to be recorded and can't be; `end` by default in enforce mode. */
    readonly onFailure: 'end' | 'continue';
    /** How long files are kept; null is for ever. */
    readonly keepDays: number | null;
    /** Of one recording's file. */
    readonly maxBytes: number;
  };
  readonly tripwire: { readonly enabled: boolean; readonly interfaces: 'auto' | readonly string[] };
  readonly log: { readonly level: LogLevel };
}

/** Another host with Hopline, whose word on who comes from it is taken. */
export interface Peer {
  /** As it calls itself. */
  readonly host: string;
  /** `SHA256:…` of the key that its authority signs with: `hopline ca keys` there. A host that has joined tells it itself. */
  readonly ca?: string | undefined;
  /** Its connections arrive from other addresses than they leave by. */
  readonly nat: boolean;
}

export type Mode = 'enforce' | 'observe';
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** Milliseconds. */
export interface Timeouts {
  /** An accepted connection waits so long for its flow. */
  readonly claim: number;
  readonly dial: number;
  /** Connections may go on so long when the daemon stops. */
  readonly drain: number;
  /** Null: a silent connection stays. */
  readonly idle: number | null;
}

export interface UdpRule {
  /** Canonical prefix. */
  readonly to: string;
  /** 0 is any port but 443. */
  readonly port: number;
  /** Port 443 is meant: HTTPS over QUIC, which nothing inspects. */
  readonly quic: boolean;
}

/** A person in identities.yaml. */
export interface IdentityUser {
  readonly name: string;
  readonly groups: readonly string[];
  readonly accounts: readonly IdentityAccount[];
  /** `SHA256:…` as ssh-keygen -l prints it. */
  readonly keys: readonly string[];
  readonly certificates: readonly IdentityCertificate[];
}

export interface IdentityAccount {
  readonly name: string;
  /** Whoever logs in to this host account is taken for this person, whatever the evidence. */
  readonly trusted: boolean;
}

/** Matches certificates of this CA by key id, principal, or both where both are named. */
export interface IdentityCertificate {
  readonly ca: string;
  readonly keyId: string | null;
  readonly principal: string | null;
}

export interface PolicyFile {
  readonly file: string;
  readonly text: string;
}

/** Checks policies against the rest; handed in, because this room knows nothing of Cedar. */
export type PolicyChecker = (input: PolicyCheckInput) => PolicyCheckResult;

export interface PolicyCheckInput {
  readonly files: readonly PolicyFile[];
  readonly targets: readonly Target[];
  readonly identities: readonly IdentityUser[];
}

export interface PolicyCheckResult {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

export interface LoadOptions {
  /** Where `dns.resolvers: auto` looks. Default /etc/resolv.conf. */
  readonly resolvConf?: string;
  /** Default: the operating system's host name. */
  readonly hostname?: string;
  /** What `proxy.workers: auto` means. Default: the processors available. */
  readonly processors?: number;
  /** Names of the protocol rooms; given, a target that names another is warned about. */
  readonly protocols?: readonly string[];
  readonly checkPolicies?: PolicyChecker;
}
