import type { WatchHub } from '../api/watch.ts';
import type { Image } from '../attribution/image.ts';
import type { HandoffDraft, HopDraft, LoginFacts, Recorder } from '../attribution/recorder.ts';
import type { Hop, Id, Login, Micros, Notice, Process } from '../core/types.ts';
import type { Writer } from '../store/append.ts';
import { StoreFullError } from '../store/errors.ts';
import type { Reader } from '../store/reader.ts';

type Write = () => void;

/** Writes kept while the disk is full; beyond that the newest are counted as lost. */
const KEPT = 200_000;

export interface StoreRecorderOptions {
  readonly writer: Writer;
  readonly reader: Pick<Reader, 'login' | 'hop'>;
  readonly watch: WatchHub;
  readonly nextProcessId: number;
  onError(error: Error): void;
}

/**
 * The one way into the store. What happened is queued in order and written in one transaction by
 * `flush`; until the disk takes it, it stays in the queue, and `full` tells that nothing new may be let
 * through unrecorded.
 */
export class StoreRecorder implements Recorder {
  readonly #writer: Writer;
  readonly #reader: Pick<Reader, 'login' | 'hop'>;
  readonly #watch: WatchHub;
  readonly #onError: (error: Error) => void;
  #queue: Write[] = [];
  #publish: Write[] = [];
  #nextProcessId: number;
  #full = false;
  #dropped = 0;

  constructor(options: StoreRecorderOptions) {
    this.#writer = options.writer;
    this.#reader = options.reader;
    this.#watch = options.watch;
    this.#onError = options.onError;
    this.#nextProcessId = options.nextProcessId;
  }

  /** True while the disk does not take what happened. */
  get full(): boolean {
    return this.#full;
  }

  /** @returns false where it could not be written and waits */
  flush(): boolean {
    if (this.#queue.length === 0 && this.#publish.length === 0) return true;
    const queue = this.#queue;
    try {
      this.#writer.batch(() => {
        for (const write of queue) this.#attempt(write);
      });
    } catch (error) {
      if (!(error instanceof StoreFullError)) throw error;
      if (!this.#full) this.#onError(error);
      this.#full = true;
      return false;
    }
    this.#queue = [];
    if (this.#full) this.#recovered();
    const publish = this.#publish;
    this.#publish = [];
    for (const tell of publish) tell();
    return true;
  }

  login(login: Login): void {
    this.#push(
      () => this.#writer.insertLogin(login),
      () => this.#watch.publish('login', login),
    );
  }

  identity(login: Id, facts: LoginFacts): void {
    this.#push(
      () => this.#writer.insertIdentity(login, facts),
      () => this.#watch.publish('identity', this.#reader.login(login)),
    );
  }

  loginEnd(login: Id, end: { at: Micros; lingering: boolean }): void {
    this.#push(
      () => this.#writer.insertLoginEnd(login, end),
      () => this.#watch.publish('login-end', this.#reader.login(login)),
    );
  }

  process(image: Image): void {
    image.stored = this.#nextProcessId++;
    this.#push(
      () => {
        image.stored = this.#writer.insertProcess(processOf(image));
      },
      () => this.#watch.publish('process', processOf(image)),
    );
  }

  processExit(image: Image, exit: { at: Micros; exitCode: number | null; signal: number | null }): void {
    this.#push(
      () => this.#writer.insertProcessExit(image.stored as number, exit),
      () =>
        this.#watch.publish('process-exit', {
          ...processOf(image),
          exited: exit.at,
          exitCode: exit.exitCode,
          signal: exit.signal,
        }),
    );
  }

  /** The draft is read when it is written: what waits for the disk can still be changed. */
  hop(draft: HopDraft): void {
    const hop = (): Hop => {
      const { image, ...facts } = draft;
      return { ...facts, process: image?.stored ?? null, actions: 0, childLogin: null };
    };
    this.#push(
      () => this.#writer.insertHop(hop()),
      () => this.#watch.publish('hop', hop()),
    );
  }

  hopEnd(
    hop: Id,
    end: { at: Micros; bytesUp: number | null; bytesDown: number | null; reason: string | null },
  ): void {
    this.#push(
      () => this.#writer.insertHopEnd(hop, end),
      () => this.#watch.publish('hop-end', this.#reader.hop(hop)),
    );
  }

  revocation(login: Id, revocation: { at: Micros; by: string; reason: string }): void {
    this.#push(() => this.#writer.insertRevocation(login, revocation));
  }

  handoff(draft: HandoffDraft): void {
    const { image, ...facts } = draft;
    this.#push(() => {
      const handoff = this.#writer.insertHandoff({ ...facts, process: image?.stored ?? null });
      this.#publish.push(() => this.#watch.publish('handoff', handoff));
    });
  }

  notice(facts: Omit<Notice, 'id'>): void {
    this.#push(() => {
      const notice = this.#writer.insertNotice(facts);
      this.#publish.push(() => this.#watch.publish('notice', notice));
    });
  }

  #push(write: Write, tell?: Write): void {
    if (this.#queue.length >= KEPT) {
      this.#dropped++;
      return;
    }
    this.#queue.push(write);
    if (tell && this.#watch.size > 0) this.#publish.push(tell);
  }

  /** One record that the store can't place must not take the others with it. */
  #attempt(write: Write): void {
    try {
      write();
    } catch (error) {
      if (error instanceof StoreFullError) throw error;
      this.#onError(error as Error);
    }
  }

  #recovered(): void {
    this.#full = false;
    const at = Date.now() * 1000;
    const lost = this.#dropped > 0 ? `; ${this.#dropped} records could not be kept meanwhile` : '';
    this.notice({
      at,
      kind: 'disk',
      login: null,
      count: this.#dropped,
      detail: `the disk takes records again${lost}`,
    });
    this.#dropped = 0;
  }
}

function processOf(image: Image): Process {
  return {
    id: image.stored as number,
    login: image.root,
    parent: image.parent?.stored ?? null,
    pid: image.pid,
    ppid: image.ppid,
    startNs: image.startNs.toString(),
    image: image.image,
    exe: image.exe,
    exeVerified: image.exeVerified,
    argv: image.argv,
    argvBytes: image.argvBytes,
    uid: image.uid,
    started: image.started,
    exited: null,
    exitCode: null,
    signal: null,
    recovered: image.recovered,
  };
}
