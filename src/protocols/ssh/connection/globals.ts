/** The client's requests for the connection, whose answers come in their order, and one of which may wait for a person. */
import { Message } from '../numbers.ts';
import { tooMany } from './broken.ts';
import type { Held, Judge, Judgement } from './judge.ts';
import { decodeRequest, encodeDebug } from './messages.ts';
import { Replies } from './replies.ts';

/** Bytes and number of requests behind one that waits: OpenSSH's client has as many as it has forwardings. */
const MOST_KEPT = 256 * 1024;
const MOST_WAITING = 4096;
/** Anything at all shows a client that asks whether we are alive that we are; its answer has to wait for its turn. */
const ALIVE = Buffer.of(Message.IGNORE, 0, 0, 0, 0);

interface Ends {
  toClient(payload: Buffer): void;
  toHost(payload: Buffer): void;
  readonly judge: Judge;
}

export class GlobalRequests {
  readonly #ends: Ends;
  readonly #ask: (held: Held, go: (judged: Judgement) => void) => void;
  readonly #replies: Replies;
  /** What came behind a request that waits. */
  #behind: Buffer[] | null = null;
  #size = 0;

  constructor(ends: Ends, ask: (held: Held, go: (judged: Judgement) => void) => void) {
    this.#ends = ends;
    this.#ask = ask;
    this.#replies = new Replies(ends.toClient);
  }

  /** The host's next answer. @param payload a view. @returns false where it owes none */
  answer(payload: Buffer): boolean {
    return this.#replies.take(Buffer.from(payload));
  }

  /** @param payload a view. @throws SshError, WireError */
  request(payload: Buffer): void {
    const request = decodeRequest(payload, 1);
    if (this.#behind !== null) {
      this.#size += payload.length;
      if (this.#size > MOST_KEPT || this.#behind.length >= MOST_WAITING) throw tooMany();
      this.#behind.push(Buffer.from(payload));
      if (request.wantReply) this.#ends.toClient(ALIVE);
      return;
    }
    // Asked of Hopline's own key, by a client that has seen others of the host; there are none of ours to prove.
    const judged =
      request.type === 'hostkeys-prove-00@openssh.com'
        ? ({ allowed: false, message: '' } as const)
        : this.#ends.judge.global(request);
    if (judged.allowed === null) this.#hold(Buffer.from(payload), request.wantReply, judged);
    else this.#judged(payload, request.wantReply, judged);
  }

  #hold(payload: Buffer, wantReply: boolean, held: Held): void {
    this.#behind = [];
    this.#size = 0;
    this.#ask(held, (judged) => {
      const behind = this.#behind ?? [];
      this.#behind = null;
      this.#judged(payload, wantReply, judged);
      for (const kept of behind) this.request(kept);
    });
  }

  #judged(payload: Buffer, wantReply: boolean, judged: Judgement): void {
    if (judged.allowed) {
      if (wantReply && !this.#replies.expect()) throw tooMany();
      this.#ends.toHost(payload);
      return;
    }
    // The answer itself has no words.
    if (judged.message !== '') this.#ends.toClient(encodeDebug(`Hopline: ${judged.message}`));
    const fail = (): void => this.#ends.toClient(Buffer.of(Message.REQUEST_FAILURE));
    if (wantReply && !this.#replies.own(fail)) throw tooMany();
  }
}
