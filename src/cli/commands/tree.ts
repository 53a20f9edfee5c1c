import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';
import { renderForest } from '../render-tree.ts';
import { numberOption } from '../since.ts';

export async function tree(
  context: Context,
  options: Readonly<Record<string, unknown>>,
  [login]: readonly string[],
): Promise<number> {
  const all = options.all === true;
  const forest = await context.ask((client) =>
    client.call('tree', { login, all, limit: numberOption(options.limit) }),
  );
  if (context.json) context.printJson(forest.logins);
  else {
    const lines = renderForest(forest, { ...context.style, full: options.full === true });
    context.print(lines.length > 0 ? lines : `no logins${all ? '' : ' in the last day (--all)'}`);
  }
  return EXIT.ok;
}
