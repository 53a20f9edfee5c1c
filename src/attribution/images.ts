import type { Id, Micros, Process } from '../core/types.ts';
import type { HlExecEvent, HlExitEvent, HlKey, HlWho } from '../kernel/layouts.generated.ts';
import { bound, CUT } from './chain.ts';
import { ExeResolver } from './exe.ts';
import { type Image, imageKey, imageOfRow, processKey } from './image.ts';
import { labelOf } from './label.ts';
import { isLauncher, type Launcher } from './launcher.ts';
import { redactArgv } from './redact.ts';

/** Exited images that a child may still name as its parent: as many as a busy host starts in a minute. */
const REMEMBERED = 20_000;

export interface ImageRules {
  /** Base names of sshd, cron and the like. */
  readonly plumbing: ReadonlySet<string>;
  /** What `hopline shell` is made of. */
  readonly launcher: Launcher;
  /** Bytes of argv to keep. */
  readonly argvBytes: number;
  /** An image that the record has, and the images above it up to the first; empty where it has none. */
  recorded(login: Id, key: HlKey, image: number): readonly Process[];
}

type IsSetup = (filename: string, argv: readonly string[]) => boolean;

/** The programs that run or ran a moment ago, by process and exec. */
export class Images {
  readonly #rules: ImageRules;
  readonly #exe = new ExeResolver();
  readonly #byImage = new Map<string, Image>();
  /** The latest image of each live process that has executed something. */
  readonly #current = new Map<string, Image>();
  readonly #byPid = new Map<number, Image>();
  readonly #gone: string[] = [];
  #goneAt = 0;

  constructor(rules: ImageRules) {
    this.#rules = rules;
  }

