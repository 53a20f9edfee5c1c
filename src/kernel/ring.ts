import type { Libbpf } from './libbpf.ts';

const PAGE = 4096;
const BUSY = 0x80000000;
const DISCARD = 0x40000000;
const HEADER = 8;

/**
 * The events ring buffer, mapped and read in place
 * (https://docs.kernel.org/bpf/ringbuf.html; layout in kernel/bpf/ringbuf.c).
 *
 * Reading and releasing are two steps: `read` hands events over, `release` gives their room back to the
 * kernel. Between them the caller commits what they said, so that a supervisor killed in between reads
 * them again: the ring is pinned and outlives it.
 */
export class EventRing {
  readonly #consumer: BigUint64Array;
  readonly #producer: BigUint64Array;
  readonly #data: DataView;
  readonly #words: Uint32Array;
  readonly #mask: number;
  /** Bytes handed over, from the ring's beginning; ahead of the kernel's consumer position. */
  #at: bigint;

  /** @param size the map's max_entries: a power of two, in bytes */
  constructor(lib: Libbpf, fd: number, size: number) {
    this.#consumer = new BigUint64Array(lib.mmap(fd, PAGE, true, 0));
    const rest = lib.mmap(fd, PAGE + 2 * size, false, PAGE);
    this.#producer = new BigUint64Array(rest, 0, 1);
    this.#data = new DataView(rest, PAGE);
    this.#words = new Uint32Array(rest, PAGE);
    this.#mask = size - 1;
    this.#at = Atomics.load(this.#consumer, 0);
  }

  /** How far the kernel has written, in bytes from the ring's beginning. */
  produced(): bigint {
    return Atomics.load(this.#producer, 0);
  }

  /**
   * Hands over at most `limit` events; a view is valid until `release`.
   * @param until what the kernel has written beyond it stays for later
   * @returns how many there were
   */
  read(
    handle: (view: DataView, at: number, size: number) => void,
    limit: number,
    until: bigint = this.produced(),
  ): number {
    let count = 0;
    while (this.#at < until && count < limit) {
      const offset = Number(this.#at & BigInt(this.#mask));
      const length = Atomics.load(this.#words, offset >> 2);
      if (length & BUSY) break;
      const size = length & ~DISCARD & 0x3fffffff;
      if (!(length & DISCARD)) {
        handle(this.#data, offset + HEADER, size);
        count++;
      }
      this.#at += BigInt((size + HEADER + 7) & ~7);
    }
    return count;
  }

  /** Gives back the room of all that was read. */
  release(): void {
    Atomics.store(this.#consumer, 0, this.#at);
  }

  /** Bytes written by the kernel and not yet released. */
  pending(): number {
    return Number(this.produced() - Atomics.load(this.#consumer, 0));
  }
}
