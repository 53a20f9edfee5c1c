/**
 * A map bounded by entries and by bytes, in two generations: when the younger is half of what may be kept, the
 * older goes, but for what was used since. A hit costs one look-up, where an exact order of use costs three.
 */
interface Entry<V> {
  readonly value: V;
  readonly bytes: number;
}

class Generation<V> {
  readonly entries = new Map<string, Entry<V>>();
  bytes = 0;

  set(key: string, entry: Entry<V>): void {
    this.delete(key);
    this.entries.set(key, entry);
    this.bytes += entry.bytes;
  }

  delete(key: string): void {
    this.bytes -= this.entries.get(key)?.bytes ?? 0;
    this.entries.delete(key);
  }
}

export class Cache<V> {
  readonly #mostEntries: number;
  readonly #mostBytes: number;
  #young = new Generation<V>();
  #old = new Generation<V>();

  constructor(mostEntries: number, mostBytes: number) {
    this.#mostEntries = mostEntries;
    this.#mostBytes = mostBytes;
  }

  get size(): number {
    return this.#young.entries.size + this.#old.entries.size;
  }

  get bytes(): number {
    return this.#young.bytes + this.#old.bytes;
  }

  get(key: string): V | undefined {
    const young = this.#young.entries.get(key);
    if (young !== undefined) return young.value;
    const old = this.#old.entries.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.#add(key, old);
    return old.value;
  }

  /** @param bytes what the entry takes; more than a sixteenth of all is not kept */
  set(key: string, value: V, bytes: number): void {
    this.#old.delete(key);
    this.#young.delete(key);
    if (bytes <= this.#mostBytes / 16) this.#add(key, { value, bytes });
  }

  #add(key: string, entry: Entry<V>): void {
    const { entries, bytes } = this.#young;
    if (2 * (entries.size + 1) > this.#mostEntries || 2 * (bytes + entry.bytes) > this.#mostBytes) {
      this.#old = this.#young;
      this.#young = new Generation();
    }
    this.#young.set(key, entry);
  }
}
