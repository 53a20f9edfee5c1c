/** The pinned maps of bastion1's programs, from outside: to fill them as nothing else can. */
import { closeSync } from 'node:fs';
import { HL_ABI } from '../../../src/kernel/layouts.generated.ts';
import { type Libbpf, loadLibbpf } from '../../../src/kernel/libbpf.ts';
import { PINS } from './support.ts';

const E2BIG = -7;
/** Room of a map's biggest value, whatever it is. */
const VALUE = 4096;

/** Takes up what is left of a map, with keys that no process or connection has. */
export class Filled {
  readonly #lib: Libbpf = loadLibbpf();
  #fd: number;
  readonly #keys: Uint8Array[] = [];

  /**
   * @param key the nth key; bytes as abi.h lays them out
   * @throws Error where the map is no hash of a fixed size
   */
  constructor(map: string, key: (n: number) => Uint8Array) {
    this.#fd = open(this.#lib, map);
    const value = new Uint8Array(VALUE);
    for (let n = 0; ; n++) {
      const bytes = key(n);
      const result = this.#lib.update(this.#fd, bytes, value, 0);
      if (result === E2BIG) return;
      if (result !== 0) throw new Error(`${map}: entry ${n} was refused with ${result}`);
      this.#keys.push(bytes);
    }
  }

  get count(): number {
    return this.#keys.length;
  }

  /** Gives the room back; a second time does nothing. */
  free(): void {
    if (this.#fd < 0) return;
    for (const key of this.#keys.splice(0)) this.#lib.remove(this.#fd, key);
    closeSync(this.#fd);
    this.#fd = -1;
  }
}

/** How many entries a map has. */
export function entries(map: string, keySize: number): number {
  const lib = loadLibbpf();
  const fd = open(lib, map);
  let count = 0;
  let key: Uint8Array | null = null;
  for (let next = new Uint8Array(keySize); lib.nextKey(fd, key, next) === 0; next = new Uint8Array(keySize)) {
    key = next;
    count++;
  }
  closeSync(fd);
  return count;
}

function open(lib: Libbpf, map: string): number {
  const fd = lib.objGet(`${PINS}/v${HL_ABI}/${map}`);
  if (fd < 0) throw new Error(`no map ${map} is pinned: ${fd}`);
  return fd;
}
