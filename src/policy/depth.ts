/**
 * Deepest nesting that is handed to Cedar, whose parser and evaluator recurse: with 4.13 they trap somewhere above 100
 * parentheses or 200 operators in a row, and a trap ends the instance that decides. A bracket counts as two.
 */
export const MOST_DEPTH = 150;

/** Loosest first: an operator nests the looser ones' operands below it. */
const PRECEDENCE: Readonly<Record<string, number>> = {
  if: 0,
  '||': 1,
  '&&': 2,
  '==': 3,
  '!=': 3,
  '<': 3,
  '<=': 3,
  '>': 3,
  '>=': 3,
  in: 3,
  has: 3,
  like: 3,
  is: 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '!': 6,
  '.': 6,
  '[': 6,
};
const CLASSES = 7;

class Level {
  readonly #now = new Array<number>(CLASSES).fill(0);
  readonly #most = new Array<number>(CLASSES).fill(0);
  inner = 0;

  operator(token: string): void {
    const own = PRECEDENCE[token];
    if (own === undefined) return;
    this.#now.fill(0, own + 1);
    const count = (this.#now[own] ?? 0) + 1;
    this.#now[own] = count;
    this.#most[own] = Math.max(this.#most[own] ?? 0, count);
  }

  next(): void {
    this.#now.fill(0);
  }

  /** At least the depth of what this level's operators make, without what is in its brackets. */
  own(): number {
    return this.#most.reduce((sum, count) => sum + count, 0);
  }
}

/** An upper bound on the depth of a policy's syntax tree, from its tokens alone. */
export class Depth {
  most = 0;
  #level = new Level();
  readonly #outer: Level[] = [];
  #outside = 0;

  take(token: string): void {
    if (this.most > MOST_DEPTH) return;
    if (token !== '[' || this.#outer.length > 0) this.#level.operator(token);
    if (token === '(' || token === '[' || token === '{') this.#open();
    else if (token === ')' || token === ']' || token === '}') this.#close();
    else if (token === ',') this.#level.next();
    this.most = Math.max(this.most, this.#outside + this.#level.own() + this.#level.inner);
  }

  #open(): void {
    this.#outside += this.#level.own() + 2;
    this.#outer.push(this.#level);
    this.#level = new Level();
  }

  #close(): void {
    const outer = this.#outer.pop();
    if (outer === undefined) return;
    this.#outside -= outer.own() + 2;
    outer.inner = Math.max(outer.inner, this.#level.own() + this.#level.inner + 2);
    this.#level = outer;
  }
}
