/** What there is to authenticate with at the host, beside what the person types. */
import type { Secret } from '../../../core/secret.ts';

/** A key with which somebody else signs. */
export interface Signer {
  /** The blob of a public key or certificate, as it is offered. */
  readonly publicKey: Buffer;
  /** For the record: `agent SHA256:…`, `certificate …`. */
  readonly name: string;
  /** @returns the signature as SSH sends it. @throws Error where there is none to be had */
  sign(algorithm: string, data: Buffer): Promise<Buffer>;
}

export interface UpstreamAuth {
  /**
   * What Hopline holds or issues for the target: tried before anything of the person's.
   * @param user whom the client asks for
   * @throws Error where there should be something and is not, in words for the person
   */
  held(user: string): Promise<HeldLogins>;
  /**
   * The person's own: by their agent, or a key file of theirs.
   * @param publicKey the blob that their client offers
   * @param passphrase asks the person for that of a file; null: they gave none
   * @returns null where the key is not to be had here
   */
  signer(publicKey: Buffer, passphrase: (path: string) => Promise<Buffer | null>): Promise<Signer | null>;
}

export interface HeldLogins {
  /** Whom the login at the host is to. */
  readonly account: string;
  /** In the order of trying. */
  readonly held: readonly Held[];
}

export type Held =
  | { readonly type: 'key'; readonly signer: Signer }
  | { readonly type: 'password'; readonly name: string; readonly password: Secret; refused(): void };
