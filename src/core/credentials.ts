/**
 * Logins that Hopline holds for a target. As they are configured they say where a password comes from; only what is lent
 * for a hop has one in it.
 */
import type { Secret } from './secret.ts';
import type { Decision } from './types.ts';

/** A server that speaks Vault's API. */
export interface VaultServer {
  /** Without a path behind it: `https://vault.example:8200`. */
  readonly address: string;
  /** Absolute; holds the token. */
  readonly tokenFile: string;
  readonly namespace: string | null;
  /** PEM of the authorities to trust; null: the system's. */
  readonly ca: string | null;
  readonly timeoutMs: number;
  /** Send the token over a network without TLS. */
  readonly plaintext: boolean;
}

/** Where the keys come from that sign for AWS. */
export type AwsKeySettings =
  | { readonly kind: 'instance' }
  | { readonly kind: 'environment' }
  | { readonly kind: 'static'; readonly id: string; readonly secretFile: string };

/** Paths and names may have `{user}` in them, which stands for the user that the client asks for. */
export type SourceSettings =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'systemd'; readonly name: string }
  | { readonly kind: 'environment'; readonly name: string }
  | {
      readonly kind: 'vault-kv';
      readonly vault: VaultServer;
      readonly mount: string;
      readonly path: string;
      readonly passwordField: string;
      /** Null where the user is said elsewhere. */
      readonly userField: string | null;
    }
  | {
      readonly kind: 'vault-database';
      readonly vault: VaultServer;
      readonly mount: string;
      readonly role: string;
    }
  | {
      readonly kind: 'rds';
      readonly host: string;
      readonly port: number;
      readonly region: string;
      readonly keys: AwsKeySettings;
    };

/** Who is logged in as. `client`: whoever the client asks for; `source`: whoever the source says. */
export type HeldUser =
  | { readonly by: 'settings'; readonly name: string }
  | { readonly by: 'client' }
  | { readonly by: 'source' };

export interface CredentialSettings {
  readonly user: HeldUser;
  /** Only for identities in one of these; empty: for everybody whom policy lets connect. */
  readonly groups: readonly string[];
  readonly source: SourceSettings;
}

/** By the name of the target, in the order in which they are tried. */
export type TargetCredentials = Readonly<Record<string, readonly CredentialSettings[]>>;

/**
 * Targets for which Hopline's authority certifies SSH keys, with accounts there for which it does so for anybody whom
 * policy lets in. For the account of their own name it does for everybody.
 */
export type TargetCertificates = Readonly<Record<string, readonly string[]>>;

/** Stands for the user that the client asks for. */
export const USER_PLACE = '{user}';

/** What Hopline logs in to a target with, in place of the client. */
export interface HeldLogin {
  readonly user: string;
  /** The receiver's, to be cleared as soon as the server has answered. */
  readonly password: Secret;
  /** For the record: `vault database/creds/orders-ro`. */
  readonly source: string;
  /** By which it was given: that of the connection. */
  readonly decision: Decision;
}
