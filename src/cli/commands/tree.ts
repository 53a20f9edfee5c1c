import { readFileSync } from 'node:fs';
import type { TreeLoginJson } from '../../api/json.ts';
import type { Context } from '../context.ts';
import { EXIT, UsageError } from '../exit.ts';
import { joinForests } from '../join-forests.ts';
import { absentText, renderForest } from '../render-tree.ts';
import { numberOption } from '../since.ts';

export async function tree(
  context: Context,
  options: Readonly<Record<string, unknown>>,
  [login]: readonly string[],
): Promise<number> {
  const params = { login, all: options.all === true, limit: numberOption(options.limit) };
  const local = options.local === true;
  const forest = await context.ask((client) => client.call('tree', { ...params, local }));
  const others = [
    ...forest.parts.map(({ host, logins }) => treesOf(logins, host)),
    ...(Array.isArray(options.with) ? options.with.map((file) => readTrees(String(file))) : []),
  ];
  // Of one that came from this host to this host, the daemon may tell twice.
  const once = new Map<string, TreeLoginJson>();
  for (const one of [...forest.logins, ...others.flat()]) if (!once.has(one.id)) once.set(one.id, one);
  if (context.json) {
    context.printJson([...once.values()]);
    for (const { host, reason } of forest.absent) context.note(absentText(host, reason));
  } else {
    const { forest: joined, below } = joinForests(forest, others);
    const absent = new Map(forest.absent.map(({ host, reason }) => [host, reason]));
    const style = { ...context.style, full: options.full === true, below, absent };
    const lines = renderForest(joined, {
      ...style,
      hosts: new Set([...once.values()].map(({ host }) => host)).size > 1,
    });
    context.print(lines.length > 0 ? lines : `no logins${params.all ? '' : ' in the last day (--all)'}`);
  }
  return EXIT.ok;
}

/** What `hopline tree --json` printed on another host. @throws UsageError */
function readTrees(file: string): readonly TreeLoginJson[] {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new UsageError(`--with ${file}: ${(error as Error).message}`);
  }
  return treesOf(text, file);
}

/** @param from a file or a host. @throws UsageError */
function treesOf(text: string, from: string): readonly TreeLoginJson[] {
  let trees: unknown;
  try {
    trees = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`what ${from} has is no JSON: ${(error as Error).message}`);
  }
  const isTree = (one: unknown) =>
    typeof one === 'object' &&
    one !== null &&
    'id' in one &&
    'parentHop' in one &&
    'hops' in one &&
    'processes' in one;
  if (!Array.isArray(trees) || !trees.every(isTree))
    throw new UsageError(`what ${from} has is not what hopline tree --json prints`);
  return trees as TreeLoginJson[];
}
