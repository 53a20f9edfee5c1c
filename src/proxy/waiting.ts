/** A worker's actions that wait for a person. */
import type { Id } from '../core/types.ts';
import type { Answer, HoldOptions } from '../protocols/room.ts';
import {
  cutReason,
  HELD_OF_HOP,
  HELD_OF_WORKER,
  type HoldToSupervisor,
  type HoldToWorker,
} from './hold-messages.ts';

export interface Asked {
  readonly hop: Id;
  readonly action: number;
  readonly policies: readonly string[];
  readonly reason: string;
}

interface Waiting {
  readonly hop: Id;
  readonly options: HoldOptions;
  settle(answer: Answer): void;
}

export class WaitingActions {
  readonly #send: (message: HoldToSupervisor) => void;
  readonly #seq: () => number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #cancels = new Map<number, (found: boolean) => void>();

  /** @param seq gives numbers that no other question of this worker has */
  constructor(send: (message: HoldToSupervisor) => void, seq: () => number) {
    this.#send = send;
    this.#seq = seq;
  }

  /** Settles with the answer, however long that takes. Never rejects. */
  hold({ hop, action, policies, reason }: Asked, options: HoldOptions): Promise<Answer> {
    const { signal, cancelKey = null } = options;
    if (signal.aborted) return Promise.resolve(withdrawn(null, signal));
    const ofHop = [...this.#waiting.values()].filter((one) => one.hop === hop).length;
    if (this.#waiting.size >= HELD_OF_WORKER || ofHop >= HELD_OF_HOP)
      return Promise.resolve(unasked('too many actions wait for an approval already'));
    const seq = this.#seq();
    return new Promise((resolve) => {
      const gone = (): void => {
        this.#waiting.delete(seq);
        this.#send({ type: 'withdraw', seq, reason: cutReason(String(signal.reason)) });
        resolve(withdrawn(number, signal));
      };
      let number: number | null = null;
      this.#waiting.set(seq, {
        hop,
        options: {
          ...options,
          onWaiting: (waiting) => {
            number = waiting.approval;
            options.onWaiting(waiting);
          },
        },
        settle: (answer) => {
          signal.removeEventListener('abort', gone);
          resolve(answer);
        },
      });
      signal.addEventListener('abort', gone, { once: true });
      this.#send({ type: 'hold', seq, hop, action, policies, reason: cutReason(reason), cancelKey });
    });
  }

  /** @returns whether something was held under this key, by whichever worker */
  cancel(cancelKey: string): Promise<boolean> {
    const seq = this.#seq();
    return new Promise((resolve) => {
      this.#cancels.set(seq, resolve);
      this.#send({ type: 'cancel', seq, cancelKey });
    });
  }

  take(message: HoldToWorker): void {
    if (message.type === 'cancelled') {
      this.#cancels.get(message.seq)?.(message.found);
      this.#cancels.delete(message.seq);
      return;
    }
    const waiting = this.#waiting.get(message.seq);
    if (message.type === 'held') {
      const { approval, who, expires } = message;
      waiting?.options.onWaiting({ approval, who, expires });
      return;
    }
    this.#waiting.delete(message.seq);
    const { outcome, approval, by, reason, approved } = message;
    waiting?.settle({ outcome, approval, by, reason, approved });
  }
}

function unasked(reason: string): Answer {
  return { outcome: 'denied', approval: null, by: null, reason, approved: [] };
}

function withdrawn(approval: number | null, signal: AbortSignal): Answer {
  return { outcome: 'withdrawn', approval, by: null, reason: String(signal.reason), approved: [] };
}
