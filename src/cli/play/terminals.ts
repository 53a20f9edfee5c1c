/** Ways to look at a hop's terminals other than to play them. */
import type { ActionJson } from '../../api/json.ts';
import { printable } from '../../core/text.ts';
import type { Replayed } from '../../recording/replay.ts';
import type { Context } from '../context.ts';
import { EXIT, UsageError } from '../exit.ts';
import { clock } from '../format.ts';
import { Cast } from './cast.ts';
import { Search } from './search.ts';
import type { Reel } from './timeline.ts';

/** Exit code 1 where no line has it, or a recording is not what was recorded. */
export async function search(context: Context, wanted: string, reels: readonly Reel[]): Promise<number> {
  if (wanted === '') throw new UsageError('--search: a text');
  const { style } = context;
  let hits = 0;
  for (const reel of reels) {
    const searching = new Search(wanted);
    const missing = await through(context, reel, (event) => {
      for (const { action, at, line } of searching.take(event)) {
        hits += 1;
        const time = new Date(at / 1000).toISOString();
        if (context.json) context.printJson({ action, at: time, line });
        else
          context.print(
            `${style.colors.dim(clock(time, style.now))}  ${style.colors.cyan(`#${action}`)}  ${printable(line)}`,
          );
      }
    });
    if (missing === false) return EXIT.no;
  }
  return hits > 0 ? EXIT.ok : EXIT.no;
}

/** The terminal of one action. */
export async function cast(
  context: Context,
  { action: asked }: Readonly<Record<string, unknown>>,
  actions: AsyncGenerator<ActionJson, void>,
  reels: readonly Reel[],
): Promise<number> {
  let made = typeof asked === 'number' ? new Cast(asked, (line) => context.print(line)) : null;
  let number = typeof asked === 'number' ? asked : null;
  for (const reel of reels) {
    const missing = await through(context, reel, (event) => {
      if (event.type === 'terminal') {
        number ??= event.action;
        made ??= new Cast(number, (line) => context.print(line));
      }
      made?.take(event);
    });
    if (missing === false) return EXIT.no;
    if (missing !== null) context.note(printable(missing));
  }
  if (made === null || !made.begun) {
    context.note(
      number === null
        ? 'no terminal of this connection is recorded'
        : `no terminal of #${number} is recorded`,
    );
    return EXIT.no;
  }
  for await (const action of actions) if (action.seq === number) made.end(action);
  return EXIT.ok;
}

/**
 * All of a recording; what is wrong with it is said.
 * @returns what is missing of it; false where it is not what was recorded
 */
async function through(
  context: Context,
  { events }: Reel,
  each: (event: Replayed) => void,
): Promise<string | null | false> {
  let next = await events.next();
  for (; !next.done; next = await events.next()) each(next.value);
  const { damage, missing } = next.value;
  if (damage === null) return missing;
  context.note(printable(damage));
  return false;
}
