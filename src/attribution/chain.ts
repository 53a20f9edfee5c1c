import type { Image, Omitted } from './image.ts';

/**
 * A chain of more than MOST programs keeps its first and its last; what lay between is told by a line in it. Threat: a
 * script that executes itself for ever, of which every image would otherwise be held, with its arguments, until memory
 * is gone.
 */
const FIRST = 16;
const LAST = 32;
export const MOST = FIRST + 2 * LAST;

/** Names of left-out programs that are kept: policy asks whether a chain contains one. */
const NAMES = 256;

/** Above what the record gives back of a chain there is more than it gives. */
export const CUT: Omitted = { count: 0, names: new Set(), named: false };

/** The programs from the login down to `image`, without the plumbing above the first of them. */
export function chainOf(image: Image | null): string[] {
  const chain: string[] = [];
  for (let at = image; at; at = at.parent) {
    if (!at.plumbing && at.image !== 0) chain.push(at.label);
    if (at.omitted) chain.push(...[...at.omitted.names].reverse(), omittedText(at.omitted));
  }
  if (chain.length === 0 && image) chain.push(image.label);
  return chain.reverse();
}

/** Policy can't tell what is in the chain: something is left out of it that is not even named. */
export function isUnnamed(image: Image | null): boolean {
  for (let at = image; at; at = at.parent) if (at.omitted && !at.omitted.named) return true;
  return false;
}

/**
 * Takes the middle out of a chain that has become too long. Costs a walk of MOST images once in LAST calls: what
 * hangs off the middle keeps what is above it, and is shortened when it grows itself.
 */
export function bound(image: Image): void {
  image.depth = image.parent ? image.parent.depth + 1 : 0;
  if (image.depth < MOST) return;
  const path: Image[] = [];
  for (let at: Image | null = image; at; at = at.parent) path.push(at);
  const first = path.length - FIRST;
  const [below, above] = [path[LAST - 1], path[first]];
  // Another branch's shortening may have taken these images up already: `depth` is an upper bound.
  if (below && above && path.length > MOST) {
    const left = path.splice(LAST, first - LAST).reverse();
    below.omitted = omit(left, below.omitted);
    below.parent = above;
  }
  path.forEach((each, index) => {
    each.depth = path.length - 1 - index;
  });
}

/** @param left uppermost first */
function omit(left: readonly Image[], last: Omitted | null): Omitted {
  const names = new Set<string>();
  let [count, named] = [0, true];
  const add = (name: string) => {
    if (names.has(name)) return;
    if (names.size < NAMES) names.add(name);
    else named = false;
  };
  const join = (omitted: Omitted | null) => {
    if (!omitted) return;
    count += omitted.count;
    named &&= omitted.named;
    for (const name of omitted.names) add(name);
  };
  for (const image of left) {
    join(image.omitted);
    if (image.plumbing || image.image === 0) continue;
    count++;
    add(image.label);
  }
  join(last);
  return { count, names, named };
}

/** Begins with a word of its own, `…`, so that a policy can ask for it. */
function omittedText({ count, names, named }: Omitted): string {
  const many = count === 0 ? '… programs left out' : `… ${count} programs left out`;
  if (!named) return `${many}, not all of them named`;
  return names.size > 0 ? `${many}, by name` : many;
}
