/** The kernel's lines and counts made by hand, with a say in what happens between two calls. */
import type { HlKey, HlLineage, HlRoot } from '../../src/kernel/layouts.generated.ts';
import type { KernelMaps } from '../../src/kernel/maps.ts';

class FakeMap<K, V> {
  readonly entries = new Map<string, [K, V]>();
  /** What other processors do before a call. */
  before: (call: 'get' | 'set' | 'add' | 'delete' | 'keys', key: K | null) => void = () => {};

  get(key: K): V | null {
    this.before('get', key);
    return this.entries.get(text(key))?.[1] ?? null;
  }

  set(key: K, value: V): void {
    this.before('set', key);
    this.entries.set(text(key), [key, value]);
  }

  add(key: K, value: V): boolean {
    this.before('add', key);
    if (this.entries.has(text(key))) return false;
    this.entries.set(text(key), [key, value]);
    return true;
  }

  delete(key: K): boolean {
    this.before('delete', key);
    return this.entries.delete(text(key));
  }

  keys(): K[] {
    this.before('keys', null);
    return [...this.entries.values()].map(([key]) => key);
  }
}

function text(key: unknown): string {
  return JSON.stringify(key, (_, value) => (typeof value === 'bigint' ? String(value) : value));
}

/** Counts as bpf/lineage.bpf.c does: where there is a root to count in. */
export class FakeKernel {
  readonly lineage = new FakeMap<HlKey, HlLineage>();
  readonly roots = new FakeMap<bigint, HlRoot>();
  readonly ended: bigint[] = [];

  get maps(): KernelMaps {
    return this as unknown as KernelMaps;
  }

  fork(parent: HlKey, child: HlKey): void {
    const line = this.lineage.entries.get(text(parent))?.[1];
    if (!line) return;
    this.lineage.entries.set(text(child), [child, { ...line, execs: 0 }]);
    this.#count(line.root, 1);
  }

  exit(key: HlKey): void {
    const line = this.lineage.entries.get(text(key))?.[1];
    if (!line) return;
    this.lineage.entries.delete(text(key));
    this.#count(line.root, -1);
  }

  live(id: bigint): number | null {
    return this.roots.entries.get(text(id))?.[1].live ?? null;
  }

  #count(id: bigint, by: number): void {
    const entry = this.roots.entries.get(text(id));
    if (!entry) return;
    entry[1] = { ...entry[1], live: entry[1].live + by };
    if (entry[1].live !== 0) return;
    this.roots.entries.delete(text(id));
    this.ended.push(id);
  }
}
