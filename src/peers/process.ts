/** The supervisor's side of the process that speaks to other hosts: starts it, again when it dies, and asks through it. */
import { KeptProcess } from '../core/kept-process.ts';
import type { Endpoint } from '../core/types.ts';
import type { Account } from '../core/unprivileged.ts';
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
  /** What others do at its port, as they like. */
  onTrouble(message: string): void;
}

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
  readonly #process: KeptProcess;
  #config: FleetConfig | null = null;
  #next = 1;
  #listening = false;
  readonly #awaited: (() => void)[] = [];

  constructor(options: PeersProcessOptions) {
    const { entry, account } = options;
    this.#options = options;
    this.#process = new KeptProcess({
      ...{ entry, account, args: [], fds: [] },
      onStarted: () => {
        if (this.#config !== null) this.#send({ type: 'configure', config: this.#config });
      },
      onMessage: (value) => this.#take(value),
      onEnded: (how) => this.#gone(how),
    });
  }

  /** Starts it where it does not run. */
  configure(config: FleetConfig): void {
    this.#config = config;
    if (!this.#process.start()) this.#send({ type: 'configure', config });
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
    this.#process.start();
    return this.#wait((id) => ({ type: 'join', id, to, fingerprint, params }));
  }

  /** Ends it, until it is configured again. */
  async stop(): Promise<void> {
    this.#config = null;
    this.#listening = false;
    await this.#process.stop();
    this.#settleAll('was stopped');
  }

  #wait<T>(message: (id: number) => ToPeers): Promise<T> {
    if (this.#process.pid === null)
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

  #take(value: unknown): void {
    const { onUp, onDown, onAsked, onDialing, onFault, onTrouble } = this.#options;
    const message = fromPeers(value);
    switch (message?.type) {
      case 'ready':
        this.#process.works();
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
        onTrouble(message.message);
        return;
      default:
        onFault('the process for other hosts sent a message that is none of its protocol, and is killed');
        this.#process.kill();
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
    this.#process.send(message);
  }

  #settleAll(how: string): void {
    for (const id of [...this.#waiting.keys()])
      this.#settle(id, new PeerError(`the process for other hosts ${how}`));
  }

  #gone(how: string): void {
    this.#listening = false;
    this.#settleAll(`ended (${how})`);
    this.#options.onGone(
      `the process for other hosts ended (${how}); they are not spoken to until it is back`,
    );
  }
}
