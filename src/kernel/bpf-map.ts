import { errorName, type Libbpf } from './libbpf.ts';

const ENOENT = -2;
const E2BIG = -7;
/** What a full LPM trie says in place of E2BIG (kernel/bpf/lpm_trie.c). */
const ENOSPC = -28;

/** How a key or value is laid out: its size in bytes and its generated reader and writer. */
export interface Layout<T> {
  readonly size: number;
  read(view: DataView, at: number): T;
  write(view: DataView, at: number, value: T): void;
}

export class MapFullError extends Error {
  readonly code = 'map_full';
}

/**
 * One kernel map, read and written through buffers of its own. What is handed out is a copy: layouts
 * with byte arrays point into the buffer they were read from.
 */
export class BpfMap<K, V> {
  readonly #lib: Libbpf;
  readonly #fd: number;
  readonly #name: string;
  readonly #keyLayout: Layout<K>;
  readonly #valueLayout: Layout<V>;
  readonly #key: Uint8Array;
  readonly #keyView: DataView;
  readonly #value: Uint8Array;
  readonly #valueView: DataView;

  constructor(lib: Libbpf, fd: number, name: string, key: Layout<K>, value: Layout<V>) {
    this.#lib = lib;
    this.#fd = fd;
    this.#name = name;
    this.#keyLayout = key;
    this.#valueLayout = value;
    this.#key = new Uint8Array(key.size);
    this.#keyView = new DataView(this.#key.buffer);
    this.#value = new Uint8Array(value.size);
    this.#valueView = new DataView(this.#value.buffer);
  }

  get(key: K): V | null {
    return this.#found(this.#lib.lookup(this.#fd, this.#encodeKey(key), this.#value), 'read');
  }

  /**
   * Reads an entry and removes it. Before Linux 5.14 hash maps lack the combined call; the two steps
   * are as good there, because only the supervisor takes entries.
   */
  take(key: K): V | null {
    const value = this.get(key);
    if (value !== null) this.delete(key);
    return value;
  }

  /** @throws MapFullError where the map has no room */
  set(key: K, value: V): void {
    this.#valueLayout.write(this.#valueView, 0, value);
    this.#check(this.#lib.update(this.#fd, this.#encodeKey(key), this.#value, 0), 'write');
  }

  /** @returns false where an entry is there already */
  add(key: K, value: V): boolean {
    this.#valueLayout.write(this.#valueView, 0, value);
    const result = this.#lib.update(this.#fd, this.#encodeKey(key), this.#value, 1);
    if (result === -17) return false;
    this.#check(result, 'write');
    return true;
  }

  delete(key: K): boolean {
    const result = this.#lib.remove(this.#fd, this.#encodeKey(key));
    if (result === ENOENT) return false;
    this.#check(result, 'delete');
    return true;
  }

  /** All keys at this moment; entries that come and go meanwhile may or may not be among them. */
  keys(): K[] {
    const keys: K[] = [];
    const next = new Uint8Array(this.#keyLayout.size);
    let previous: Uint8Array | null = null;
    while (this.#lib.nextKey(this.#fd, previous, next) === 0) {
      previous = Uint8Array.from(next);
      keys.push(this.#keyLayout.read(new DataView(Uint8Array.from(next).buffer), 0));
    }
    return keys;
  }

  /**
   * All entries of a hash map at this moment, in a few calls where `keys` and `get` need two for each (Linux 5.6).
   * @throws Error for maps of other kinds
   */
  entries(): [K, V][] {
    const entries: [K, V][] = [];
    // Holds the fullest bucket of any map that hashes well; the place is a bucket's number, or a key.
    const most = 1024;
    const places = [0, 1].map(() => new Uint8Array(Math.max(8, this.#keyLayout.size)));
    const keys = new Uint8Array(most * this.#keyLayout.size);
    const values = new Uint8Array(most * this.#valueLayout.size);
    const count = new Uint32Array(1);
    for (let from: Uint8Array | null = null, round = 0, ended = false; !ended; round++) {
      const next = places[round % 2] as Uint8Array;
      count[0] = most;
      const result = this.#lib.lookupBatch(this.#fd, from, next, keys, values, count);
      ended = result === ENOENT;
      if (!ended) this.#check(result, 'read');
      const keyView = new DataView(keys.slice().buffer);
      const valueView = new DataView(values.slice().buffer);
      for (let n = 0; n < (count[0] ?? 0); n++)
        entries.push([
          this.#keyLayout.read(keyView, n * this.#keyLayout.size),
          this.#valueLayout.read(valueView, n * this.#valueLayout.size),
        ]);
      from = next;
    }
    return entries;
  }

  #encodeKey(key: K): Uint8Array {
    this.#key.fill(0);
    this.#keyLayout.write(this.#keyView, 0, key);
    return this.#key;
  }

  #found(result: number, doing: string): V | null {
    if (result === ENOENT) return null;
    this.#check(result, doing);
    return this.#valueLayout.read(new DataView(Uint8Array.from(this.#value).buffer), 0);
  }

  #check(result: number, doing: string): void {
    if (result === 0) return;
    if (result === E2BIG || result === ENOSPC) throw new MapFullError(`map ${this.#name} is full`);
    throw new Error(`can't ${doing} map ${this.#name}: ${errorName(result)}`);
  }
}

/** Sums of a per-CPU array of 64-bit counters, one for each index. */
export function readCounters(lib: Libbpf, fd: number, count: number): bigint[] {
  const cpus = lib.possibleCpus();
  const key = new Uint8Array(4);
  const values = new BigUint64Array(cpus);
  return Array.from({ length: count }, (_, index) => {
    new DataView(key.buffer).setUint32(0, index, true);
    const result = lib.lookup(fd, key, new Uint8Array(values.buffer));
    if (result !== 0) throw new Error(`can't read counters: ${errorName(result)}`);
    return values.reduce((sum, value) => sum + value, 0n);
  });
}

export const u32Layout: Layout<number> = {
  size: 4,
  read: (view, at) => view.getUint32(at, true),
  write: (view, at, value) => view.setUint32(at, value, true),
};

export const u64Layout: Layout<bigint> = {
  size: 8,
  read: (view, at) => view.getBigUint64(at, true),
  write: (view, at, value) => view.setBigUint64(at, value, true),
};

/** A NUL-padded name of at most `size - 1` bytes. */
export function nameLayout(size: number): Layout<string> {
  return {
    size,
    read: (view, at) => {
      const raw = Buffer.from(view.buffer, view.byteOffset + at, size);
      const end = raw.indexOf(0);
      return raw.toString('utf8', 0, end < 0 ? size : end);
    },
    write: (view, at, value) => {
      const target = new Uint8Array(view.buffer, view.byteOffset + at, size);
      target.fill(0);
      target.set(Buffer.from(value).subarray(0, size - 1));
    },
  };
}
