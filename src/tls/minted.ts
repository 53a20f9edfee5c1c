/** What a worker asks the supervisor for, and gets: plain data, which crosses between processes as it is. */
import type { Micros } from '../core/types.ts';

export interface MintRequest {
  /** What the client asked for (the server name of its hello), or the address that it connected to. */
  readonly names: readonly string[];
}

export interface Minted {
  /** PEM: the server's certificate, then the authority's. */
  readonly certificate: string;
  /** PEM (PKCS #8). Every certificate of one run has the same. */
  readonly key: string;
  /** When to ask again: a day before the end. */
  readonly renewAt: Micros;
}