  /** @param isSetup asked of what the login's sshd executes itself: is it a PAM module's doing, not the person's? */
  exec(event: HlExecEvent, root: Id, at: Micros, isSetup: IsSetup): Image {
    const { who } = event;
    const filename = text(event.data.subarray(0, Math.max(0, event.filenameLen - 1)));
    const raw = event.data.subarray(event.filenameLen, event.filenameLen + event.argvLen);
    const argv = redactArgv(splitArgv(raw.subarray(0, this.#rules.argvBytes)));
    const name = text(event.name);
    const exe = this.#exe.resolve({
      pid: who.proc.tgid,
      dev: event.dev,
      ino: event.ino,
      name,
      filename,
      deleted: event.deleted === 1,
    });
    // A fork that was noticed before it executed anything has an image of its own in between.
    const fork = this.#byImage.get(imageKey(who.proc, 0));
    const parent = fork ?? this.#find(root, event.parent, event.parentImage);
    const sameRoot = parent !== null && parent.root === root ? parent : null;
    const label = labelOf(name, filename, argv);
    const bySshd = sameRoot?.plumbing && event.ppid === sameRoot.pid && !this.#rules.plumbing.has(name);
    const setup = sameRoot?.setup || (bySshd ? isSetup(filename, argv) : false);
    const image: Image = {
      key: processKey(who.proc),
      pid: who.proc.tgid,
      startNs: who.proc.startNs,
      image: who.image,
      root,
      parent: sameRoot,
      omitted: null,
      depth: 0,
      ppid: event.ppid,
      exe: exe.path,
      exeVerified: exe.verified,
      label,
      argv,
      argvBytes: event.argvBytes,
      uid: who.uid,
      started: at,
      recovered: false,
      plumbing: setup || this.#isPlumbing(name, exe, argv, sameRoot),
      setup,
      stored: null,
    };
    this.add(image);
    return image;
  }

  add(image: Image): void {
    bound(image);
    this.#byImage.set(`${image.key}.${image.image}`, image);
    if (image.image === 0) return;
    const before = this.#current.get(image.key) ?? this.#byImage.get(`${image.key}.0`);
    if (before) this.#forgetLater(before);
    this.#current.set(image.key, image);
    this.#byPid.set(image.pid, image);
  }

  /** @returns the image that the process was running, if it is known */
  exit(event: HlExitEvent): Image | null {
    const key = processKey(event.proc);
    const image = this.#current.get(key) ?? this.#byImage.get(`${key}.0`) ?? null;
    if (!image) return null;
    this.#current.delete(key);
    if (this.#byPid.get(image.pid) === image) this.#byPid.delete(image.pid);
    this.#forgetLater(image);
    return image;
  }

  /** Takes away an image whose process has gone unseen. @returns false where its exit was seen */
  drop(image: Image): boolean {
    if (this.#current.get(image.key) !== image) return false;
    this.#current.delete(image.key);
    if (this.#byPid.get(image.pid) === image) this.#byPid.delete(image.pid);
    this.#forgetLater(image);
    return true;
  }

  get(key: string): Image | null {
    return this.#byImage.get(key) ?? null;
  }

  /** What a live process that has executed something runs now. */
  current(key: string): Image | null {
    return this.#current.get(key) ?? null;
  }

  byPid(pid: number): Image | null {
    return this.#byPid.get(pid) ?? null;
  }

  /** What runs now and has this id in the store. Looks through all: for a start. */
  byRow(id: number): Image | null {
    for (const image of this.#current.values()) if (image.stored === id) return image;
    return null;
  }

  live(): number {
    return this.#current.size;
  }

  /**
   * The image that `who` was running. A process that forked and never executed anything runs its
   * parent's program: it gets an image of its own below that one, numbered 0.
   */
  of(who: HlWho, root: Id, at: Micros): Image | null {
    const owner = this.#find(root, who.owner, who.image);
    if (owner === null || owner.root !== root) return null;
    const key = processKey(who.proc);
    if (key === owner.key) return owner;
    const known = this.#byImage.get(`${key}.0`);
    if (known) return known;
    const fork: Image = {
      ...owner,
      key,
      pid: who.proc.tgid,
      startNs: who.proc.startNs,
      image: 0,
      parent: owner,
      omitted: null,
      ppid: owner.pid,
      uid: who.uid,
      started: at,
      stored: null,
    };
    this.add(fork);
    return fork;
  }

  /** What an image of the record runs below: that may have exited long ago, and is part of its chain. */
  above({ login, pid, startNs, image }: Process): Image | null {
    const key = { tgid: pid, startNs: BigInt(startNs) };
    return this.#taken(this.#rules.recorded(login, key, image).slice(1));
  }

  /** From memory, or, where it exited long ago and left a child behind, from the record. */
  #find(root: Id, key: HlKey, image: number): Image | null {
    const known = this.#byImage.get(imageKey(key, image));
    if (known || key.startNs === 0n) return known ?? null;
    const found = this.#taken(this.#rules.recorded(root, key, image));
    if (found) {
      this.#byImage.set(imageKey(key, image), found);
      this.#forgetLater(found);
    }
    return found;
  }

  #taken(rows: readonly Process[]): Image | null {
    let found: Image | null = null;
    for (const row of [...rows].reverse()) {
      const above: Image | null = found;
      found = this.#byImage.get(`${row.pid}.${row.startNs}.${row.image}`) ?? imageOfRow(row, above);
      if (above === null && row.parent !== null && found.parent === null) found.omitted = CUT;
    }
    if (found) bound(found);
    return found;
  }

  #isPlumbing(
    name: string,
    exe: { readonly path: string; readonly verified: boolean },
    argv: readonly string[],
    parent: Image | null,
  ): boolean {
    if (parent !== null && !parent.plumbing) return false;
    const { plumbing, launcher } = this.#rules;
    return plumbing.has(name) || isLauncher(launcher, exe.verified ? exe.path : null, argv);
  }

  #forgetLater(image: Image): void {
    const key = `${image.key}.${image.image}`;
    const oldest = this.#gone[this.#goneAt];
    if (oldest !== undefined) this.#byImage.delete(oldest);
    this.#gone[this.#goneAt] = key;
    this.#goneAt = (this.#goneAt + 1) % REMEMBERED;
  }
}

function text(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = buffer.indexOf(0);
  return buffer.toString('utf8', 0, end < 0 ? buffer.length : end);
}

/** argv as /proc/PID/cmdline has it: each argument ends with a NUL, and may hold any other byte. */
export function splitArgv(raw: Uint8Array): string[] {
  const whole = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('utf8');
  if (whole === '') return [];
  const parts = whole.split('\0');
  if (parts.at(-1) === '') parts.pop();
  return parts;
}
