/** Credentials that Hopline holds for a target, and where they come from. The supervisor asks; the person never sees them. */
import type { Secret } from '../core/secret.ts';
import type { Micros } from '../core/types.ts';

/**
 * `missing`: nothing of that name is there. `permissions`: others may read or replace it. `malformed`: it is not what it should
 * be. `denied`: the other side does not give it to us. `unreachable`, `timeout`: it gave no answer. `settings`: it can never
 * work as it is configured.
 */
export type CredentialErrorCode =
  | 'missing'
  | 'permissions'
  | 'malformed'
  | 'denied'
  | 'unreachable'
  | 'timeout'
  | 'settings';

/** The message names the source, never what is in it. */
export class CredentialError extends Error {
  override readonly name = 'CredentialError';
  readonly code: CredentialErrorCode;

  constructor(code: CredentialErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Credential {
  /** Who to log in as; null where the source does not say, and the target or the client does. */
  readonly user: string | null;
  /** The source's: `release` clears it where it may be cleared. */
  readonly password: Secret;
}

/** A credential on loan, for the time of a hop. */
export interface Held extends Credential {
  /** When it stops working; it may be renewed to a later one meanwhile. Null where nobody says. */
  readonly validUntil: Micros | null;
  /** The hop is over. May be called again. */
  release(): void;
}

export interface CredentialSource {
  /** For the record: `file /etc/hopline/orders.secret`, `vault database/creds/orders-ro`. */
  readonly description: string;
  /** @throws CredentialError */
  acquire(): Promise<Held>;
  /** The server did not take what was acquired last: what is kept of it is thrown away. */
  refused(): void;
  /** Gives back what was borrowed elsewhere. */
  close(): Promise<void>;
}
