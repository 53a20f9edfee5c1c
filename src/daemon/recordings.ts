/** Where recordings lie: a file each, named by its hop or login, in a directory for each day; and what the store knows of them. */
import { mkdir, open, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/types.ts';
import type { Id, Micros, Owner, Recording } from '../core/types.ts';
import { RecordingFile } from '../recording/file.ts';
import type { SegmentBody } from '../recording/frames.ts';
import type { Archive, OpenRecording } from '../recording/receiver.ts';
import { type Survey, survey } from '../recording/survey.ts';
import type { Reader } from '../store/reader.ts';
import type { StoreRecorder } from './store-recorder.ts';

export interface RecordingsOptions {
  readonly directory: string;
  readonly record: StoreRecorder;
  readonly reader: Pick<
    Reader,
    'recordingsAfter' | 'unendedRecordings' | 'loginRecordings' | 'maxRecording' | 'meta'
  >;
  settings(): RecordingSettings;
  now(): Micros;
  onError(error: Error): void;
}

export interface RecordingSettings {
  /** Whether a hop, or a shell, that cannot be recorded ends. */
  readonly onFailure: 'end' | 'continue';
  /** How long files are kept; null is for ever. */
  readonly keepDays: number | null;
}

const DAY_US = 86_400_000_000;
const HOUR_MS = 3_600_000;
const AT_ONCE = 100;
const NOTHING = { bytes: 0, sha256: '' };
/** Key in `meta`: every recording up to this number in the store has ended. */
const ENDED_THROUGH = 'recordings-ended-through';
/** Key in `meta`: every recording up to this number in the store has been removed. */
const REMOVED_THROUGH = 'recordings-removed-through';

const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
};

/** What of a daemon recordings are made from. */
export interface RecordingParts {
  readonly store: { readonly reader: RecordingsOptions['reader'] };
  readonly record: StoreRecorder;
  readonly log: Pick<Logger, 'error'>;
  readonly policy: { readonly config: Config };
  readonly startedWith: Config;
  now(): Micros;
}

export function recordingsOf(daemon: RecordingParts): Recordings {
  const { store, record, log, startedWith } = daemon;
  return new Recordings({
    directory: join(startedWith.paths.state, 'recordings'),
    record,
    reader: store.reader,
    settings: () => daemon.policy.config.recording,
    now: () => daemon.now(),
    onError: (error) => log.error({ err: error }, error.message),
  });
}

