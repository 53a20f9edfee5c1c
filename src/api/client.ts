import { connect, type Socket } from 'node:net';
import { LineReader } from '../core/lines.ts';
import {
  ControlError,
  type ErrorCode,
  MAX_ANSWER_BYTES,
  type Method,
  type Params,
  type Results,
} from './protocol.ts';

export interface ClientOptions {
  readonly path: string;
  /** For connecting and for each answer; a stream may be silent as long as it likes. Default 30 s. */
  readonly timeoutMs?: number;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: ControlError) => void;
  readonly onEvent?: ((event: unknown) => void) | undefined;
}

/** Events that wait for a slow consumer before the connection is not read any further. */
const MAX_WAITING_EVENTS = 1000;

/** A connection to the daemon's control socket. */
export class ControlClient implements Disposable {
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  readonly #lines = new LineReader(MAX_ANSWER_BYTES);
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  private constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#fail('closed', 'hoplined closed the connection'));
  }

  /** @throws ControlError `unreachable` or `forbidden`, with what to do about it */
  static async connect(options: ClientOptions): Promise<ControlClient> {
    const { path, timeoutMs = 30_000 } = options;
    const socket = connect(path);
    const ready = Promise.withResolvers<void>();
    const timer = setTimeout(() => ready.reject(unreachable(path, 'ETIMEDOUT')), timeoutMs);
    socket.once('connect', ready.resolve);
    socket.once('error', (error: NodeJS.ErrnoException) =>
      ready.reject(unreachable(path, error.code ?? 'error')),
    );
    try {
      await ready.promise;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    socket.removeAllListeners('error');
    return new ControlClient(socket, timeoutMs);
  }

  /** @throws ControlError with the daemon's code, or `timeout` or `closed` */
  async call<M extends Method>(method: M, params: Params[M]): Promise<Results[M]> {
    const { id, answer } = this.#send(method, params);
    const timer = setTimeout(() => {
      const seconds = this.#timeoutMs / 1000;
      this.#settle(id)?.reject(
        new ControlError('timeout', `hoplined did not answer "${method}" in ${seconds} s`),
      );
    }, this.#timeoutMs);
    try {
      return (await answer) as Results[M];
    } finally {
      clearTimeout(timer);
    }
  }

  /** Events until the daemon ends the stream; leaving the loop closes the connection. */
  async *stream<M extends Method>(method: M, params: Params[M]): AsyncGenerator<unknown, void> {
    const events: unknown[] = [];
    let wake = Promise.withResolvers<void>();
    let over = false;
    const { answer } = this.#send(method, params, (event) => {
      events.push(event);
      if (events.length > MAX_WAITING_EVENTS) this.#socket.pause();
      wake.resolve();
    });
    const finished = answer.finally(() => {
      over = true;
      wake.resolve();
    });
    finished.catch(() => {});
    try {
      while (true) {
        await wake.promise;
        wake = Promise.withResolvers<void>();
        // Every event of the queue before the next look: none is left behind when the stream ends.
        for (const event of events.splice(0)) yield event;
        this.#socket.resume();
        if (over && events.length === 0) break;
        if (over || events.length > 0) wake.resolve();
      }
      await finished;
    } finally {
      this.#socket.destroy();
    }
  }

  close(): void {
    this.#socket.end();
    this.#socket.unref();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #send(method: Method, params: unknown, onEvent?: (event: unknown) => void) {
    const id = ++this.#last;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (this.#socket.destroyed) reject(new ControlError('closed', 'hoplined closed the connection'));
    else {
      this.#waiting.set(id, { resolve, reject, onEvent });
      this.#socket.write(`${JSON.stringify({ id, method, params })}\n`);
    }
    return { id, answer: promise };
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #read(chunk: Buffer): void {
    for (const line of this.#lines.push(chunk)) this.#answer(line);
    if (this.#lines.overflow) {
      this.#fail('closed', `an answer of more than ${MAX_ANSWER_BYTES} bytes: ask for less with --limit`);
      this.#socket.destroy();
    }
  }

  #answer(line: string): void {
    let answer: {
      id?: number | null;
      result?: unknown;
      event?: unknown;
      error?: { code: ErrorCode; message: string };
    };
    try {
      answer = JSON.parse(line);
    } catch {
      this.#fail('closed', 'what answers is not hoplined: its line is not JSON');
      this.#socket.destroy();
      return;
    }
    const { id, error } = answer;
    if (error !== undefined) {
      const known = new ControlError(error.code, error.message);
      if (typeof id === 'number') this.#settle(id)?.reject(known);
      else this.#fail(error.code, error.message);
    } else if (typeof id !== 'number') return;
    else if ('event' in answer) this.#waiting.get(id)?.onEvent?.(answer.event);
    else this.#settle(id)?.resolve(answer.result);
  }

  #fail(code: ErrorCode, message: string): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(new ControlError(code, message));
  }
}

function unreachable(path: string, code: string): ControlError {
  if (code === 'EACCES' || code === 'EPERM') {
    return new ControlError('forbidden', `you may not use ${path}: only root and its group may (try sudo)`);
  }
  return new ControlError(
    'unreachable',
    `hoplined is not running (no answer on ${path}: ${code}): systemctl start hoplined`,
  );
}
