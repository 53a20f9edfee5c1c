/** One connection between two hosts, once TLS has said who the other is: requests and answers, both ways. */
import type { TLSSocket } from 'node:tls';
import { count, text as fits, record } from '../core/fields.ts';
import { LineReader } from '../core/lines.ts';
import {
  isMethod,
  MAX_ANSWER_BYTES,
  MAX_REQUEST_BYTES,
  type Method,
  type Params,
  type Request,
  type Result,
  request,
  result,
  TEXT_LIMIT,
} from './protocol.ts';

/** Of either side's, at a time: what asks for more is not one of us. */
const MOST_PENDING = 256;
const ANSWER_MS = 10_000;

/** The other host could not be asked, or said no; its message is for a person. */
export class PeerError extends Error {
  override readonly name = 'PeerError';
  /** The other host understood and said no: asked again, it would say no again. */
  readonly refused: boolean;

  constructor(message: string, refused = false) {
    super(message);
    this.refused = refused;
  }
}

export interface PeerConnectionOptions {
  /** Answers a request; what it throws is told to the other side. */
  answer(request: Request): Promise<unknown>;
  /** @param reason null: it was ended in order. @param broken the other side did what no host of the fleet does */
  onClose(reason: string | null, broken: boolean): void;
  /** Bytes of a request; {@link MAX_REQUEST_BYTES}, less before the other has proved itself. */
  readonly limit?: number;
}

interface Waiting {
  readonly method: Method;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class PeerConnection {
  readonly #socket: TLSSocket;
  readonly #options: PeerConnectionOptions;
  readonly #lines: LineReader;
  readonly #limit: number;
  readonly #waiting = new Map<number, Waiting>();
  /** Whose answers may still come, and are of no use any more. */
  readonly #late = new Set<number>();
  #answering = 0;
  #next = 1;
  #closed = false;

  /** @param socket connected, with nothing read from it yet */
  constructor(socket: TLSSocket, options: PeerConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#limit = options.limit ?? MAX_REQUEST_BYTES;
    this.#lines = new LineReader(this.#limit);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => this.close(error.message));
    socket.on('close', () => this.close('it closed the connection'));
  }

  get open(): boolean {
    return !this.#closed;
  }

  /** @throws PeerError */
  ask<M extends Method>(method: M, params: Params<M>, timeoutMs = ANSWER_MS): Promise<Result<M>> {
    if (this.#closed) return Promise.reject(new PeerError('the connection is closed'));
    if (this.#waiting.size >= MOST_PENDING)
      return Promise.reject(new PeerError('too many questions wait for their answers'));
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        if (this.#late.size >= MOST_PENDING) this.#late.clear();
        this.#late.add(id);
        reject(new PeerError(`it did not answer within ${timeoutMs / 1000} s`));
      }, timeoutMs);
      this.#waiting.set(id, { method, resolve: resolve as (value: never) => void, reject, timer });
      this.#write({ id, method, params });
    });
  }

  /** @param reason null where there is nothing wrong */
  close(reason: string | null, broken = false): void {
    if (this.#closed) return;
    this.#closed = true;
    if (reason === null) this.#socket.end();
    this.#socket.destroySoon();
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new PeerError(reason ?? 'the connection was ended'));
    }
    this.#waiting.clear();
    this.#options.onClose(reason, broken);
  }

  #take(chunk: Buffer): void {
    // Only who is asked for something large may send it.
    const owed = this.#waiting.size + this.#late.size > 0;
    this.#lines.limit = owed ? Math.max(this.#limit, MAX_ANSWER_BYTES) : this.#limit;
    for (const line of this.#lines.push(chunk)) {
      if (this.#closed) return;
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        this.close('it sent what is no JSON', true);
        return;
      }
      const message = record(value);
      if (message === null || !count(message.id)) {
        this.close('it sent what is no message', true);
        return;
      }
      if ('method' in message) {
        if (line.length > this.#limit) {
          this.close('it sent a request that is too long', true);
          return;
        }
        this.#asked(message.id, message.method, message.params);
      } else this.#answered(message.id, message);
    }
    if (this.#lines.overflow) this.close('it sent a line that is too long', true);
  }

  #asked(id: number, method: unknown, params: unknown): void {
    if (this.#answering >= MOST_PENDING) {
      this.close('it asks too much at a time', true);
      return;
    }
    if (!isMethod(method)) {
      this.#write({ id, error: `${String(method).slice(0, 64)} is not known here` });
      return;
    }
    const asked = request(method, params);
    if (asked === null) {
      this.close(`its ${method} is none`, true);
      return;
    }
    this.#answering++;
    this.#options
      .answer(asked)
      .then(
        (answer) => this.#write({ id, result: answer }),
        (error: Error) => this.#write({ id, error: error.message.slice(0, TEXT_LIMIT) }),
      )
      .finally(() => this.#answering--);
  }

  #answered(id: number, message: Record<string, unknown>): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) {
      this.#late.delete(id);
      return;
    }
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (fits(message.error, TEXT_LIMIT)) {
      waiting.reject(new PeerError(message.error, true));
      return;
    }
    const answer = result(waiting.method, message.result);
    if (answer !== null) {
      (waiting.resolve as (value: unknown) => void)(answer);
      return;
    }
    waiting.reject(new PeerError(`its answer to ${waiting.method} is none`));
    this.close(`its answer to ${waiting.method} is none`, true);
  }

  #write(message: unknown): void {
    if (this.#closed) return;
    if (this.#socket.writableLength > MAX_ANSWER_BYTES) {
      this.close('it does not read what it asks for', true);
      return;
    }
    this.#socket.write(`${JSON.stringify(message)}\n`);
  }
}
