/** One worker process as the supervisor sees it: its channel, and the hops that it has in hand. */

import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import type { HeldLogin } from '../core/credentials.ts';
import type { Endpoint, Id, NameAnswer, Owner } from '../core/types.ts';
import { type Archive, Receiver } from '../recording/receiver.ts';
import type { Minted } from '../tls/minted.ts';
import { ANSWER_LIMIT } from './ask-messages.ts';
import { CLAIM_LIMIT } from './channel.ts';
import { type HoldEvents, Holds } from './holds.ts';
import {
  type ActionRecord,
  type Flow,
  type FromWorker,
  fromWorker,
  TEXT_LIMIT,
  type ToWorker,
} from './messages.ts';
import { seal } from './sealed.ts';
import type { WorkerSnapshot } from './worker-snapshot.ts';

export interface ChildEvents {
  readonly holds: HoldEvents;
  onReady(): void;
  onClaim(seq: number, listener: 'v4' | 'v6', client: Endpoint): void;
  onDialed(hop: Id, source: Endpoint, destination: Endpoint): void;
  onCertificate(seq: number, names: readonly string[]): void;
  /** Once a hop, and only where the flow said that a login is held for it. */
  onCredential(seq: number, hop: Id, user: string, key: string): void;
  onCredentialRefused(hop: Id): void;
  onAsk(seq: number, hop: Id, question: string, detail: string): void;
  onAction(action: ActionRecord): void;
  onEnded(hop: Id, bytesUp: number, bytesDown: number, reason: string | null): void;
  /** It broke the protocol, and is killed. */
  onFault(message: string): void;
  /** Last of all: the process is gone, and every message of it has been read. */
  onGone(how: string, hops: readonly Id[]): void;
  readonly archive: Archive;
}

/** DNS messages that one worker may have in hand; beyond it their names are not learnt. */
const PARSE_LIMIT = 1024;
const SHELL_LIMIT = 1024;

export class Child {
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #events: ChildEvents;
  readonly #hops = new Map<Id, Endpoint>();
  /** Those whose login was not asked for yet. */
  readonly #held = new Set<Id>();
  /** Logins of the recorded shells that it has. */
  readonly #shells = new Map<number, Id>();
  #nextShell = 1;
  readonly #claims = new Set<number>();
  readonly #holds: Holds;
  readonly #parsing = new Map<number, (answers: readonly NameAnswer[]) => void>();
  #nextParse = 1;
  #exit: string | null = null;
  #connected = true;
  #received = false;
  #faulty = false;
  #gone = false;

  /** @param child started, with an IPC channel */
  constructor(child: ChildProcess, events: ChildEvents) {
    this.pid = child.pid ?? 0;
    this.#process = child;
    this.#events = events;
    this.#holds = new Holds(events.holds, (message) => this.#send(message));
    child.on('message', (value) => this.#take(value));
    child.on('error', (error) => this.#events.onFault(error.message));
    // 'exit' may come before the last messages are read, 'disconnect' does not: wait for both.
    child.on('exit', (code, signal) => {
      this.#exit = signal === null ? `exit code ${code}` : `signal ${signal}`;
      this.#settle();
    });
    child.on('disconnect', () => {
      this.#connected = false;
      this.#settle();
    });
    // Whoever has no such socket has no recordings: a process that did not start.
    const recordings = child.stdio.at(-1);
    if (recordings instanceof Socket) void this.#receive(recordings);
    else this.#received = true;
  }

  get open(): number {
    return this.#hops.size;
  }

  has(hop: Id): boolean {
    return this.#hops.has(hop);
  }

  /**
   * Answers a claim with the flow.
   * @returns false where the worker is gone, so that the hop has nobody to end it
   */
  flow(seq: number, flow: Flow): boolean {
    this.#claims.delete(seq);
    if (this.#gone || !this.#connected) return false;
    this.#hops.set(flow.hop, flow.destination);
    if (flow.held) this.#held.add(flow.hop);
    this.#send({ ...flow, type: 'flow', seq });
    return true;
  }

  refuse(seq: number, reason: string, protocol?: string): void {
    this.#claims.delete(seq);
    this.#send({ type: 'refuse', seq, reason, ...(protocol === undefined ? {} : { protocol }) });
  }

  certificate(seq: number, minted: Minted | null, error: string): void {
    this.#send({ type: 'certificate', seq, minted, error: cut(error) });
  }

  /**
   * @param login cleared here, sent or not
   * @param key of the worker that asked for it
   */
  credential(seq: number, key: string, login: HeldLogin | null, error: string): void {
    if (login === null) {
      this.#send({ type: 'credential', seq, login: null, error: cut(error) });
      return;
    }
    const { password, ...rest } = login;
    try {
      const sent = { ...rest, source: cut(rest.source), sealed: seal(password, key) };
      this.#send({ type: 'credential', seq, login: sent, error: '' });
    } catch {
      // A point of low order, say: whoever made that key is not to have anything.
      this.#send({ type: 'credential', seq, login: null, error: 'the login cannot be sealed' });
    } finally {
      password.clear();
    }
  }

  answer(seq: number, detail: string, error: string): void {
    // A person's files are in it: they must not cost the worker its other connections.
    const fits = detail.length <= ANSWER_LIMIT;
    this.#send({
      type: 'found',
      seq,
      detail: fits ? detail : '',
      error: fits ? cut(error) : 'the answer is too long',
    });
  }

  /**
   * A recorded shell.
   * @param socket of which nothing was read; it is the worker's from here on
   * @returns false where it has too many
   */
  shell(login: Id, socket: Socket): boolean {
    if (!this.#connected || !this.#process.connected || this.#shells.size >= SHELL_LIMIT) return false;
    const shell = this.#nextShell++;
    this.#shells.set(shell, login);
    this.#process.send({ type: 'shell', shell, login } satisfies ToWorker, socket, (error) => {
      if (error !== null) socket.destroy();
    });
    return true;
  }

