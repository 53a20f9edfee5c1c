/** A hop's statements with what its recordings hold of their results, in the order in which it happened. */
import type { ActionJson, RecordingJson } from '../../api/json.ts';
import type { Replayed } from '../../recording/replay.ts';
import type { Found } from './fetch.ts';

export type Step =
  | { readonly type: 'statement'; readonly action: ActionJson }
  | Replayed
  | { readonly type: 'recording'; readonly recording: RecordingJson; readonly found: Found };

export interface Reel {
  readonly recording: RecordingJson;
  readonly events: AsyncGenerator<Replayed, Found>;
}

/** Nothing is held but one statement. */
export async function* timeline(
  actions: AsyncGenerator<ActionJson, void>,
  reels: readonly Reel[],
): AsyncGenerator<Step, void> {
  let next = await actions.next();
  for (const { recording, events } of reels) {
    for (;;) {
      const event = await events.next();
      if (event.done) {
        yield { type: 'recording', recording, found: event.value };
        break;
      }
      for (; !next.done && next.value.seq <= event.value.action; next = await actions.next())
        yield { type: 'statement', action: next.value };
      yield event.value;
    }
  }
  for (; !next.done; next = await actions.next()) yield { type: 'statement', action: next.value };
}
