import { readFileSync } from 'node:fs';
import type { TreeLoginJson } from '../../api/json.ts';
import type { Context } from '../context.ts';
import { EXIT, UsageError } from '../exit.ts';
import { joinForests } from '../join-forests.ts';
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
  const others = Array.isArray(options.with) ? options.with.map((file) => readTrees(String(file))) : [];
  if (context.json) context.printJson([...forest.logins, ...others.flat()]);
  else {
    const { forest: joined, below } = joinForests(forest, others);
    const lines = renderForest(joined, { ...context.style, full: options.full === true, below });
    context.print(lines.length > 0 ? lines : `no logins${all ? '' : ' in the last day (--all)'}`);
  }
  return EXIT.ok;
}

/** What `hopline tree --json` printed on another host. @throws UsageError */
function readTrees(file: string): readonly TreeLoginJson[] {
  let trees: unknown;
  try {
    trees = JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8'));
  } catch (error) {
    throw new UsageError(`--with ${file}: ${(error as Error).message}`);
  }
  const isTree = (one: unknown) =>
    typeof one === 'object' &&
    one !== null &&
    'id' in one &&
    'parentHop' in one &&
    'hops' in one &&
    'processes' in one;
  if (!Array.isArray(trees) || !trees.every(isTree))
    throw new UsageError(`--with ${file}: is not what hopline tree --json prints`);
  return trees as TreeLoginJson[];
}
