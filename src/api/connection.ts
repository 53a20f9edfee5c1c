import type { Socket } from 'node:net';
import { LineReader } from '../core/lines.ts';
import { isMethod, parseParams } from './params.ts';
import type { Peer } from './peer.ts';
import {
  ControlError,
  type ErrorCode,
  MAX_REQUEST_BYTES,
  type Method,
  type Params,
  type Results,
} from './protocol.ts';

/** What a handler gets besides its parameters. */
export interface Call {
  readonly peer: Peer;
  /** Aborted when the client has gone or the server closes. */
  readonly signal: AbortSignal;
  /** Sends an event of a stream, given as JSON text. False: not sent, and counted as missed. */
  emit(json: string): boolean;
}

export type Handlers = {
  readonly [M in Method]?: (params: Params[M], call: Call) => Results[M] | Promise<Results[M]>;
};

export interface Limits {
  /** Requests of one connection that are worked on at a time. */
  readonly inFlight: number;
  /** Bytes that wait for a client before events are counted in place of being sent. */
  readonly buffered: number;
  /** How long a client may take to empty its buffer, to finish a line, or to take its last words. */
  readonly patienceMs: number;
}

export const LIMITS: Limits = { inFlight: 16, buffered: 1 << 20, patienceMs: 10_000 };

/** One client. Reads requests, runs handlers, writes answers; bounded in every direction. */
export class Connection {
  readonly #socket: Socket;
  readonly #peer: Peer;
  readonly #handlers: Handlers;
  readonly #limits: Limits;
  readonly #onError: (error: unknown, method: Method) => void;
  readonly #lines = new LineReader(MAX_REQUEST_BYTES);
  readonly #abort = new AbortController();
  /** Events that each running stream did not send since the last one it did. */
  readonly #missed = new Map<number, number>();
  #running = 0;
  #finishing = false;
  #halfLine: NodeJS.Timeout | undefined;
  #slow: NodeJS.Timeout | undefined;

  constructor(
    socket: Socket,
    peer: Peer,
    handlers: Handlers,
    limits: Limits,
    onError: (error: unknown, method: Method) => void,
  ) {
    this.#socket = socket;
    this.#peer = peer;
    this.#handlers = handlers;
    this.#limits = limits;
    this.#onError = onError;
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#closed());
  }

  /** Ends what runs and closes, letting the client read what was sent. */
  close(): void {
    this.#abort.abort();
    // Streams answer the abort with their result, in this turn of the loop.
    setImmediate(() => this.#finish());
  }

  #read(chunk: Buffer): void {
    for (const line of this.#lines.push(chunk)) this.#request(line);
    clearTimeout(this.#halfLine);
    if (this.#lines.overflow) {
      this.#fail(null, 'bad_request', `a request is at most ${MAX_REQUEST_BYTES} bytes`);
      this.#finish();
    } else if (this.#lines.partial) {
      this.#halfLine = setTimeout(() => this.#socket.destroy(), this.#limits.patienceMs);
    }
  }

  #request(line: string): void {
    let id: number | null = null;
    try {
      const request = parseRequest(line);
      id = request.id;
      const { method } = request;
      if (!isMethod(method) || this.#handlers[method] === undefined) {
        throw new ControlError('unknown_method', `no method ${JSON.stringify(method)}`);
      }
      if (this.#running >= this.#limits.inFlight) {
        throw new ControlError('busy', `at most ${this.#limits.inFlight} requests at a time`);
      }
      const params = parseParams(method, request.params);
      void this.#run(request.id, method, params);
    } catch (error) {
      const known = error instanceof ControlError;
      this.#fail(id, known ? error.code : 'bad_request', known ? error.message : String(error));
    }
  }

  async #run<M extends Method>(id: number, method: M, params: Params[M]): Promise<void> {
    this.#running++;
    try {
      const handler = this.#handlers[method];
      const call: Call = {
        peer: this.#peer,
        signal: this.#abort.signal,
        emit: (json) => this.#emit(id, json),
      };
      const result = await handler?.(params, call);
      this.#flushMissed(id);
      this.#write(`{"id":${id},"result":${JSON.stringify(result ?? null)}}\n`);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'internal') this.#onError(error, method);
      this.#fail(id, code, error instanceof Error ? error.message : String(error));
    } finally {
      this.#missed.delete(id);
      this.#running--;
    }
  }

  #emit(id: number, json: string): boolean {
    if (this.#finishing || this.#socket.destroyed) return false;
    if (this.#socket.writableLength > this.#limits.buffered) {
      this.#missed.set(id, (this.#missed.get(id) ?? 0) + 1);
      this.#slow ??= setTimeout(() => this.#drop(), this.#limits.patienceMs);
      return false;
    }
    this.#flushMissed(id);
    this.#write(`{"id":${id},"event":${json}}\n`);
    return true;
  }

  #flushMissed(id: number): void {
    const count = this.#missed.get(id);
    if (count === undefined) return;
    this.#missed.delete(id);
    this.#write(`{"id":${id},"event":{"type":"missed","count":${count}}}\n`);
  }

  /** The buffer did not empty in time: the client is told how much it missed, should it ever read, and let go. */
  #drop(): void {
    for (const id of [...this.#missed.keys()]) {
      this.#flushMissed(id);
      this.#fail(id, 'slow', 'this client reads more slowly than things happen');
    }
    this.#finish();
    this.#abort.abort();
  }

  #drained(): void {
    clearTimeout(this.#slow);
    this.#slow = undefined;
    for (const id of [...this.#missed.keys()]) this.#flushMissed(id);
    if (!this.#finishing) this.#socket.resume();
  }

  #fail(id: number | null, code: ErrorCode, message: string): void {
    this.#write(`${JSON.stringify({ id, error: { code, message } })}\n`);
  }

  #write(line: string): void {
    if (this.#finishing || this.#socket.destroyed) return;
    this.#socket.write(line);
    // No new questions from a client that does not take the answers.
    if (this.#socket.writableLength > this.#limits.buffered) this.#socket.pause();
  }

  #finish(): void {
    if (this.#finishing) return;
    this.#finishing = true;
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), this.#limits.patienceMs).unref();
  }

  #closed(): void {
    clearTimeout(this.#halfLine);
    clearTimeout(this.#slow);
    this.#abort.abort();
  }
}

function parseRequest(line: string): { id: number; method: unknown; params: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new ControlError('bad_request', 'a request is one JSON object on a line');
  }
  if (typeof value !== 'object' || value === null || !('id' in value) || !Number.isSafeInteger(value.id)) {
    throw new ControlError('bad_request', 'a request has a whole number as its id');
  }
  const { id, method, params } = value as { id: number; method?: unknown; params?: unknown };
  return { id, method, params };
}

function codeOf(error: unknown): ErrorCode {
  if (error instanceof ControlError) return error.code;
  // Lookups in the store carry these codes, and messages for a person.
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === 'not_found' || code === 'ambiguous' ? code : 'internal';
}
