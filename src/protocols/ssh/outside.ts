/** What the room needs of outside: keys and files that a worker cannot open. */
import type { UpstreamAuth } from './authentication/upstream-auth.ts';
import type { KnownHostsFile } from './known-hosts/file.ts';
import type { SshfpRecords } from './questions.ts';
import type { HostKey } from './transport/host-key.ts';

export interface HostKeys {
  /** By which the person may mean the destination, the most telling first. */
  names(): Promise<readonly string[]>;
  /** The person's files and the system's, without what is there for Hopline's own key. */
  files(): Promise<readonly KnownHostsFile[]>;
  /** What DNS has of its keys; null where it is not to be asked, or did not answer. */
  sshfp(): Promise<SshfpRecords | null>;
  /** Keeps a line in the person's file. @returns its path. @throws Error where that can't be */
  remember(line: string): Promise<string>;
}

export interface Outside {
  /** Hopline's own, by which clients know it: one of each type. */
  ownHostKeys(): Promise<readonly HostKey[]>;
  readonly hostKeys: HostKeys;
  readonly auth: UpstreamAuth;
}
