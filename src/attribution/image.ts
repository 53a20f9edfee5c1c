import type { Id, Micros, Process } from '../core/types.ts';
import type { HlKey } from '../kernel/layouts.generated.ts';
import { labelOf } from './label.ts';

/** What a chain that has become too long leaves out between an image and its parent. */
export interface Omitted {
  /** Programs; at least so many where `named` is false. */
  readonly count: number;
  /** Each name once, in the order of the chain. */
  readonly names: ReadonlySet<string>;
  /** Every one of them is in `names`. */
  readonly named: boolean;
}

/**
 * One program image, as the supervisor holds it while it matters. The parent link goes to the image
 * below which it runs: that of the process that forked it, or its own predecessor where a process
 * execs twice.
 */
export interface Image {
  readonly key: string;
  readonly pid: number;
  readonly startNs: bigint;
  /** 0 for a fork without exec. */
  readonly image: number;
  readonly root: Id;
  /** Moves up where the chain has become too long: `omitted` then lay in between. */
  parent: Image | null;
  omitted: Omitted | null;
  /** Images above it that are held: so many at most. */
  depth: number;
  readonly ppid: number;
  readonly exe: string;
  readonly exeVerified: boolean;
  /** How a person would call it: `bash`, `python3 etl.py`. */
  readonly label: string;
  readonly argv: readonly string[];
  readonly argvBytes: number;
  readonly uid: number;
  readonly started: Micros;
  readonly recovered: boolean;
  /** An sshd, cron or login on the way to what the person started: no part of a chain. */
  readonly plumbing: boolean;
  /** Run by the privileged half of sshd itself: PAM modules, the message of the day. */
  readonly setup: boolean;
  /** The store's id, once it has been written. */
  stored: number | null;
}

export function processKey(key: HlKey): string {
  return `${key.tgid}.${key.startNs}`;
}

export function imageKey(key: HlKey, image: number): string {
  return `${key.tgid}.${key.startNs}.${image}`;
}

/** An image as the record has it. */
export function imageOfRow(row: Process, parent: Image | null): Image {
  const name = row.exe.slice(row.exe.lastIndexOf('/') + 1);
  return {
    key: `${row.pid}.${row.startNs}`,
    pid: row.pid,
    startNs: BigInt(row.startNs),
    image: row.image,
    root: row.login,
    parent,
    omitted: null,
    depth: parent ? parent.depth + 1 : 0,
    ppid: row.ppid,
    exe: row.exe,
    exeVerified: row.exeVerified,
    label: labelOf(name, '', row.argv),
    argv: row.argv,
    argvBytes: row.argvBytes,
    uid: row.uid,
    started: row.started,
    recovered: row.recovered,
    plumbing: false,
    setup: false,
    stored: row.id,
  };
}
