/**
 * An sftp session: each operation on a file is decided before the host hears of it, and a refused one is answered here, in
 * the order of packets. What is read and written passes as it comes.
 */
import { WireReader, WireWriter } from '../../../core/ssh-wire.ts';
import type { Filter, FilterEnds } from '../connection/watch.ts';
import { SshError } from '../errors.ts';
import { Disconnect } from '../numbers.ts';
import { room } from './content.ts';
import { FileUse, Passing } from './file-use.ts';
import { Fxp, OK, PERMISSION_DENIED, VERSION } from './numbers.ts';
import { type Operation, operationsOf } from './requests.ts';
import { Scanner } from './scanner.ts';

/** Numbers of the actions that were begun, or the reason of a refusal. */
export type Decided = readonly number[] | string;

/** A person is asked; until then nothing of it reaches the host. */
export interface HeldOperations {
  /**
   * Once. Never rejects.
   * @param tell for the person who waits
   * @param signal aborted, with why, when nobody waits any more
   */
  wait(tell: (text: string) => void, signal: AbortSignal): Promise<Decided>;
}

/** Decides and records. */
export interface SftpJudge {
  decide(operations: readonly Operation[]): Decided | HeldOperations;
  end(action: number, result: Readonly<Record<string, unknown>>): void;
}

/** Paths of 4096 bytes and some attributes; more is no request that is decided. */
const LONGEST_REQUEST = 16 * 1024;
/** Length, type, id, handle of at most 256 bytes (section 6.2) with its length, offset, length of the data. */
const WRITE_HEAD = 4 + 1 + 4 + 4 + 256 + 8 + 4;
/** Length, type, id, length of the data. */
const DATA_HEAD = 4 + 1 + 4 + 4;
/** OpenSSH's client asks for 64 things at once. */
const MOST_PENDING = 4096;
/** Bytes behind a request that waits: twice the window that OpenSSH's server gives. */
const MOST_KEPT = 4 * 1024 * 1024;

/** A request that waits for a person, and what the client sent behind it. */
interface Waiting {
  readonly abort: AbortController;
  readonly kept: Buffer[];
  size: number;
  eof: (() => void) | null;
  over: Promise<void>;
}

/** A request of the client. */
interface Asked {
  readonly id: number;
  readonly type: number;
  /** A view. */
  readonly head: Buffer;
  readonly total: number;
}

type Pending =
  | { readonly type: 'open'; readonly file: FileUse }
  | { readonly type: 'read'; readonly file: FileUse; readonly offset: bigint }
  | { readonly type: 'done'; readonly actions: readonly number[] }
  | { readonly type: 'close'; readonly file: FileUse };

export class SftpFilter implements Filter {
  readonly #ends: FilterEnds;
  readonly #judge: SftpJudge;
  readonly #pending = new Map<number, Pending>();
  readonly #files = new Map<string, FileUse>();
  readonly #room = room();
  readonly #client: Scanner;
  readonly #host: Scanner;
  #waiting: Waiting | null = null;
  #over = false;
  /** Where the content under way goes. */
  #writing: Passing | null = null;
  #reading: Passing | null = null;

