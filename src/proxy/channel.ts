/** A worker's end of the line to its supervisor: claims go up, flows come down. */
import type { Endpoint } from '../core/types.ts';
import type { Flow, ListenerName, ToSupervisor, ToWorker, WorkerSnapshot } from './messages.ts';

export type Claimed =
  | { readonly outcome: 'flow'; readonly flow: Flow }
  | { readonly outcome: 'refuse'; readonly reason: string };

interface Waiting {
  /** Null once the claim was given up; the supervisor still owes its answer, so it still counts. */
  settle: ((claimed: Claimed) => void) | null;
  readonly timer: NodeJS.Timeout;
}

/** A claim costs the supervisor work: beyond this many unanswered ones a worker refuses at once. */
export const CLAIM_LIMIT = 4096;

export class Channel {
  readonly #send: (message: ToSupervisor) => void;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;
  #snapshot: WorkerSnapshot = { version: '', claimTimeoutMs: 5_000, dialTimeoutMs: 30_000 };

  constructor(send: (message: ToSupervisor) => void) {
    this.#send = send;
  }

  get snapshot(): WorkerSnapshot {
    return this.#snapshot;
  }

  /** Asks whose connection this is. Settles within the snapshot's `claimTimeoutMs`. */
  claim(listener: ListenerName, client: Endpoint): Promise<Claimed> {
    if (this.#waiting.size >= CLAIM_LIMIT)
      return Promise.resolve({ outcome: 'refuse', reason: 'too many connections wait for a decision' });
    const seq = this.#next;
    this.#next += 1;
    return new Promise((settle) => {
      const timer = setTimeout(() => this.#giveUp(seq), this.#snapshot.claimTimeoutMs);
      this.#waiting.set(seq, { settle, timer });
      this.#send({ type: 'claim', seq, listener, client });
    });
  }

  ended(hop: string, bytesUp: number, bytesDown: number, reason: string | null): void {
    this.#send({
      type: 'ended',
      hop,
      bytesUp,
      bytesDown,
      reason: reason === null ? null : reason.slice(0, 512),
    });
  }

  dialed(hop: string, source: Endpoint): void {
    this.#send({ type: 'dialed', hop, source });
  }

  /** @returns false where the message is not one of a claim's answers or a snapshot */
  take(message: ToWorker): boolean {
    if (message.type === 'snapshot') {
      this.#snapshot = message.snapshot;
      return true;
    }
    if (message.type === 'refuse') {
      this.#answer(message.seq, { outcome: 'refuse', reason: message.reason });
      return true;
    }
    if (message.type !== 'flow') return false;
    // Late: the connection is gone, but the hop was opened and has to end.
    if (!this.#answer(message.seq, { outcome: 'flow', flow: message }))
      this.ended(message.hop, 0, 0, 'the decision came too late: the connection had been refused');
    return true;
  }

  #answer(seq: number, claimed: Claimed): boolean {
    const waiting = this.#waiting.get(seq);
    if (waiting === undefined) return false;
    this.#waiting.delete(seq);
    clearTimeout(waiting.timer);
    waiting.settle?.(claimed);
    return waiting.settle !== null;
  }

  #giveUp(seq: number): void {
    const waiting = this.#waiting.get(seq);
    waiting?.settle?.({ outcome: 'refuse', reason: 'the decision took too long' });
    if (waiting !== undefined) waiting.settle = null;
  }
}
