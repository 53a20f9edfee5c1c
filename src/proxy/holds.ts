/** What one worker has held: each is answered once, or withdrawn. */
import type { AnswerOutcome, Id, Lifted, Micros } from '../core/types.ts';
import {
  cutReason,
  HELD_OF_HOP,
  HELD_OF_WORKER,
  type HoldMessage,
  type HoldToSupervisor,
  type HoldToWorker,
} from './hold-messages.ts';

export interface Answered {
  readonly outcome: AnswerOutcome;
  /** The number under which it was asked; null where nobody was. */
  readonly approval: number | null;
  readonly by: string | null;
  readonly reason: string;
  /** What the answer lifts. */
  readonly approved: readonly Lifted[];
}

/** An action that waits for a person. */
export interface Hold extends Pick<HoldMessage, 'hop' | 'action' | 'policies' | 'reason' | 'cancelKey'> {
  /** It has a number now. */
  held(approval: number, who: string, expires: Micros): void;
  /** Once; afterwards nothing. */
  answer(answer: Answered): void;
}

export interface HoldEvents {
  onHold(hold: Hold): void;
  /** The worker does not wait any more. Not told after the answer. */
  onWithdraw(hold: Hold, reason: string): void;
  /** Somebody asks for what is held under this key to be withdrawn. @returns whether there was such a thing */
  onCancel(cancelKey: string): boolean;
}

export class Holds {
  readonly #events: HoldEvents;
  readonly #send: (message: HoldToWorker) => void;
  readonly #open = new Map<number, Hold>();

  constructor(events: HoldEvents, send: (message: HoldToWorker) => void) {
    this.#events = events;
    this.#send = send;
  }

  /**
   * @param has whether the worker has the hop
   * @returns how the message breaks the protocol, or null
   */
  take(message: HoldToSupervisor, has: (hop: Id) => boolean): string | null {
    const { seq } = message;
    if (message.type === 'cancel') {
      this.#send({ type: 'cancelled', seq, found: this.#events.onCancel(message.cancelKey) });
      return null;
    }
    const known = this.#open.get(seq);
    if (message.type === 'withdraw') {
      // The answer may have been on its way.
      if (known !== undefined) this.#withdraw(seq, known, message.reason);
      return null;
    }
    if (!has(message.hop)) return 'held an action in a hop that it does not have';
    const ofHop = [...this.#open.values()].filter(({ hop }) => hop === message.hop).length;
    if (known !== undefined || this.#open.size >= HELD_OF_WORKER || ofHop >= HELD_OF_HOP)
      return 'held more than the protocol allows';
    const hold = this.#hold(message);
    this.#open.set(seq, hold);
    this.#events.onHold(hold);
    return null;
  }

  /** A hop is over, or the worker: nobody waits for its answers any more. */
  end(hop: Id | null, reason: string): void {
    for (const [seq, hold] of [...this.#open])
      if (hop === null || hold.hop === hop) this.#withdraw(seq, hold, reason);
  }

  #withdraw(seq: number, hold: Hold, reason: string): void {
    this.#open.delete(seq);
    this.#events.onWithdraw(hold, reason);
  }

  #hold({ seq, hop, action, policies, reason, cancelKey }: HoldMessage): Hold {
    return {
      ...{ hop, action, policies, reason, cancelKey },
      held: (approval, who, expires) =>
        this.#send({ type: 'held', seq, approval, who: cutReason(who), expires }),
      answer: (answer) => {
        if (this.#open.delete(seq))
          this.#send({ ...answer, type: 'answer', seq, reason: cutReason(answer.reason) });
      },
    };
  }
}
