import { UNTOLD } from './stored-name.ts';

/**
 * What a name may stand for: prepared statements and portals, made by messages and by SQL alike (they share their
 * names), while the server has not yet said which of them it took.
 *
 * A client may send Bind long before the answer to its Parse, and a Parse of a name that exists fails and leaves the old
 * statement there. So a name stands for what is known to be behind it and for everything that may have taken its place
 * meanwhile; who decides, decides about all of them. But what fails takes with it what follows, up to the next Sync or to
 * the end of a simple query (54.2.2, 54.2.3): up to there a name stands for what was put behind it last, or is never read.
 */
export class Names<T> {
  readonly #known = new Map<string, T>();
  readonly #coming = new Map<string, { readonly value: T; readonly part: number }[]>();
  #part = 0;

  /** It may be behind this name from now on. */
  propose(name: string, value: T): void {
    if (name === UNTOLD) return;
    const coming = this.#coming.get(name);
    const proposed = { value, part: this.#part };
    if (coming === undefined) this.#coming.set(name, [proposed]);
    else coming.push(proposed);
  }

  /** A Sync, or another message that is read though what came before it failed. */
  part(): void {
    this.#part += 1;
  }

  /** The server took it. */
  confirm(name: string, value: T): void {
    this.#withdraw(name, value);
    if (name !== UNTOLD) this.#known.set(name, value);
  }

  /** The server refused it, or never came to it. */
  reject(name: string, value: T): void {
    this.#withdraw(name, value);
  }

  /** The server let go of the name. */
  remove(name: string): void {
    this.#known.delete(name);
  }

  /** The server let go of all that is known but these. */
  keep(these: (value: T) => boolean): void {
    for (const [name, value] of this.#known) if (!these(value)) this.#known.delete(name);
  }

  clear(): void {
    this.#known.clear();
  }

  /** Latest first; empty where the name was never heard of. */
  behind(name: string): readonly T[] {
    const known = this.#known.get(name);
    const coming = this.#coming.get(name);
    if (coming === undefined) return known === undefined ? [] : [known];
    const last = coming.at(-1);
    if (last?.part === this.#part) return [last.value];
    const all = coming.map(({ value }) => value).reverse();
    return known === undefined ? all : [...all, known];
  }

  /** All that is known, or may come to be. */
  *values(): Generator<T> {
    yield* this.#known.values();
    for (const coming of this.#coming.values()) for (const { value } of coming) yield value;
  }

  #withdraw(name: string, value: T): void {
    const coming = this.#coming.get(name);
    const at = coming?.findIndex((one) => one.value === value) ?? -1;
    if (coming === undefined || at < 0) return;
    coming.splice(at, 1);
    if (coming.length === 0) this.#coming.delete(name);
  }
}