  /** Ends a login's recorded shells. @returns how many */
  endShells(login: Id, reason: string): number {
    const shells = [...this.#shells].filter(([, of]) => of === login);
    for (const [shell] of shells) this.#send({ type: 'shell-end', shell, reason });
    return shells.length;
  }

  close(hop: Id, reason: string): void {
    this.#send({ type: 'close', hop, reason });
  }

  snapshot(snapshot: WorkerSnapshot): void {
    this.#send({ type: 'snapshot', snapshot });
  }

  /** Has the worker read a DNS message; nothing comes of it where the worker ends first, or is behind. */
  parseNames(message: Uint8Array): Promise<readonly NameAnswer[]> {
    if (this.#gone || !this.#connected || this.#parsing.size >= PARSE_LIMIT) return Promise.resolve([]);
    const seq = this.#nextParse++;
    return new Promise((resolve) => {
      this.#parsing.set(seq, resolve);
      this.#send({ type: 'dns', seq, message: Buffer.from(message).toString('base64') });
    });
  }

  drain(deadlineMs: number): void {
    this.#send({ type: 'drain', deadlineMs });
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  /** Policies' messages and people's reasons are as long as they were written; the record keeps them whole. */
  #send(message: ToWorker): void {
    if (!this.#connected || !this.#process.connected) return;
    const fitting = 'reason' in message ? { ...message, reason: cut(message.reason) } : message;
    this.#process.send(fitting, () => {});
  }

  #take(value: unknown): void {
    if (this.#faulty) return;
    const message = fromWorker(value);
    const fault = message === null ? 'sent a message that is none of the protocol' : this.#act(message);
    if (fault !== null) this.#fault(fault);
  }

  #fault(fault: string): void {
    if (this.#faulty) return;
    this.#faulty = true;
    this.#events.onFault(fault);
    this.kill();
  }

  async #receive(socket: Socket): Promise<void> {
    const receiver = new Receiver(socket, {
      archive: this.#events.archive,
      has: (of) => this.#has(of),
      onFault: (fault) => this.#fault(fault),
    });
    await receiver.done;
    this.#received = true;
    this.#settle();
  }

  #has(of: Owner): boolean {
    return 'hop' in of ? this.#hops.has(of.hop) : [...this.#shells.values()].includes(of.login);
  }

  /** @returns how the message breaks the protocol, or null */
  #act(message: FromWorker): string | null {
    switch (message.type) {
      case 'ready':
        this.#events.onReady();
        return null;
      case 'claim':
        if (this.#claims.has(message.seq) || this.#claims.size >= CLAIM_LIMIT)
          return 'claimed more than the protocol allows';
        this.#claims.add(message.seq);
        this.#events.onClaim(message.seq, message.listener, message.client);
        return null;
      case 'dialed': {
        const destination = this.#hops.get(message.hop);
        if (destination === undefined) return 'dialed for a hop that it does not have';
        this.#events.onDialed(message.hop, message.source, destination);
        return null;
      }
      case 'names': {
        const resolve = this.#parsing.get(message.seq);
        if (!this.#parsing.delete(message.seq)) return 'told names that nobody asked for';
        resolve?.(message.answers);
        return null;
      }
      case 'certificate':
        this.#events.onCertificate(message.seq, message.names);
        return null;
      case 'credential':
        if (!this.#held.delete(message.hop)) return 'asked for a login that is not held for it';
        this.#events.onCredential(message.seq, message.hop, message.user, message.key);
        return null;
      case 'credential-refused':
        if (!this.#hops.has(message.hop)) return 'told of a login in a hop that it does not have';
        this.#events.onCredentialRefused(message.hop);
        return null;
      case 'ask':
        if (!this.#hops.has(message.hop)) return 'asked about a hop that it does not have';
        this.#events.onAsk(message.seq, message.hop, message.question, message.detail);
        return null;
      case 'hold':
      case 'withdraw':
      case 'cancel':
        return this.#holds.take(message, (hop) => this.#hops.has(hop));
      case 'shell-over':
        return this.#shells.delete(message.shell) ? null : 'ended a shell that it does not have';
      case 'actions':
        for (const action of message.actions) {
          if (!this.#hops.has(action.hop)) return 'told of an action in a hop that it does not have';
          this.#events.onAction(action);
        }
        return null;
      case 'decided':
        if (!this.#hops.has(message.hop)) return 'told of an action in a hop that it does not have';
        this.#events.onAction(message);
        return null;
      case 'ended':
        if (!this.#hops.delete(message.hop)) return 'ended a hop that it does not have';
        this.#held.delete(message.hop);
        this.#holds.end(message.hop, message.reason ?? 'the connection ended');
        this.#events.onEnded(message.hop, message.bytesUp, message.bytesDown, message.reason);
        return null;
    }
  }

  #settle(): void {
    if (this.#gone || this.#exit === null || this.#connected || !this.#received) return;
    this.#gone = true;
    for (const resolve of this.#parsing.values()) resolve([]);
    this.#parsing.clear();
    this.#holds.end(null, `the worker ended: ${this.#exit}`);
    const hops = [...this.#hops.keys()];
    this.#hops.clear();
    this.#shells.clear();
    this.#held.clear();
    this.#events.onGone(this.#exit, hops);
  }
}

/** At most what a worker takes, without half a character at the end. */
function cut(reason: string): string {
  return reason.length <= TEXT_LIMIT ? reason : `${reason.slice(0, TEXT_LIMIT - 1).toWellFormed()}…`;
}
