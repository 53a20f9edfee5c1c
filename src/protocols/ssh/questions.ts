/** What the room asks the supervisor, and the broker that acts as the person: over JSON, bytes in base64. */
export interface SignerAnswer {
  /** `agent`, or the path of a key file; null: the key is not to be had. */
  readonly name: string | null;
  /** The path of an encrypted file that has it. */
  readonly locked: string | null;
}

export interface KnownHostsAnswer {
  readonly names: readonly string[];
  readonly files: readonly { readonly path: string; readonly text: string }[];
  /** Null: nobody was to ask DNS, or it did not answer. */
  readonly sshfp: SshfpRecords | null;
}

/** What DNS has of a host's keys: fingerprints by SHA-256, in hexadecimal digits. */
export interface SshfpRecords {
  readonly name: string;
  /** Validated, by a resolver that can be believed. */
  readonly authentic: boolean;
  readonly records: readonly { readonly algorithm: number; readonly fingerprint: string }[];
}

/** Each question with what goes with it and what comes back. */
export interface Questions {
  /** Hopline's own host key, which stays where it is; and whether `ssh.certify` has any use. */
  'ssh.own-key': [detail: unknown, answer: { readonly key: string; readonly certifies: boolean }];
  'ssh.own-sign': [detail: { readonly data: string }, answer: { readonly signature: string }];
  /** A certificate for a key of type ssh-ed25519; null: none is issued for this account there. */
  'ssh.certify': [
    detail: { readonly key: string; readonly account: string },
    answer: { readonly certificate: string | null; readonly serial: string },
  ];
  'ssh.known-hosts': [detail: unknown, answer: KnownHostsAnswer];
  'ssh.remember': [detail: { readonly line: string }, answer: { readonly path: string }];
  'ssh.signer': [detail: { readonly key: string }, answer: SignerAnswer];
  /** The passphrase in base64; the file stays open as long as the broker lives. */
  'ssh.unlock': [detail: { readonly key: string; readonly passphrase: string }, answer: SignerAnswer];
  'ssh.sign': [
    detail: { readonly key: string; readonly algorithm: string; readonly data: string },
    answer: { readonly signature: string },
  ];
}
export type Question = keyof Questions;
