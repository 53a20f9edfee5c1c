/** The reader of the event ring against a ring written by hand, as kernel/bpf/ringbuf.c writes it. */
import t from 'tap';
import type { Libbpf } from '../../src/kernel/libbpf.ts';
import { EventRing } from '../../src/kernel/ring.ts';
import { Random } from '../core/random.ts';

const PAGE = 4096;
const HEADER = 8;
const BUSY = 0x80000000;
const DISCARD = 0x40000000;

/** The producer's side. The kernel maps the data twice in a row; here what wraps is written to both halves. */
class Producer {
  readonly size: number;
  readonly #consumer = new ArrayBuffer(PAGE);
  readonly #rest: ArrayBuffer;
  readonly ring: EventRing;

  constructor(size: number, at = 0) {
    this.size = size;
    this.#rest = new ArrayBuffer(PAGE + 2 * size);
    new BigUint64Array(this.#consumer)[0] = BigInt(at);
    new BigUint64Array(this.#rest)[0] = BigInt(at);
    const mmap: Libbpf['mmap'] = (_fd, length, writable, offset) => {
      t.same([length, offset], writable ? [PAGE, 0] : [PAGE + 2 * size, PAGE]);
      return writable ? this.#consumer : this.#rest;
    };
    this.ring = new EventRing({ mmap } as Libbpf, 3, size);
  }

  get consumed(): number {
    return Number(new BigUint64Array(this.#consumer)[0]);
  }

  get produced(): number {
    return Number(new BigUint64Array(this.#rest, 0, 1)[0]);
  }

  /** @returns false where there is no room, as bpf_ringbuf_output says then */
  write(data: Uint8Array, flags = 0): boolean {
    const room = (data.length + HEADER + 7) & ~7;
    if (this.produced + room - this.consumed > this.size) return false;
    const record = new Uint8Array(room);
    new DataView(record.buffer).setUint32(0, data.length + flags, true);
    record.set(data, HEADER);
    const bytes = new Uint8Array(this.#rest, PAGE);
    record.forEach((byte, n) => {
      const at = (this.produced + n) % this.size;
      bytes[at] = byte;
      bytes[at + this.size] = byte;
    });
    new BigUint64Array(this.#rest, 0, 1)[0] = BigInt(this.produced + room);
    return true;
  }

  commit(at: number, length: number): void {
    new DataView(this.#rest, PAGE).setUint32(at % this.size, length, true);
  }

  read(limit = 1000): string[] {
    const found: string[] = [];
    const count = this.ring.read((view, at, size) => {
      found.push(Buffer.from(view.buffer, view.byteOffset + at, size).toString('latin1'));
    }, limit);
    t.equal(count, found.length);
    return found;
  }
}

const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));

t.test('in order, what was discarded left out, at most as many as asked for', async (t) => {
  const producer = new Producer(4096);
  t.same(producer.read(), []);
  for (const text of ['first', '', 'third, of another length']) producer.write(bytes(text));
  producer.write(bytes('thrown away'), DISCARD);
  producer.write(bytes('last'));
  t.same(producer.read(2), ['first', '']);
  t.same(producer.read(2), ['third, of another length', 'last']);
  t.same(producer.read(), []);
});

t.test('what is still being written holds back what comes after it', async (t) => {
  const producer = new Producer(4096);
  producer.write(bytes('done'));
  const at = producer.produced;
  producer.write(bytes('half'), BUSY);
  producer.write(bytes('after'));
  t.same(producer.read(), ['done']);
  t.same(producer.read(), []);
  producer.commit(at, 4);
  t.same(producer.read(), ['half', 'after']);
});

t.test(
  'room is given back by release alone, and what was not released is read again by the next',
  async (t) => {
    const producer = new Producer(4096);
    producer.write(bytes('seen'));
    const pending = producer.ring.pending();
    t.ok(pending >= 4 + HEADER);
    producer.read();
    t.equal(producer.consumed, 0);
    t.equal(producer.ring.pending(), pending);
    producer.ring.release();
    t.equal(producer.consumed, producer.produced);
    t.equal(producer.ring.pending(), 0);
  },
);

t.test('round and round, past 32 bits of position, with a reader that is sometimes slow', async (t) => {
  const random = new Random(7);
  const producer = new Producer(4096, 2 ** 32 - 1024);
  const written: string[] = [];
  const read: string[] = [];
  let full = 0;
  for (let n = 0; n < 3000; n++) {
    const data = random.bytes(random.below(300));
    if (producer.write(data)) written.push(Buffer.from(data).toString('latin1'));
    else full++;
    if (random.below(6) === 0) read.push(...producer.read(1 + random.below(8)));
    if (random.below(8) === 0) producer.ring.release();
  }
  read.push(...producer.read());
  t.ok(full > 100 && written.length > 1000, `${written.length} events, ${full} without room`);
  t.ok(read.every((text, n) => text === written[n]));
  t.equal(read.length, written.length);
});
