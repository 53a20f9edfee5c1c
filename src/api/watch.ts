import type { Call, Handlers } from './connection.ts';
import { approvalJson, handoffJson, hopJson, loginJson, noticeJson, processJson } from './json.ts';
import type { Watched } from './protocol.ts';

const TO_JSON: { readonly [T in keyof Watched]: (record: Watched[T]) => unknown } = {
  login: loginJson,
  identity: loginJson,
  'login-end': loginJson,
  process: processJson,
  'process-exit': processJson,
  hop: hopJson,
  'hop-end': hopJson,
  handoff: handoffJson,
  notice: noticeJson,
  approval: approvalJson,
  'approval-answer': approvalJson,
};

/** Hands what happens to everyone who watches; costs nothing while nobody does. */
export class WatchHub {
  readonly #calls = new Set<Call>();

  /** How many watch. */
  get size(): number {
    return this.#calls.size;
  }

  publish<T extends keyof Watched>(type: T, record: Watched[T]): void {
    if (this.#calls.size === 0) return;
    const json = JSON.stringify({ type, record: TO_JSON[type](record) });
    for (const call of this.#calls) call.emit(json);
  }

  /** The handler of `watch`. */
  readonly handler: NonNullable<Handlers['watch']> = (_params, call) => {
    const done = Promise.withResolvers<null>();
    call.emit('{"type":"watching"}');
    this.#calls.add(call);
    const end = () => {
      this.#calls.delete(call);
      done.resolve(null);
    };
    call.signal.addEventListener('abort', end, { once: true });
    if (call.signal.aborted) end();
    return done.promise;
  };
}