  constructor(ends: FilterEnds, judge: SftpJudge) {
    this.#ends = ends;
    this.#judge = judge;
    this.#client = new Scanner({
      headOf: requestHead,
      packet: (head, total) => this.#request(head, total),
      rest: (data) => this.#content(data),
      end: () => {
        this.#writing = null;
      },
    });
    this.#host = new Scanner({
      headOf: (type, total) => (type === Fxp.DATA ? DATA_HEAD : Math.min(total, ANSWER_HEAD)),
      packet: (head) => this.#answer(head),
      rest: (data) => this.#reading?.take(data),
      end: () => {
        this.#reading = null;
      },
    });
  }

  fromClient(data: Buffer): void {
    if (this.#over) return;
    const taken = this.#client.push(data);
    if (taken < data.length) this.#keep(data.subarray(taken));
  }

  fromHost(data: Buffer): void {
    this.#host.push(data);
    if (this.#host.atBoundary) this.#ends.flush();
  }

  clientEof(pass: () => void): void {
    if (this.#waiting === null) pass();
    else this.#waiting.eof = pass;
  }

  withdraw(why: string): void {
    if (this.#waiting === null) return;
    this.#over = true;
    this.#waiting.abort.abort(why);
  }

  async end(): Promise<void> {
    this.withdraw('the channel closed first');
    this.#over = true;
    for (const file of this.#files.values()) this.#close(file, { error: 'not closed' }, true);
    for (const pending of this.#pending.values()) {
      if (pending.type === 'open') this.#close(pending.file, { error: 'no answer' });
      else if (pending.type === 'done')
        for (const action of pending.actions) this.#judge.end(action, { error: 'no answer' });
    }
    this.#files.clear();
    this.#pending.clear();
    await this.#waiting?.over;
  }

  #request(head: Buffer, total: number): void {
    const type = head[4] ?? 0;
    if (type === Fxp.INIT) {
      // A later version has other flags and other requests; whoever speaks it speaks this one too (section 4).
      if (head.readUInt32BE(5) > VERSION) head.writeUInt32BE(VERSION, 5);
      this.#ends.toHost(head);
      return;
    }
    const id = head.readUInt32BE(5);
    const reader = new WireReader(head, 9);
    if (type === Fxp.WRITE) {
      const file = this.#files.get(reader.string().toString('latin1'));
      const [offset, length] = [reader.uint64(), reader.uint32()];
      if (file !== undefined) {
        this.#writing = new Passing((at, data) => file.wrote(at, data), offset, length);
        this.#writing.take(reader.rest());
      }
    } else if (type === Fxp.READ || type === Fxp.CLOSE) {
      const handle = reader.string().toString('latin1');
      const file = this.#files.get(handle);
      if (file !== undefined && type === Fxp.READ)
        this.#expect(id, { type: 'read', file, offset: reader.uint64() });
      else if (file !== undefined) {
        this.#files.delete(handle);
        this.#expect(id, { type: 'close', file });
      }
    } else {
      this.#operate({ id, type, head, total });
      return;
    }
    this.#ends.toHost(head);
  }

  /** A request other than of content: its head is all of it. */
  #operate(asked: Asked): void {
    const operations = operationsOf(asked.head.subarray(4));
    const decided = operations.length === 0 ? [] : this.#judge.decide(operations);
    if (typeof decided === 'object' && 'wait' in decided)
      this.#hold({ ...asked, head: Buffer.from(asked.head) }, decided);
    else this.#decided(asked, decided);
  }

  #decided({ id, type, head, total }: Asked, decided: Decided): void {
    if (typeof decided === 'string') {
      this.#ends.credit(total);
      this.#ends.stderr(`Hopline: ${decided}\n`);
      this.#ends.interject(status(id, decided), () => this.#host.atBoundary);
      return;
    }
    if (decided.length > 0)
      this.#expect(
        id,
        type === Fxp.OPEN
          ? { type: 'open', file: new FileUse(decided, this.#room) }
          : { type: 'done', actions: decided },
      );
    this.#ends.toHost(head);
  }

  /** What the client sends from here on is looked at when the answer is there: it may depend on this. */
  #hold(asked: Asked, held: HeldOperations): void {
    const abort = new AbortController();
    const waiting: Waiting = { abort, kept: [], size: 0, eof: null, over: Promise.resolve() };
    this.#waiting = waiting;
    this.#client.paused = true;
    const tell = (text: string): void => {
      if (!this.#over) this.#ends.stderr(text);
    };
    waiting.over = held.wait(tell, abort.signal).then((decided) => {
      this.#waiting = null;
      this.#client.paused = false;
      if (this.#over) {
        if (typeof decided !== 'string')
          for (const action of decided) this.#judge.end(action, { error: 'the channel closed first' });
        return;
      }
      try {
        this.#decided(asked, decided);
        for (const data of waiting.kept) this.fromClient(data);
        if (waiting.eof !== null) this.clientEof(waiting.eof);
      } catch (error) {
        this.#ends.broken(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  #keep(data: Buffer): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    waiting.size += data.length;
    if (waiting.size > MOST_KEPT)
      throw new SshError(
        Disconnect.PROTOCOL_ERROR,
        'sftp: more was sent than can be kept while an operation waits',
      );
    waiting.kept.push(Buffer.from(data));
  }

  #content(data: Buffer): void {
    this.#writing?.take(data);
    this.#ends.toHost(data);
  }

  #expect(id: number, pending: Pending): void {
    if (this.#pending.size >= MOST_PENDING || this.#pending.has(id))
      throw new SshError(Disconnect.PROTOCOL_ERROR, 'sftp: more requests at once than anybody has');
    this.#pending.set(id, pending);
  }

  #answer(head: Buffer): void {
    const type = head[4];
    if (type === Fxp.VERSION || head.length < 9) return;
    const id = head.readUInt32BE(5);
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    const failed = type === Fxp.STATUS && head.readUInt32BE(9) !== OK;
    const result = failed ? { error: statusText(head) } : {};
    switch (pending.type) {
      case 'open':
        if (type === Fxp.HANDLE)
          this.#files.set(new WireReader(head, 9).string().toString('latin1'), pending.file);
        else this.#close(pending.file, result);
        break;
      case 'read':
        if (type === Fxp.DATA) {
          const { file, offset } = pending;
          const length = head.length < DATA_HEAD ? 0 : head.readUInt32BE(DATA_HEAD - 4);
          this.#reading = new Passing((at, data) => file.read(at, data), offset, length);
        }
        break;
      case 'close':
        this.#close(pending.file, result);
        break;
      case 'done':
        for (const action of pending.actions) this.#judge.end(action, result);
    }
  }

  /** @param unfinished it went on until now: what it was so far is told */
  #close(file: FileUse, more: Readonly<Record<string, unknown>>, unfinished = false): void {
    const told = file.end();
    const result = { ...('error' in more && !unfinished ? {} : told), ...more };
    for (const action of file.actions) this.#judge.end(action, result);
  }
}

/** A handle, or a status with its words. */
const ANSWER_HEAD = 1024;

function requestHead(type: number, total: number): number {
  if (type === Fxp.WRITE) return Math.min(total, WRITE_HEAD);
  if (total <= LONGEST_REQUEST) return total;
  throw new SshError(Disconnect.PROTOCOL_ERROR, `sftp: a request of ${total} bytes`);
}

/** OpenSSH's client shows its own words for the number; others show these. */
function status(id: number, message: string): Buffer {
  const body = new WireWriter().byte(Fxp.STATUS).uint32(id).uint32(PERMISSION_DENIED);
  return new WireWriter().string(body.string(`Hopline: ${message}`).string('').bytes()).bytes();
}

function statusText(head: Buffer): string {
  const code = head.readUInt32BE(9);
  const length = head.length >= 17 ? head.readUInt32BE(13) : 0;
  const said = head
    .subarray(17, 17 + length)
    .toString()
    .slice(0, 200);
  return said === '' ? `status ${code}` : said;
}
