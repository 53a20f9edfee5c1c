/** A hop's actions: decided by the worker's policies, recorded by the supervisor. */
import type { Decision, Lifted } from '../core/types.ts';
import type {
  ActionDraft,
  ActionName,
  Actions,
  Answer,
  Facts,
  HoldOptions,
  Masking,
} from '../protocols/room.ts';
import type { Channel } from './channel.ts';
import type { Flow } from './messages.ts';

/** The policies of a worker. */
export interface Decider {
  /** Loads what decides: a worker that only forwards spares the memory. */
  ready(): Promise<void>;
  /** For the login and the chain that opened the hop. Never throws. */
  decide(flow: Flow, action: ActionName, facts: Facts, approved: readonly Lifted[]): Decision;
  /** Null: no policy can mask anything for this hop's login at its target. Never throws. */
  masking(flow: Flow): Masking | null;
}

export class HopActions implements Actions {
  readonly #flow: Flow;
  readonly #channel: Channel;
  readonly #decider: Decider;
  #count = 0;

  constructor(flow: Flow, channel: Channel, decider: Decider) {
    this.#flow = flow;
    this.#channel = channel;
    this.#decider = decider;
  }

  ready(): Promise<void> {
    return this.#decider.ready();
  }

  decide(action: ActionName, facts: Facts, approved: readonly Lifted[] = []): Decision {
    return this.#decider.decide(this.#flow, action, facts, approved);
  }

  masking(): Masking | null {
    return this.#decider.masking(this.#flow);
  }

  /**
   * It is in the channel before this returns, or before `together` calls `then`, and the channel outlives the worker:
   * what goes on is on record.
   */
  begin({ kind, subject, detail, decision }: ActionDraft): number {
    this.#count += 1;
    const { hop } = this.#flow;
    this.#channel.begun({ type: 'action', hop, action: this.#count, kind, subject, detail }, decision);
    return this.#count;
  }

  hold(action: number, { policies, reason }: Decision, options: HoldOptions): Promise<Answer> {
    return this.#channel.waiting.hold({ hop: this.#flow.hop, action, policies, reason }, options);
  }

  decided(action: number, decision: Decision): void {
    this.#channel.decided({ type: 'decided', hop: this.#flow.hop, action, decision });
  }

  cancel(cancelKey: string): Promise<boolean> {
    return this.#channel.waiting.cancel(cancelKey);
  }

  end(action: number, detail: Readonly<Record<string, unknown>>): void {
    this.#channel.over({ type: 'action-end', hop: this.#flow.hop, action, detail });
  }

  together(work: () => void, then: () => void): void {
    this.#channel.together(work, then);
  }
}
