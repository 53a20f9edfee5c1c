/**
 * Reads the PAM hook's spool. Files stay until they are acknowledged, so that a daemon that dies between reading and
 * recording reads them again. What does not decode is moved to `bad/` there: counted, never deleted unseen.
 */
import { Buffer } from 'node:buffer';
import {
  closeSync,
  constants,
  type FSWatcher,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  watch,
} from 'node:fs';
import { join } from 'node:path';
import { decodePamEvent, EVENT_LIMIT, type PamEvent } from './pam-event.ts';

export type { PamEvent } from './pam-event.ts';

export interface SpoolBatch {
  /** In the order in which they were written. */
  readonly events: readonly PamEvent[];
  /** Files that were none, and are in `bad/` now. */
  readonly quarantined: number;
}

/** More than this many at once are read in the next round; a login is one file. */
const BATCH = 10_000;
const QUARANTINE = 'bad';

/**
 * @param dir the spool; names with a leading dot are being written, and are left alone
 * @param skip files that were read already and not acknowledged yet
 * @param onBad told of each file that is none, with why, once it is in `bad/`
 * @throws Error where the directory cannot be read
 */
export function readSpool(
  dir: string,
  skip: ReadonlySet<string> = new Set(),
  onBad: (file: string, why: string) => void = () => {},
): SpoolBatch {
  const events: { event: PamEvent; order: bigint }[] = [];
  let quarantined = 0;
  const names = readdirSync(dir).filter((name) => !name.startsWith('.') && name !== QUARANTINE);
  for (const name of names.filter((each) => !skip.has(each)).slice(0, BATCH)) {
    try {
      const { bytes, writtenNs } = read(join(dir, name));
      events.push({ event: decodePamEvent(name, bytes, Number(writtenNs / 1000n)), order: writtenNs });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      quarantine(dir, name);
      quarantined += 1;
      onBad(name, (error as Error).message);
    }
  }
  events.sort((a, b) =>
    a.order < b.order ? -1 : a.order > b.order ? 1 : a.event.file < b.event.file ? -1 : 1,
  );
  return { events: events.map(({ event }) => event), quarantined };
}

/** Deletes what has been recorded. */
export function acknowledge(dir: string, events: readonly PamEvent[]): void {
  for (const { file } of events) rmSync(join(dir, file), { force: true });
}

/** Only plain files, not through links, never waiting (a pipe would), never more than an event's length. */
function read(path: string): { bytes: Buffer; writtenNs: bigint } {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd, { bigint: true });
    if (!stat.isFile()) throw new Error('not a plain file');
    const bytes = Buffer.alloc(EVENT_LIMIT + 1);
    const length = readSync(fd, bytes, 0, bytes.length, 0);
    return { bytes: bytes.subarray(0, length), writtenNs: stat.mtimeNs };
  } finally {
    closeSync(fd);
  }
}

function quarantine(dir: string, name: string): void {
  mkdirSync(join(dir, QUARANTINE), { recursive: true, mode: 0o700 });
  renameSync(join(dir, name), join(dir, QUARANTINE, name));
}

export interface PamSpoolOptions {
  readonly dir: string;
  onEvents(events: readonly PamEvent[]): void;
  /** A file was no event and is in `bad/` now: whose login it was about is not known. */
  onBad(file: string, why: string): void;
  /** The directory cannot be read or watched any more. */
  onFault(error: Error): void;
}

/** The spool, watched: each event is handed out once, by `onEvents` or by `drain`. */
export class PamSpool {
  readonly #options: PamSpoolOptions;
  readonly #handedOut = new Set<string>();
  #watcher: FSWatcher | null = null;
  #queued: NodeJS.Immediate | null = null;
  #quarantined = 0;

  constructor(options: PamSpoolOptions) {
    this.#options = options;
  }

  /** Files that were not events, since the start. */
  get quarantined(): number {
    return this.#quarantined;
  }

  /** Makes the directory (root's alone) where it is missing, watches it, and hands out what lies there already. */
  start(): void {
    const { dir } = this.#options;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.#watcher = watch(dir, (_, name) => {
      if (name === null || !name.startsWith('.')) this.#queue();
    });
    this.#watcher.on('error', (error) => this.#options.onFault(error));
    this.#queue();
  }

  /** Reads what is there now, without waiting for the watcher. What it returns is not handed to `onEvents` too. */
  drain(): readonly PamEvent[] {
    const { events, quarantined } = readSpool(this.#options.dir, this.#handedOut, this.#options.onBad);
    this.#quarantined += quarantined;
    for (const { file } of events) this.#handedOut.add(file);
    return events;
  }

  /** The events are recorded: their files go. */
  acknowledge(events: readonly PamEvent[]): void {
    acknowledge(this.#options.dir, events);
    for (const { file } of events) this.#handedOut.delete(file);
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
    if (this.#queued !== null) clearImmediate(this.#queued);
  }

  /** Many changes in one turn are one reading. */
  #queue(): void {
    this.#queued ??= setImmediate(() => {
      this.#queued = null;
      try {
        const events = this.drain();
        if (events.length > 0) this.#options.onEvents(events);
      } catch (error) {
        this.#options.onFault(error as Error);
      }
    });
  }
}
