import type { WatchHub } from '../api/watch.ts';
import type { Image } from '../attribution/image.ts';
import type { HandoffDraft, HopDraft, LoginFacts, Recorder } from '../attribution/recorder.ts';
import type { ApprovalAnswer, Endpoint, Hop, Id, Login, Micros, Notice, Process } from '../core/types.ts';
import type { ActionRecord } from '../proxy/messages.ts';
import type { NewApproval, NewRecording, Writer } from '../store/append.ts';
import type { Reader } from '../store/reader.ts';
import { Refusals } from './refusals.ts';
import { type Tell, WriteQueue } from './write-queue.ts';

export interface StoreRecorderOptions {
  readonly writer: Writer;
  readonly reader: Pick<Reader, 'login' | 'hop' | 'approval'>;
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
  readonly refusals = new Refusals();
  readonly #writer: Writer;
  readonly #reader: Pick<Reader, 'login' | 'hop' | 'approval'>;
  readonly #watch: WatchHub;
  readonly #queue: WriteQueue;
  #nextProcessId: number;

  constructor(options: StoreRecorderOptions) {
    this.#writer = options.writer;
    this.#reader = options.reader;
    this.#watch = options.watch;
    this.#nextProcessId = options.nextProcessId;
    this.#queue = new WriteQueue({
      batch: (write) => this.#writer.batch(write),
      onRoom: (lost) => this.#room(lost),
      onError: options.onError,
    });
  }

  /** True while the disk does not take what happened. */
  get full(): boolean {
    return this.#queue.full;
  }

  /**
   * While the disk is full it is tried once a second: who calls more often is answered at once.
   * @param last now or never: no other call comes
   */
  flush(last = false): boolean {
    return this.#queue.flush(last ? Number.POSITIVE_INFINITY : performance.now());
  }

  /** Writes down the numbers of refusals that were repeated. @param all also of those that go on */
  settle(now: Micros, all = false): void {
    for (const notice of this.refusals.due(now, all)) this.#notice(notice);
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

  /** The draft is read when it is written: what waits for the disk can still be changed. See {@link Refusals} for denied ones. */
  hop(draft: HopDraft): void {
    if (draft.mode === 'denied' && !this.refusals.hop(draft)) return;
    const hop = (): Hop => {
      const { image, ...facts } = draft;
      return {
        ...facts,
        process: image?.stored ?? null,
        actions: 0,
        childLogin: null,
        childHost: null,
        dialed: null,
      };
    };
    this.#push(
      () => this.#writer.insertHop(hop()),
      () => this.#watch.publish('hop', hop()),
    );
  }

  hopDial(hop: Id, source: Endpoint): void {
    this.#push(() => this.#writer.insertHopDial(hop, source));
  }

  hopChild(hop: Id, child: { host: string; login: Id; at: Micros }): void {
    this.#push(() => this.#writer.insertHopChild(hop, child));
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

  action(message: ActionRecord, at: Micros): void {
    const { hop, action: seq } = message;
    this.#push(() => {
      if (message.type === 'action') {
        const { kind, subject, detail, decision } = message;
        this.#writer.insertAction({ hop, seq, kind, at, subject, detail, decision });
      } else if (message.type === 'decided')
        this.#writer.insertActionDecision(hop, seq, at, message.decision);
      else this.#writer.insertActionEnd(hop, seq, { at, detail: message.detail });
    });
  }

  approval(approval: NewApproval): void {
    this.#push(
      () => this.#writer.insertApproval(approval),
      () => this.#watch.publish('approval', this.#reader.approval(approval.id)),
    );
  }

  approvalAnswer(approval: number, answer: ApprovalAnswer): void {
    this.#push(
      () => this.#writer.insertApprovalAnswer(approval, answer),
      () => this.#watch.publish('approval-answer', this.#reader.approval(approval)),
    );
  }

  recording(recording: NewRecording): void {
    this.#push(() => this.#writer.insertRecording(recording));
  }

  recordingEnd(
    recording: string,
    end: { at: Micros; bytes: number; sha256: string; reason: string | null },
  ): void {
    this.#push(() => this.#writer.insertRecordingEnd(recording, end));
  }

  recordingRemoval(recording: string, removal: { at: Micros; reason: string }): void {
    this.#push(() => this.#writer.insertRecordingRemoval(recording, removal));
  }

  revocation(login: Id, revocation: { at: Micros; by: string; reason: string }): void {
    this.#push(() => this.#writer.insertRevocation(login, revocation));
  }

  handoff(draft: HandoffDraft): void {
    const { image, ...facts } = draft;
    this.#queue.push(() => {
      const handoff = this.#writer.insertHandoff({ ...facts, process: image?.stored ?? null });
      return () => this.#watch.publish('handoff', handoff);
    });
  }

  /** A refusal that was told a moment ago is counted: see {@link Refusals}. */
  notice(facts: Omit<Notice, 'id'>): void {
    if (facts.kind !== 'refused' || this.refusals.notice(facts)) this.#notice(facts);
  }

  /** A fact about the record itself, for the daemon that comes after this one. */
  meta(at: Micros, key: string, value: string): void {
    this.#push(() => this.#writer.insertMeta(at, key, value));
  }

  #notice(facts: Omit<Notice, 'id'>): void {
    this.#queue.push(() => {
      const notice = this.#writer.insertNotice(facts);
      return () => this.#watch.publish('notice', notice);
    });
  }

  #push(write: () => void, tell?: Tell): void {
    this.#queue.push(() => {
      write();
      return this.#watch.size > 0 ? tell : undefined;
    });
  }

  #room(lost: number): void {
    this.notice({
      at: Date.now() * 1000,
      kind: 'disk',
      login: null,
      count: lost,
      detail: `the disk takes records again${lost > 0 ? `; ${lost} records could not be kept meanwhile` : ''}`,
    });
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
