/**
 * What a name may stand for: prepared statements and portals, made by messages and by SQL alike (they share their
 * names), while the server has not yet said which of them it took.
 *
 * A client may send Bind long before the answer to its Parse, and a Parse of a name that exists fails and leaves the old
 * statement there. So a name stands for what is known to be behind it and for everything that may have taken its place
 * meanwhile; who decides, decides about all of them.
 */
export class Names<T> {
  readonly #known = new Map<string, T>();
  readonly #coming = new Map<string, T[]>();

  /** It may be behind this name from now on. */
  propose(name: string, value: T): void {
    const coming = this.#coming.get(name);
    if (coming === undefined) this.#coming.set(name, [value]);
    else coming.push(value);
  }

  /** The server took it. */
  confirm(name: string, value: T): void {
    this.#withdraw(name, value);
    this.#known.set(name, value);
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
    const all = [...coming].reverse();
    return known === undefined ? all : [...all, known];
  }

  #withdraw(name: string, value: T): void {
    const coming = this.#coming.get(name);
    const at = coming?.indexOf(value) ?? -1;
    if (coming === undefined || at < 0) return;
    coming.splice(at, 1);
    if (coming.length === 0) this.#coming.delete(name);
  }
}
