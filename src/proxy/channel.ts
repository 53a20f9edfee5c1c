/** A worker's end of the line to its supervisor: claims go up, flows come down. */

import type { HeldLogin } from '../core/credentials.ts';
import type { Decision, Endpoint } from '../core/types.ts';
import type { Minted } from '../tls/minted.ts';
import { Asked } from './asked.ts';
import { type SealedLogin, USER_LIMIT } from './credential-messages.ts';
import {
  type DecidedMessage,
  type Flow,
  type ListenerName,
  MOST_ACTIONS,
  type SentAction,
  type ToSupervisor,
  type ToWorker,
} from './messages.ts';
import { SealedAnswer } from './sealed.ts';
import { WaitingActions } from './waiting.ts';
import { NO_SNAPSHOT, type WorkerSnapshot } from './worker-snapshot.ts';

export type Claimed =
  | { readonly outcome: 'flow'; readonly flow: Flow }
  /** `protocol` says in whose words the client is told. */
  | { readonly outcome: 'refuse'; readonly reason: string; readonly protocol?: string };

interface Waiting {
  /** Null once the claim was given up; the supervisor still owes its answer, so it still counts. */
  settle: ((claimed: Claimed) => void) | null;
  readonly timer: NodeJS.Timeout;
}

/** A claim costs the supervisor work: beyond this many unanswered ones a worker refuses at once. */
export const CLAIM_LIMIT = 4096;

/** ssh waits so long for a security key to be touched. */
const ASK_MS = 60_000;

/** What became of an action waits so long for others. */
const END_MS = 2;

export class Channel {
  readonly waiting: WaitingActions;
  readonly #tell: (message: ToSupervisor) => void;
  readonly #waiting = new Map<number, Waiting>();
  readonly #certificates = new Asked<Minted>();
  readonly #logins = new Asked<SealedLogin>();
  readonly #asked = new Asked<string>();
  /** What was done and is not handed over yet, and the decisions about it. */
  #actions: SentAction[] = [];
  #decisions: Decision[] = [];
  #together = 0;
  #later: NodeJS.Timeout | null = null;
  /** What waits for the next handing over, at the end of this turn of the event loop. */
  #then: (() => void)[] = [];
  #next = 1;
  #snapshot = NO_SNAPSHOT;

  constructor(send: (message: ToSupervisor) => void) {
    this.#tell = send;
    this.waiting = new WaitingActions(
      (message) => this.#send(message),
      () => this.#next++,
    );
  }

  /** Whatever is said, is said after what was done before it. */
  #send(message: ToSupervisor): void {
    this.handOver();
    this.#tell(message);
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

  /** @throws Error where the supervisor has none, or does not answer within the snapshot's `claimTimeoutMs` */
  certificate(names: readonly string[]): Promise<Minted> {
    return this.#certificates.ask(this.#snapshot.claimTimeoutMs, (seq) =>
      this.#send({ type: 'certificate', seq, names }),
    );
  }

  /**
   * The login that is held for a hop, once. As long as a dial may take: it may have to be made elsewhere.
   * @param user whom the client asks for
   * @throws Error where there is none, in words for whoever waits
   */
  async credential(hop: string, user: string): Promise<HeldLogin> {
    // Threat: a client whose message would break the channel, and cost the worker its other connections.
    if (user.length > USER_LIMIT) throw new Error(`nobody has a name of ${user.length} characters`);
    const answer = new SealedAnswer();
    const { key } = answer;
    const { sealed, ...login } = await this.#logins.ask(this.#snapshot.dialTimeoutMs, (seq) =>
      this.#send({ type: 'credential', seq, hop, user, key }),
    );
    return { ...login, password: answer.open(sealed) };
  }

  credentialRefused(hop: string): void {
    this.#send({ type: 'credential-refused', hop });
  }

  /**
   * Asks about a hop.
   * @returns what the supervisor's JSON says
   * @throws Error where it has no answer, or none in {@link ASK_MS}: a person may have to touch a key
   */
  async ask(hop: string, question: string, detail: unknown): Promise<unknown> {
    const asked = JSON.stringify(detail);
    const found = await this.#asked.ask(ASK_MS, (seq) =>
      this.#send({ type: 'ask', seq, hop, question, detail: asked }),
    );
    return JSON.parse(found);
  }

  /** Handed over when this returns; in {@link together}, before its `then` is called. */
  begun(action: Omit<Extract<SentAction, { type: 'action' }>, 'decision'>, decision: Decision): void {
    // Decisions are remembered where they are made, so that the same is the same object.
    let place = this.#decisions.lastIndexOf(decision);
    if (place < 0) place = this.#decisions.push(decision) - 1;
    this.#actions.push({ ...action, decision: place });
    if (this.#together === 0 || this.#actions.length >= MOST_ACTIONS) this.handOver();
  }

  decided(message: DecidedMessage): void {
    this.#send(message);
  }

  /** Handed over with what comes next, {@link END_MS} later at the latest: nothing waits for it. */
  over(end: Extract<SentAction, { type: 'action-end' }>): void {
    this.#actions.push(end);
    if (this.#actions.length >= MOST_ACTIONS) this.handOver();
    else
      this.#later ??= setTimeout(() => {
        this.#later = null;
        this.handOver();
      }, END_MS);
  }

  /**
   * What `work` begins is handed over with what other connections begin in this turn of the event loop: a message costs
   * more than what is in it.
   * @param then called when that is done: at once where nothing waits, at the end of the turn else. Not where `work` throws
   */
  together(work: () => void, then: () => void): void {
    this.#together += 1;
    try {
      work();
    } catch (error) {
      this.handOver();
      throw error;
    } finally {
      this.#together -= 1;
    }
    if (this.#decisions.length === 0) {
      then();
      return;
    }
    if (this.#then.length === 0) setImmediate(() => this.handOver());
    this.#then.push(then);
  }

  /** What is handed over is in the kernel's hands, or in order before what is said next. */
  handOver(): void {
    const [decisions, actions, waiting] = [this.#decisions, this.#actions, this.#then];
    this.#decisions = [];
    this.#actions = [];
    this.#then = [];
    if (actions.length > 0) this.#tell({ type: 'actions', decisions, actions });
    for (const then of waiting) then();
  }

  dialed(hop: string, source: Endpoint): void {
    this.#send({ type: 'dialed', hop, source });
  }

  /** @returns false where the message is not one of a question's answers or a snapshot */
  take(message: ToWorker): boolean {
    if (message.type === 'snapshot') {
      this.#snapshot = message.snapshot;
      return true;
    }
    if (message.type === 'refuse') {
      const { reason, protocol } = message;
      this.#answer(message.seq, {
        outcome: 'refuse',
        reason,
        ...(protocol === undefined ? {} : { protocol }),
      });
      return true;
    }
    if (message.type === 'certificate') {
      this.#certificates.answer(message.seq, message.minted, message.error);
      return true;
    }
    if (message.type === 'credential') {
      this.#logins.answer(message.seq, message.login, message.error);
      return true;
    }
    if (message.type === 'found') {
      this.#asked.answer(message.seq, message.error === '' ? message.detail : null, message.error);
      return true;
    }
    if (message.type === 'held' || message.type === 'answer' || message.type === 'cancelled') {
      this.waiting.take(message);
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