export class Recordings implements Archive {
  readonly #options: RecordingsOptions;
  /** Of each hop, and each login, that has a recording: how many. */
  readonly #numbers = new Map<Id, number>();
  #work: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(options: RecordingsOptions) {
    this.#options = options;
  }

  /** @throws Error with words for a person */
  async open(of: Owner, kind: string): Promise<OpenRecording> {
    const { directory, record, now } = this.#options;
    const started = now();
    const owner = 'hop' in of ? of.hop : of.login;
    const number = (this.#numbers.get(owner) ?? this.#before(of)) + 1;
    this.#numbers.set(owner, number);
    const day = new Date(started / 1000).toISOString().slice(0, 10);
    const id = `${owner}-${number}`;
    const file = `${day}/${id}.rec`;
    // Before the file: what lies in the directory is known to the store.
    record.recording({ id, ...of, kind, file, started });
    if (!record.flush() && this.#options.settings().onFailure === 'end')
      throw await this.#failed(of, id, new Error('the disk is full'), null);
    try {
      await mkdir(join(directory, day), { recursive: true, mode: 0o700 });
      const made = await RecordingFile.create(join(directory, file), { id, ...of, kind, started });
      return new Open(id, whatOf(of), made, this.#options, (error) => this.#failed(of, id, error, made));
    } catch (error) {
      throw await this.#failed(of, id, error as Error, null);
    }
  }

  /**
   * Some bytes of a recording as they lie in its file: nothing here looks into what a worker wrote.
   * @throws Error with words for a person
   */
  async read({ file, bytes, removed, removal }: Recording, offset: number, limit: number): Promise<Buffer> {
    if (removed !== null) throw new Error(`its file is gone: ${removal}`);
    const end = Math.min(bytes ?? Number.POSITIVE_INFINITY, offset + limit);
    if (end <= offset) return Buffer.alloc(0);
    const handle = await open(join(this.#options.directory, file)).catch((error: NodeJS.ErrnoException) => {
      throw new Error(error.code === 'ENOENT' ? 'its file is not there' : error.message);
    });
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(end - offset), 0, end - offset, offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  }

  /** Nothing of this hop, or login, is recorded any more for now, nor what is so numbered by. */
  ended(owner: Id): void {
    this.#numbers.delete(owner);
  }

  /** A hop ends with its daemon, a login lives on. */
  #before(of: Owner): number {
    return 'login' in of ? this.#options.reader.loginRecordings(of.login) : 0;
  }

  /**
   * Before the first is opened. Beside what else the daemon does it ends what nobody ended, and removes what is old,
   * once and then every hour.
   * @returns what stops that; resolves when nothing of it is under way
   */
  begin(): () => Promise<void> {
    const { reader } = this.#options;
    const through = Number(reader.meta(ENDED_THROUGH) ?? 0);
    const left = reader.unendedRecordings(through);
    const last = reader.maxRecording();
    if (last > through) this.#do(() => this.#recover(left, last));
    this.#do(() => this.prune());
    const timer = setInterval(() => this.#do(() => this.prune()), HOUR_MS).unref();
    return () => {
      clearInterval(timer);
      this.#stopping = true;
      return this.#work;
    };
  }

  /** @param left those up to `last` without the record of their end: the daemon before this one was killed */
  async #recover(left: readonly Recording[], last: number): Promise<void> {
    const { directory, record, now } = this.#options;
    for (const { id, file } of left) {
      if (this.#stopping) return;
      const found = await survey(join(directory, file)).catch((error: Error) => error);
      const { bytes, sha256 } = found === null || found instanceof Error ? NOTHING : found;
      record.recordingEnd(id, { at: now(), bytes, sha256, reason: missing(found) });
    }
    record.meta(now(), ENDED_THROUGH, String(last));
    record.flush();
  }

  /** One after the other; what fails is tried again with the next start, or hour. */
  #do(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: Error) => this.#options.onError(error));
  }

  /** Removes what is older than it is to be kept. */
  async prune(): Promise<void> {
    const { reader, record, now, settings } = this.#options;
    const { keepDays } = settings();
    if (keepDays === null) return;
    const through = Number(reader.meta(REMOVED_THROUGH) ?? 0);
    const before = now() - keepDays * DAY_US;
    const reason = `kept for ${keepDays} ${keepDays === 1 ? 'day' : 'days'}`;
    let [seq, reached, waits] = [through, through, false];
    for (let more = true; more && !this.#stopping; ) {
      const all = reader.recordingsAfter(seq, AT_ONCE);
      const aged = all.filter(({ started }) => started < before);
      for (const one of aged) {
        seq = one.seq;
        // A session of that length: the mark stays before it, so that it is found again.
        waits ||= one.ended === null;
        if (one.ended !== null && one.removed === null) await this.#remove(one, reason);
        if (!waits) reached = seq;
      }
      more = aged.length === AT_ONCE;
      if (more) record.flush();
    }
    if (reached > through) record.meta(now(), REMOVED_THROUGH, String(reached));
    record.flush();
  }

  async #remove({ id, file }: Recording, reason: string): Promise<void> {
    const { directory, record, now } = this.#options;
    // First the file: where it can't be removed, or this ends between the two, it is tried again.
    await rm(join(directory, file), { force: true });
    record.recordingRemoval(id, { at: now(), reason });
    await rmdir(join(directory, dirname(file))).catch(() => {});
  }

  /** It ends here: that is recorded, and told. @returns what the worker is told */
  async #failed(of: Owner, id: string, error: Error, file: RecordingFile | null): Promise<Error> {
    const what = whatOf(of);
    const { record, now, settings, onError } = this.#options;
    const words = WORDS[(error as NodeJS.ErrnoException).code ?? ''] ?? error.message;
    const reason = `could not be written: ${words}`;
    const then = settings().onFailure === 'end' ? `its ${what} ends` : `its ${what} goes on unrecorded`;
    // What it cannot be shortened to, its record tells all the same.
    await file?.close().catch(onError);
    const at = now();
    record.recordingEnd(id, { at, bytes: file?.bytes ?? 0, sha256: file?.sha256 ?? '', reason });
    const detail = `recording ${id} ${reason}; ${then}`;
    record.notice({ at, kind: 'recording', login: null, count: 1, detail });
    record.flush();
    onError(new Error(detail, { cause: error }));
    return new Error(words);
  }
}

class Open implements OpenRecording {
  readonly #id: string;
  readonly #what: string;
  readonly #file: RecordingFile;
  readonly #options: RecordingsOptions;
  readonly #fail: (error: Error) => Promise<Error>;

  constructor(
    id: string,
    what: string,
    file: RecordingFile,
    options: RecordingsOptions,
    fail: (error: Error) => Promise<Error>,
  ) {
    this.#id = id;
    this.#what = what;
    this.#file = file;
    this.#options = options;
    this.#fail = fail;
  }

  async segment(segment: SegmentBody): Promise<void> {
    try {
      await this.#file.segment(segment);
    } catch (error) {
      throw await this.#fail(error as Error);
    }
  }

  async end(reason: string | null): Promise<void> {
    const { record, now } = this.#options;
    const at = now();
    try {
      await this.#file.finish({ ended: at, reason });
      await this.#file.close();
    } catch (error) {
      await this.#fail(error as Error);
      return;
    }
    record.recordingEnd(this.#id, { at, bytes: this.#file.bytes, sha256: this.#file.sha256, reason });
    if (reason === null) return;
    const detail = `recording ${this.#id} ended before its ${this.#what}: ${reason}`;
    record.notice({ at, kind: 'recording', login: null, count: 1, detail });
  }
}

const whatOf = (of: Owner) => ('hop' in of ? 'hop' : 'shell');

/** @returns why something is missing */
function missing(found: Survey | Error | null): string | null {
  if (found === null) return 'the daemon ended before there was a file';
  if (found instanceof Error) return `the daemon ended first, and the file cannot be read: ${found.message}`;
  if (found.damage !== null) return `the daemon ended first, and the file is damaged: ${found.damage}`;
  if (found.complete) return null;
  return `the daemon ended first${found.left > 0 ? `, ${found.left} bytes into a segment` : ''}`;
}
