/** The supervisor's side of the process that speaks to other hosts: starts it, again when it dies, and asks through it. */
import type { ChildProcess } from 'node:child_process';
import type { Endpoint } from '../core/types.ts';
import { type Account, spawnUnprivileged } from '../core/unprivileged.ts';
import { PeerError } from './connection.ts';
import { type FleetConfig, fromPeers, type ToPeers } from './messages.ts';
import type { Hello, Join, Joined, Method, Params, Request, Result } from './protocol.ts';

export interface PeersProcessOptions {
  /** Path of its entry, peers.ts. */
  readonly entry: string;
  readonly account: Account | null;
  onUp(host: string, hello: Hello): void;
  onDown(host: string, reason: string): void;
  /** Answers another host; `host` null: one that wants to join. What it throws is told to it. */
  onAsked(host: string | null, request: Request): Promise<unknown>;
  onDialing(source: Endpoint, destination: Endpoint): void;
  /** It ended: no host is connected until it is back. */
  onGone(how: string): void;
  onFault(message: string): void;
}

const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 30_000;
/** Longer than the process waits itself. */
const ANSWER_MS = 25_000;
const LISTEN_MS = 5_000;

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class PeersProcess {
  readonly #options: PeersProcessOptions;
  readonly #waiting = new Map<number, Waiting>();
  #child: ChildProcess | null = null;
  #config: FleetConfig | null = null;
  #timer: NodeJS.Timeout | null = null;
  #delayMs = BACKOFF_MIN_MS;
  #next = 1;
  #stopped = false;
  #listening = false;
  readonly #awaited: (() => void)[] = [];

  constructor(options: PeersProcessOptions) {
    this.#options = options;
  }

  /** Starts it where it does not run. */
  configure(config: FleetConfig): void {
    this.#config = config;
    if (this.#child === null && this.#timer === null) this.#spawn();
    else this.#send({ type: 'configure', config });
  }

  /** Resolves when other hosts can connect; after a few seconds in any case: what keeps them from it has been told. */
  listening(): Promise<void> {
    if (this.#listening) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LISTEN_MS);
      this.#awaited.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** @throws PeerError */
  ask<M extends Method>(host: string, method: M, params: Params<M>): Promise<Result<M>> {
    return this.#wait((id) => ({ type: 'ask', id, host, request: { method, params } as Request }));
  }

  /** As {@link askToJoin}, by a host that is in no fleet. @throws PeerError */
  join(to: Endpoint, fingerprint: string, params: Join): Promise<{ ca: string; joined: Joined }> {
    if (this.#child === null && this.#timer === null) this.#spawn();
    return this.#wait((id) => ({ type: 'join', id, to, fingerprint, params }));
  }

  /** Ends it, until it is configured again. */
  async rest(): Promise<void> {
    await this.stop();
    this.#stopped = false;
    this.#config = null;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const child = this.#child;
    if (child === null) return;
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  }

  #wait<T>(message: (id: number) => ToPeers): Promise<T> {
    if (this.#child === null)
      return Promise.reject(new PeerError('the process for other hosts does not run'));
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new PeerError(`there was no answer within ${ANSWER_MS / 1000} s`));
      }, ANSWER_MS);
      this.#waiting.set(id, { resolve: resolve as (value: never) => void, reject, timer });
      this.#send(message(id));
    });
  }

  #spawn(): void {
    const { entry, account, onFault } = this.#options;
    this.#timer = null;
    const child = spawnUnprivileged({ entry, args: [], account, fds: [] });
    this.#child = child;
    child.on('message', (value) => this.#take(child, value));
    child.on('error', (error) => onFault(`the process for other hosts was not started: ${error.message}`));
    child.once('exit', (code, signal) => this.#gone(signal ?? `exit code ${code}`));
    if (this.#config !== null) this.#send({ type: 'configure', config: this.#config });
  }

  #take(child: ChildProcess, value: unknown): void {
    const { onUp, onDown, onAsked, onDialing, onFault } = this.#options;
    const message = fromPeers(value);
    switch (message?.type) {
      case 'ready':
        this.#delayMs = BACKOFF_MIN_MS;
        return;
      case 'listening':
        for (const tell of this.#awaited.splice(0)) tell();
        this.#listening = true;
        return;
      case 'up':
        onUp(message.host, message.hello);
        return;
      case 'down':
        onDown(message.host, message.reason);
        return;
      case 'asked': {
        const { id, host, request } = message;
        onAsked(host, request).then(
          (result) => this.#send({ type: 'answer', id, result }),
          (error: Error) => this.#send({ type: 'answer', id, error: error.message }),
        );
        return;
      }
      case 'answered':
        if (message.error === null) {
          this.#settle(message.id, message.result);
          return;
        }
        this.#settle(message.id, new PeerError(message.error, message.refused));
        return;
      case 'joined':
        this.#settle(message.id, { ca: message.ca, joined: message.result });
        return;
      case 'dialing':
        onDialing(message.source, message.destination);
        return;
      case 'trouble':
        onFault(message.message);
        return;
      default:
        onFault('the process for other hosts sent a message that is none of its protocol, and is killed');
        child.kill('SIGKILL');
    }
  }

  #settle(id: number, value: unknown): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (value instanceof Error) waiting.reject(value);
    else (waiting.resolve as (value: unknown) => void)(value);
  }

  #send(message: ToPeers): void {
    if (this.#child?.connected) this.#child.send(message);
  }

  #gone(how: string): void {
    this.#child = null;
    this.#listening = false;
    for (const id of [...this.#waiting.keys()])
      this.#settle(id, new PeerError(`the process for other hosts ended (${how})`));
    if (this.#stopped) return;
    this.#options.onGone(
      `the process for other hosts ended (${how}); they are not spoken to until it is back`,
    );
    this.#timer = setTimeout(() => this.#spawn(), this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, BACKOFF_MAX_MS);
  }
}
