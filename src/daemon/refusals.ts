import type { HopDraft } from '../attribution/recorder.ts';
import { endpointText } from '../core/address.ts';
import type { Id, Micros, Notice } from '../core/types.ts';

/** A refusal that is repeated within this is the same one going on. */
const SAME: Micros = 1_000_000;
/** One that goes on is told as a number this often: a daemon that is killed takes no more than that with it. */
const TOLD: Micros = 10_000_000;
/** Destinations told apart at a time; beyond it those of one program count together. */
const APART = 1000;

type Draft = Omit<Notice, 'id'>;

interface Refusal {
  /** What tells of the first one: a hop, or null for a notice. */
  readonly hop: Id | null;
  readonly notice: Pick<Draft, 'login' | 'detail'>;
  last: Micros;
  /** When it was told last. */
  told: Micros;
  /** Repetitions that are not told yet. */
  count: number;
}

/**
 * What is refused again and again: the first is a hop (or the notice of a socket), those that follow are a number.
 * Threat: a program that connects in a loop to what it may not reach, and so fills the store and the log.
 */
export class Refusals {
  readonly #going = new Map<string, Refusal>();
  #over: Draft[] = [];

  /** @returns false for the repetition of a refusal that has its hop: it is counted, and no record of its own */
  hop(hop: HopDraft): boolean {
    const known = this.#find(hop);
    if (known && hop.started - known.last <= SAME) return repeated(known, hop.started);
    const apart = this.#going.size < APART;
    const notice = { login: hop.login, detail: again(hop, apart) };
    this.#begin(apart ? keyOf(hop) : programOf(hop), hop.id, notice, hop.started);
    return true;
  }

  /** Whether a refused hop was counted with an earlier one. */
  isRepeated(hop: HopDraft): boolean {
    const known = this.#find(hop);
    return known !== undefined && known.hop !== hop.id;
  }

  /** The same for a notice; @returns false where it was counted */
  notice({ at, login, detail }: Draft): boolean {
    const key = `notice ${login} ${detail}`;
    const known = this.#going.get(key);
    if (known && at - known.last <= SAME) return repeated(known, at);
    this.#begin(key, null, { login, detail }, at);
    return true;
  }

  /** Numbers to write down: of what is over, and of what has gone on for a while. @param all of everything */
  due(now: Micros, all = false): readonly Draft[] {
    for (const [key, refusal] of this.#going) {
      const over = all || now - refusal.last > SAME;
      if (over || now - refusal.told >= TOLD) this.#tell(refusal, now);
      if (over) this.#going.delete(key);
    }
    return this.#over.splice(0);
  }

  #find(hop: HopDraft): Refusal | undefined {
    return this.#going.get(keyOf(hop)) ?? this.#going.get(programOf(hop));
  }

  #begin(key: string, hop: Id | null, notice: Refusal['notice'], at: Micros): void {
    const before = this.#going.get(key);
    if (before) this.#tell(before, at);
    this.#going.set(key, { hop, notice, last: at, told: at, count: 0 });
  }

  #tell(refusal: Refusal, now: Micros): void {
    const { count, last, notice } = refusal;
    if (count > 0) this.#over.push({ ...notice, at: last, kind: 'refused', count });
    refusal.count = 0;
    refusal.told = now;
  }
}

function repeated(refusal: Refusal, at: Micros): false {
  refusal.count++;
  refusal.last = Math.max(refusal.last, at);
  return false;
}

function again(hop: HopDraft, apart: boolean): string {
  const { destination, transport, chain, login, decision } = hop;
  const name = hop.target ?? hop.name;
  const place = `${endpointText(destination)} ${transport}`;
  const to = `${name === null ? '' : `${name} `}${place}${apart ? '' : ' and other destinations'}`;
  const whose = login === null ? 'no known login' : `login ${login}`;
  return `refused again: ${to}, by ${chain.join(' › ')} of ${whose}: ${decision.reason}`;
}

function programOf({ login, image, chain, decision }: HopDraft): string {
  const program = image === null ? chain.join(' ') : `${image.key} ${image.image}`;
  return `${login} ${program} ${decision.reason}`;
}

function keyOf(hop: HopDraft): string {
  const { address, port } = hop.destination;
  return `${programOf(hop)} ${hop.transport} ${address} ${port}`;
}
