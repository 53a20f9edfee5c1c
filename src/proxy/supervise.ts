/** The supervisor's side of the proxy: keeps the workers alive, answers their claims, knows which hop is where. */

import type { Socket } from 'node:net';
import type { HeldLogin } from '../core/credentials.ts';
import type { Endpoint, Id, NameAnswer } from '../core/types.ts';
import { type Account, spawnUnprivileged } from '../core/unprivileged.ts';
import type { Archive } from '../recording/receiver.ts';
import type { Minted } from '../tls/minted.ts';
import { Child } from './child.ts';
import type { HoldEvents } from './holds.ts';
import { BACKLOG, type Listener } from './listen.ts';
import type { ActionRecord, Flow, WorkerConfig } from './messages.ts';
import { NO_SNAPSHOT, type WorkerSnapshot } from './worker-snapshot.ts';

export interface Claim {
  readonly worker: number;
  readonly listener: 'v4' | 'v6';
  readonly client: Endpoint;
}

export type Reply =
  | ({ readonly type: 'flow' } & Flow)
  | { readonly type: 'refuse'; readonly reason: string; readonly protocol?: string };

export interface HopEnded {
  readonly hop: Id;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly reason: string | null;
}

export interface Dialed {
  readonly hop: Id;
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

export interface WorkerLost {
  readonly worker: number;
  readonly pid: number;
  readonly hops: readonly Id[];
  readonly reason: string;
}

export interface PoolOptions {
  /** What becomes of actions that wait for a person. */
  readonly holds: HoldEvents;
  readonly count: number;
  readonly listeners: readonly Listener[];
  /** Path of the worker's entry, worker.ts. */
  readonly entry: string;
  /** Null leaves the user as it is; for tests. */
  readonly account: Account | null;
  /** How long `start` waits for the workers; 20 s by default. */
  readonly startTimeoutMs?: number;
  /** Node's own arguments for workers. */
  readonly nodeArgs?: readonly string[];
  /** Whose connection is this, and may it? A rejection refuses the connection. */
  onClaim(claim: Claim): Promise<Reply>;
  /** Each hop that `onClaim` returned ends exactly once: here, or in `onWorkerLost`. */
  onEnded(end: HopEnded): void;
  /** The proxy's own connection to the destination, as it will be seen on the wire. */
  onDialed(dialed: Dialed): void;
  /** Signed by the host's own authority, PEM. A rejection is told to the worker. */
  onCertificate(names: readonly string[]): Promise<Minted>;
  /** The login that is held for a hop, for a client that asks for a user. A rejection is told to the client. */
  onCredential(hop: Id, user: string): Promise<HeldLogin>;
  /** The server did not take it. */
  onCredentialRefused(hop: Id): void;
  /** A room's question about a hop. @param detail JSON @returns JSON. A rejection is told to the room. */
  onAsk(hop: Id, question: string, detail: string): Promise<string>;
  /** Something that is done in a hop, before it goes on; or what became of it. */
  onAction(action: ActionRecord): void;
  /** Where workers' recordings go. What a worker left is kept before `onWorkerLost`, and a hop's before its `onEnded`. */
  readonly archive: Archive;
  /** Before the worker accepts anything: its pid is the daemon's own from here on. */
  onSpawn(worker: { readonly id: number; readonly pid: number }): void;
  onWorkerLost(lost: WorkerLost): void;
  onFault(fault: { readonly worker: number; readonly pid: number; readonly message: string }): void;
}

interface Slot {
  readonly id: number;
  child: Child | null;
  ready: boolean;
  restarts: number;
  born: number;
  delayMs: number;
  timer: NodeJS.Timeout | null;
}

const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 5_000;
/** A worker that lived this long is started again at once. */
const STEADY_MS = 30_000;
/** After a drain's deadline workers get this long to report the ends, then they are killed. */
const GRACE_MS = 2_000;

export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #slots: Slot[];
  #snapshot = NO_SNAPSHOT;
  #stopping = false;
  /** Whose turn it is. */
  #turn = 0;
  #changed: (() => void)[] = [];

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.count }, (_, id) => ({
      id,
      child: null,
      ready: false,
      restarts: 0,
      born: 0,
      delayMs: BACKOFF_MIN_MS,
      timer: null,
    }));
  }

  /** Starts the workers; enough is one that gets ready. @throws Error where none does */
  async start(): Promise<void> {
    const { startTimeoutMs = 20_000 } = this.#options;
    for (const slot of this.#slots) this.#spawn(slot);
    await this.#until(() => this.#slots.every((slot) => slot.ready), startTimeoutMs);
    if (this.#slots.some((slot) => slot.ready)) return;
    await this.stop();
    throw new Error(
      `no proxy worker got ready within ${startTimeoutMs / 1000} s; see what it wrote to the log`,
    );
  }

  /** Ends a hop with RST on both sides; `onEnded` follows with that reason. @returns false where it is not open */
  close(hop: Id, reason: string): boolean {
    const child = this.#slots.find((slot) => slot.child?.has(hop))?.child;
    child?.close(hop, reason);
    return child !== undefined;
  }

  /**
   * Hands a recorded shell to a worker.
   * @param socket of which nothing was read
   * @returns false where none takes it
   */
  shell(login: Id, socket: Socket): boolean {
    if (this.#stopping) return false;
    const ready = this.#slots.filter((slot) => slot.ready);
    this.#turn = (this.#turn + 1) % Math.max(1, ready.length);
    return ready[this.#turn]?.child?.shell(login, socket) ?? false;
  }

  /** Ends a login's recorded shells; the person is told why. @returns how many */
  endShells(login: Id, reason: string): number {
    return this.#slots.reduce((sum, { child }) => sum + (child?.endShells(login, reason) ?? 0), 0);
  }

  /** Hands a new snapshot to every worker, and to those that are started later. */
  replaceSnapshot(snapshot: WorkerSnapshot): void {
    this.#snapshot = snapshot;
    for (const { child } of this.#slots) child?.snapshot(snapshot);
  }

  /** Has a worker read a DNS message: it holds no privilege that hostile bytes could take. */
  parseNames(message: Uint8Array): Promise<readonly NameAnswer[]> {
    const ready = this.#slots.find((slot) => slot.ready)?.child;
    return ready ? ready.parseNames(message) : Promise.resolve([]);
  }

  workers(): readonly { id: number; pid: number | null; ready: boolean; open: number; restarts: number }[] {
    return this.#slots.map(({ id, child, ready, restarts }) => ({
      id,
      pid: child?.pid ?? null,
      ready,
      open: child?.open ?? 0,
      restarts,
    }));
  }

  /** Stops accepting, lets hops go on until the deadline, resets the rest. Resolves when every worker has exited. */
  async drain(deadlineMs: number): Promise<void> {
    this.#stopping = true;
    for (const slot of this.#slots) {
      if (slot.timer !== null) clearTimeout(slot.timer);
      slot.child?.drain(deadlineMs);
    }
    const none = (): boolean => this.#slots.every((slot) => slot.child === null);
    await this.#until(none, deadlineMs + GRACE_MS);
    for (const { child } of this.#slots) child?.kill();
    await this.#until(none, GRACE_MS);
  }

  stop(): Promise<void> {
    return this.drain(0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #spawn(slot: Slot): void {
    const { listeners, entry, account, nodeArgs = [] } = this.#options;
    const config: WorkerConfig = {
      worker: slot.id,
      listeners: listeners.map(({ name }, index) => ({ name, fd: 4 + index })),
      backlog: BACKLOG,
      recordings: 4 + listeners.length,
    };
    slot.born = Date.now();
    const fds = [...listeners.map(({ fd }) => fd), 'pipe' as const];
    const child = spawnUnprivileged({ entry, args: [JSON.stringify(config)], account, fds, nodeArgs });
    if (child.pid === undefined) {
      child.once('error', (error) => this.#fault(slot, 0, `not started: ${error.message}`));
      this.#again(slot);
      return;
    }
    slot.child = new Child(child, {
      onReady: () => {
        slot.ready = true;
        this.#notify();
      },
      onClaim: (seq, listener, client) => void this.#claim(slot, seq, { worker: slot.id, listener, client }),
      onDialed: (hop, source, destination) => this.#options.onDialed({ hop, source, destination }),
      onAction: (action) => this.#options.onAction(action),
      onCredential: (seq, hop, user, key) => {
        const { child } = slot;
        this.#options.onCredential(hop, user).then(
          (login) => child?.credential(seq, key, login, ''),
          (error: Error) => child?.credential(seq, key, null, error.message),
        );
      },
      onCredentialRefused: (hop) => this.#options.onCredentialRefused(hop),
      onAsk: (seq, hop, question, detail) => {
        const { child } = slot;
        this.#options.onAsk(hop, question, detail).then(
          (found) => child?.answer(seq, found, ''),
          (error: Error) => child?.answer(seq, '', error.message),
        );
      },
      holds: this.#options.holds,
      onCertificate: (seq, names) => {
        const { child } = slot;
        this.#options.onCertificate(names).then(
          (minted) => child?.certificate(seq, minted, ''),
          (error: Error) => child?.certificate(seq, null, error.message),
        );
      },
      onEnded: (hop, bytesUp, bytesDown, reason) =>
        this.#options.onEnded({ hop, bytesUp, bytesDown, reason }),
      onFault: (message) => this.#fault(slot, child.pid ?? 0, message),
      onGone: (how, hops) => this.#gone(slot, how, hops),
      archive: this.#options.archive,
    });
    this.#options.onSpawn({ id: slot.id, pid: child.pid });
    slot.child.snapshot(this.#snapshot);
  }

  async #claim(slot: Slot, seq: number, claim: Claim): Promise<void> {
    const { child } = slot;
    if (child === null) return;
    let reply: Reply;
    try {
      reply = await this.#options.onClaim(claim);
    } catch (error) {
      this.#fault(
        slot,
        child.pid,
        `a claim failed: ${error instanceof Error ? error.message : String(error)}`,
      );
      reply = { type: 'refuse', reason: 'the supervisor could not decide' };
    }
    if (reply.type === 'refuse') {
      child.refuse(seq, reply.reason, reply.protocol);
      return;
    }
    const { type: _, ...flow } = reply;
    if (child.flow(seq, flow)) return;
    const reason = 'the worker ended before the decision reached it';
    this.#options.onWorkerLost({ worker: slot.id, pid: child.pid, hops: [flow.hop], reason });
  }

  #gone(slot: Slot, how: string, hops: readonly Id[]): void {
    const pid = slot.child?.pid ?? 0;
    slot.child = null;
    slot.ready = false;
    if (hops.length > 0 || !this.#stopping)
      this.#options.onWorkerLost({ worker: slot.id, pid, hops, reason: `worker ended: ${how}` });
    this.#notify();
    this.#again(slot);
  }

  #again(slot: Slot): void {
    if (Date.now() - slot.born >= STEADY_MS) slot.delayMs = BACKOFF_MIN_MS;
    if (this.#stopping) return;
    slot.timer = setTimeout(() => {
      slot.timer = null;
      slot.restarts += 1;
      this.#spawn(slot);
    }, slot.delayMs);
    slot.delayMs = Math.min(slot.delayMs * 2, BACKOFF_MAX_MS);
  }

  #fault(slot: Slot, pid: number, message: string): void {
    this.#options.onFault({ worker: slot.id, pid, message });
  }

  #notify(): void {
    for (const wake of this.#changed.splice(0)) wake();
  }

  async #until(condition: () => boolean, timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!condition() && Date.now() < deadline) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - Date.now());
        this.#changed.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }
}
