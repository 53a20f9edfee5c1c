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
  /** What Hopline holds or issues for the target, in the order of trying: before anything of the person's. */
  held(user: string): Promise<readonly Held[]>;
  /**
   * The person's own: by their agent, or a key file of theirs.
   * @param publicKey the blob that their client offers
   * @param passphrase asks the person for that of a file; null: they gave none
   * @returns null where the key is not to be had here
   */
  signer(publicKey: Buffer, passphrase: (path: string) => Promise<Buffer | null>): Promise<Signer | null>;
}

export type Held =
  | { readonly type: 'key'; readonly signer: Signer }
  | { readonly type: 'password'; readonly name: string; readonly password: Secret };
