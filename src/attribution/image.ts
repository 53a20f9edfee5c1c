import type { Id, Micros, Process } from '../core/types.ts';
import type { HlKey } from '../kernel/layouts.generated.ts';

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
  readonly parent: Image | null;
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

/** The programs from the login down to `image`, without the plumbing above the first of them. */
export function chainOf(image: Image | null): string[] {
  const chain: string[] = [];
  for (let at = image; at; at = at.parent) if (!at.plumbing && at.image !== 0) chain.unshift(at.label);
  if (chain.length === 0 && image) chain.push(image.label);
  return chain;
}

const INTERPRETERS =
  /^(?:ba|da|z|k|fi)?sh$|^python[\d.]*$|^node$|^ruby[\d.]*$|^perl[\d.]*$|^php[\d.]*$|^java$|^env$/;

/** What follows is a program, not a file's name: `bash -lc`, `node -p`, `perl -nE`, `php -r`. */
function takesCode(name: string, option: string): boolean {
  if (/^-[a-z]*[ce]$|^--(?:command|eval|print|run)$/.test(option)) return true;
  if (name.startsWith('perl')) return /^-\w*E$/.test(option);
  return option === '-p' ? name === 'node' : option === '-r' && name.startsWith('php');
}

/**
 * What to call an image: the file's base name, and for an interpreter the script that it runs.
 * @param name base name of the file that runs, as the kernel has it: argv[0] can lie
 * @param filename what execve was given: the script's path where a `#!` line chose the interpreter
 */
export function labelOf(name: string, filename: string, argv: readonly string[]): string {
  if (!INTERPRETERS.test(name)) return name;
  const base = filename.slice(filename.lastIndexOf('/') + 1);
  const at = argv.findIndex((argument, index) => index > 0 && !argument.startsWith('-'));
  const script = argv[at];
  const optionTakesCode = argv.slice(1, Math.max(at, 1)).some((option) => takesCode(name, option));
  if (script === undefined || optionTakesCode) return name;
  const scriptBase = script.slice(script.lastIndexOf('/') + 1);
  if (base === scriptBase || /\.\w{1,4}$/.test(scriptBase) || script.includes('/'))
    return `${name} ${scriptBase}`;
  return name;
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
    ppid: row.ppid,
    exe: row.exe,
    exeVerified: row.exeVerified,
    label: labelOf(name, row.argv[1] ?? '', row.argv),
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
