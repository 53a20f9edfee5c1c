import type { HandoffJson, HopJson, ProcessJson, TreeLoginJson } from '../api/json.ts';
import { KNOWN_HOSTS } from './known-hosts.ts';

/** A process with what is drawn below it. */
export interface Node {
  readonly process: ProcessJson;
  readonly children: Node[];
  readonly hops: HopJson[];
  readonly handoffs: HandoffJson[];
  /** Some connection or handoff is here or below: never left out of a drawing. */
  busy: boolean;
  /** Equal for subtrees that look the same. */
  shape: number;
}

export interface LoginTree {
  readonly roots: Node[];
  /** Of processes that are not in the record. */
  readonly hops: HopJson[];
  readonly handoffs: HandoffJson[];
}

/**
 * Links processes to their parents, and hops and handoffs to their processes.
 * @param full false leaves out forks that never ran a program of their own, unless something happened in them
 */
export function growTree(login: TreeLoginJson, full: boolean): LoginTree {
  const nodes = new Map<number, Node>();
  for (const process of login.processes) {
    nodes.set(process.id, { process, children: [], hops: [], handoffs: [], busy: false, shape: 0 });
  }
  const tree: LoginTree = { roots: [], hops: [], handoffs: [] };
  const holder = (process: number | null) => (process === null ? undefined : nodes.get(process)) ?? tree;
  for (const hop of login.hops) holder(hop.process).hops.push(hop);
  // One that came in names a process of another login.
  for (const one of login.handoffs) (one.login === login.id ? holder(one.process) : tree).handoffs.push(one);

  const drawn = (node: Node) =>
    full || node.process.image > 0 || node.hops.length > 0 || node.handoffs.length > 0;
  for (const node of nodes.values()) {
    if (!drawn(node)) continue;
    const parent = nearest(node, nodes, drawn);
    (parent === null ? tree.roots : parent.children).push(node);
  }
  const shapes = new Map<string, number>();
  for (const node of bottomUp(tree.roots)) finish(node, shapes);
  return tree;
}

/** The closest ancestor that is drawn. A parent is recorded before its child: a link that says otherwise is not one. */
function nearest(node: Node, nodes: ReadonlyMap<number, Node>, drawn: (node: Node) => boolean): Node | null {
  let at = node;
  while (at.process.parent !== null && at.process.parent < at.process.id) {
    const parent = nodes.get(at.process.parent);
    if (parent === undefined) return null;
    if (drawn(parent)) return parent;
    at = parent;
  }
  return null;
}

/** Children before parents, without recursion: a chain of 10,000 programs is no reason to run out of stack. */
function bottomUp(roots: readonly Node[]): Node[] {
  const order = [...roots];
  for (let next = 0; next < order.length; next++) {
    for (const child of order[next]?.children ?? []) order.push(child);
  }
  return order.reverse();
}

function finish(node: Node, shapes: Map<string, number>): void {
  const { process, children, hops, handoffs } = node;
  node.busy = hops.length > 0 || handoffs.length > 0 || children.some((child) => child.busy);
  const look = JSON.stringify([
    [
      process.exe,
      isKnownHosts(process) ? KNOWN_HOSTS : process.argv,
      process.exitCode,
      process.signal,
      process.recovered,
    ],
    hops.map(hopShape),
    handoffs.map((one) => [one.kind, one.toLogin, one.via]),
    children.map((child) => child.shape),
  ]);
  node.shape = shapes.get(look) ?? shapes.size + 1;
  shapes.set(look, node.shape);
}

/** Hopline's own part in an ssh: the same to a reader whatever key it is asked about. */
export function isKnownHosts({ argv }: ProcessJson): boolean {
  return argv[1] === KNOWN_HOSTS && argv.length <= 3;
}

/** What makes two hops the same to a reader: where to and what was decided, not how much and how long. */
export function hopShape(hop: HopJson): string {
  const { outcome, reason, observed } = hop.decision;
  return JSON.stringify([
    [hop.target, hop.name, hop.destination, hop.protocol, hop.transport, hop.mode],
    [outcome, reason, observed, hop.endReason, hop.childLogin],
  ]);
}

export interface Group<T> {
  readonly first: T;
  readonly all: T[];
}

/** Things of the same key together, in the order of their first. Fewer than `leastOf` says of a kind stay apart. */
export function group<T>(
  items: readonly T[],
  key: (item: T) => unknown,
  leastOf: (item: T) => number,
): Group<T>[] {
  const groups = new Map<unknown, Group<T>>();
  for (const item of items) {
    const found = groups.get(key(item));
    if (found === undefined) groups.set(key(item), { first: item, all: [item] });
    else found.all.push(item);
  }
  const few = ({ first, all }: Group<T>): boolean => all.length < leastOf(first);
  if ([...groups.values()].every((one) => one.all.length === 1 || !few(one))) return [...groups.values()];
  const small = new Set([...groups.values()].filter(few).flatMap((one) => one.all));
  return items.flatMap((item) => {
    if (small.has(item)) return [{ first: item, all: [item] }];
    const found = groups.get(key(item));
    return found?.first === item ? [found] : [];
  });
}
