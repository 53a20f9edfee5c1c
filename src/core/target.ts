/** What connections go to: targets, and the routes to them. */
import type { Decision } from './types.ts';

export interface Target {
  readonly name: string;
  /** CIDR prefixes; a single address is a /32 or /128. */
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
  readonly transport: 'tcp' | 'udp';
  readonly protocol: string;
  readonly mode: 'inspect' | 'direct';
  readonly tags: readonly string[];
  readonly tls: TargetTls;
  /** Of a database: what policies know its columns by. */
  readonly columns: readonly ColumnTags[];
  /** Of a database: what is looked for in columns that nobody tagged. */
  readonly detect: Detection;
}

export interface ColumnTags {
  /** `schema.table.column`, where `*` stands for any characters of one of the three. */
  readonly pattern: string;
  readonly tags: readonly string[];
}

export interface Detection {
  /** Names of detectors that come with Hopline. */
  readonly detectors: readonly string[];
  /** RE2, by name. */
  readonly patterns: readonly { readonly name: string; readonly pattern: string }[];
}

/** How a target is spoken to, by rooms that speak TLS to it. */
export interface TargetTls {
  /** libpq's sslmode. `prefer` and `require` verify nothing. */
  readonly mode: 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
  /** PEM of the authorities to trust; null: the system's. */
  readonly ca: string | null;
  /** The name that the certificate must have, in place of the destination's own. */
  readonly serverName: string | null;
}

export type RouteAction = 'inspect' | 'direct' | 'deny';

/** A line of the routing table that kernel and user space agree on. */
export interface Route {
  /** Small positive integer, unique in one table: the kernel hands it back in every flow. */
  readonly id: number;
  readonly prefix: string;
  /** 0 is any port. */
  readonly port: number;
  readonly transport: 'tcp' | 'udp';
  readonly action: RouteAction;
  readonly target: string | null;
  /** Present where the decision depends on neither person nor chain, so that the kernel alone can act on it. */
  readonly decision: Decision | null;
}
