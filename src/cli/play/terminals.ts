/** Ways to look at a hop's terminals other than to play them. */
import type { ActionJson } from '../../api/json.ts';
import { printable } from '../../core/text.ts';
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
  for (const { events } of reels) {
    const searching = new Search(wanted);
    for (let next = await events.next(); ; next = await events.next()) {
      if (next.done) {
        if (next.value.damage !== null) {
          context.note(printable(next.value.damage));
          return EXIT.no;
        }
        break;
      }
      for (const { action, at, line } of searching.take(next.value)) {
        hits += 1;
        const time = new Date(at / 1000);
        if (context.json) context.printJson({ action, at: time.toISOString(), line });
        else
          context.print(
            `${style.colors.dim(clock(time.toISOString(), style.now))}  ${style.colors.cyan(`#${action}`)}  ${printable(line)}`,
          );
      }
    }
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
  for (const { events } of reels)
    for (let next = await events.next(); ; next = await events.next()) {
      if (next.done) {
        if (next.value.damage !== null) {
          context.note(printable(next.value.damage));
          return EXIT.no;
        }
        if (next.value.missing !== null) context.note(printable(next.value.missing));
        break;
      }
      if (next.value.type === 'terminal') {
        number ??= next.value.action;
        made ??= new Cast(number, (line) => context.print(line));
      }
      made?.take(next.value);
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
