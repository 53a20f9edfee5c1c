/**
 * An sftp session: each operation on a file is decided before the host hears of it, and a refused one is answered here, in
 * the order of packets. What is read and written passes as it comes.
 */
import { WireReader, WireWriter } from '../../../core/ssh-wire.ts';
import type { Filter, FilterEnds } from '../connection/watch.ts';
import { SshError } from '../errors.ts';
import { Disconnect } from '../numbers.ts';
import { FileUse } from './file-use.ts';
import { Fxp, OK, PERMISSION_DENIED, VERSION } from './numbers.ts';
import { type Operation, operationsOf } from './requests.ts';
import { Scanner } from './scanner.ts';

/** Decides and records. */
export interface SftpJudge {
  /** @returns numbers of the actions that were begun, or the reason of a refusal */
  decide(operations: readonly Operation[]): readonly number[] | string;
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
  readonly #client: Scanner;
  readonly #host: Scanner;
  /** The client's packet under way is not for the host. */
  #dropping = false;
  /** Where the content under way goes. */
  #writing: { readonly file: FileUse; offset: bigint } | null = null;
  #reading: { readonly file: FileUse; offset: bigint } | null = null;

  constructor(ends: FilterEnds, judge: SftpJudge) {
    this.#ends = ends;
    this.#judge = judge;
    this.#client = new Scanner({
      headOf: requestHead,
      packet: (head, total) => this.#request(head, total),
      rest: (data) => this.#content(data),
      end: () => {
        this.#writing = null;
        this.#dropping = false;
      },
    });
    this.#host = new Scanner({
      headOf: (type, total) => (type === Fxp.DATA ? DATA_HEAD : Math.min(total, ANSWER_HEAD)),
      packet: (head) => this.#answer(head),
      rest: (data) => {
        if (this.#reading === null) return;
        this.#reading.file.read(this.#reading.offset, data);
        this.#reading.offset += BigInt(data.length);
      },
      end: () => {
        this.#reading = null;
      },
    });
  }

  fromClient(data: Buffer): void {
    this.#client.push(data);
  }

  fromHost(data: Buffer): void {
    this.#ends.pass(data);
    this.#host.push(data);
    if (this.#host.atBoundary) this.#ends.flush();
  }

  end(): void {
    for (const file of this.#files.values()) this.#close(file, { error: 'not closed' });
    for (const pending of this.#pending.values()) {
      if (pending.type === 'open') this.#close(pending.file, { error: 'no answer' });
      else if (pending.type === 'done')
        for (const action of pending.actions) this.#judge.end(action, { error: 'no answer' });
    }
    this.#files.clear();
    this.#pending.clear();
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
      const offset = reader.uint64();
      reader.uint32();
      const begun = reader.rest();
      if (file !== undefined) {
        file.wrote(offset, begun);
        this.#writing = { file, offset: offset + BigInt(begun.length) };
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
    } else if (!this.#permitted(id, type, head)) {
      this.#dropping = true;
      this.#ends.credit(total);
      return;
    }
    this.#ends.toHost(head);
  }

  #permitted(id: number, type: number, head: Buffer): boolean {
    const operations = operationsOf(head.subarray(4));
    if (operations.length === 0) return true;
    const decided = this.#judge.decide(operations);
    if (typeof decided === 'string') {
      this.#ends.stderr(`Hopline: ${decided}\n`);
      this.#ends.interject(status(id, decided), () => this.#host.atBoundary);
      return false;
    }
    const opens = type === Fxp.OPEN;
    this.#expect(
      id,
      opens ? { type: 'open', file: new FileUse(decided) } : { type: 'done', actions: decided },
    );
    return true;
  }

  #content(data: Buffer): void {
    if (this.#dropping) return;
    if (this.#writing !== null) {
      this.#writing.file.wrote(this.#writing.offset, data);
      this.#writing.offset += BigInt(data.length);
    }
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
        if (type === Fxp.DATA) this.#reading = { file: pending.file, offset: pending.offset };
        break;
      case 'close':
        this.#close(pending.file, result);
        break;
      case 'done':
        for (const action of pending.actions) this.#judge.end(action, result);
    }
  }

  #close(file: FileUse, more: Readonly<Record<string, unknown>>): void {
    const result = { ...('error' in more ? {} : file.result), ...more };
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
