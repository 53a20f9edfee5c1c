/** However the bytes are cut, and however often it is paused, the framer hands over the same. */
import { createHash } from 'node:crypto';
import t from 'tap';
import { encode } from '../../../src/protocols/postgres/encode.ts';
import { copyData } from '../../../src/protocols/postgres/encode-frontend.ts';
import type { Disposition } from '../../../src/protocols/postgres/frame.ts';
import { backendLimits, frontendLimits, type Limits } from '../../../src/protocols/postgres/limits.ts';
import { StartupReader } from '../../../src/protocols/postgres/startup.ts';
import { Random } from '../../core/random.ts';
import { type Choose, cut, type Event, normal, play } from './record.ts';
import { backend, frontend, startup, type Vector } from './vectors.ts';
import { wire } from './wire.ts';

const WAYS: readonly Disposition[] = ['forward', 'whole', 'stream', 'drop'];

interface Conversation {
  readonly bytes: Buffer;
  readonly choose: Choose;
  readonly limits: Limits;
}

/** Valid messages, some of them long, each with a way of its own; at times a bad one ends it. */
function conversation(random: Random, vectors: readonly Vector[], limits: Limits): Conversation {
  const parts: Buffer[] = [];
  const ways: Disposition[] = [];
  for (let n = 1 + random.below(12); n > 0; n -= 1) {
    const long = random.below(8) === 0;
    parts.push(
      long ? encode(copyData, Buffer.from(random.bytes(random.below(3000)))) : random.pick(vectors).bytes,
    );
    ways.push(random.below(2) ? 'forward' : random.pick(WAYS));
  }
  if (random.below(4) === 0)
    parts.push(random.pick([wire(`'Q' 00000003`), wire(`7a 00000010`), wire(`'Z' ffffffff`)]));
  return { bytes: Buffer.concat(parts), choose: (_type, _length, index) => ways[index] ?? 'forward', limits };
}

/** All that was handed over, in a few characters for each event. */
function digest(events: readonly Event[]): string {
  const { begun, handed } = normal(events);
  return [...begun, ...handed]
    .map(({ bytes, ...event }) => {
      const sum = bytes && `${bytes.length} ${createHash('sha1').update(bytes).digest('hex').slice(0, 8)}`;
      return JSON.stringify({ ...event, sum });
    })
    .join('\n');
}

function places(random: Random, length: number): number[] {
  const count = 1 + random.below(12);
  return Array.from({ length: count }, () => random.below(length + 1)).sort((a, b) => a - b);
}

for (const [name, vectors, limits] of [
  ['frontend', frontend, frontendLimits()],
  ['backend', backend, backendLimits()],
] as const) {
  const all = Buffer.concat(vectors.map(({ bytes }) => bytes));
  const chooses: Choose[] = [
    ...WAYS.map((way) => () => way),
    (_type, _length, index) => WAYS[index % 4] ?? 'forward',
    (_type, _length, index) => (index % 3 ? 'forward' : 'whole'),
  ];

  t.test(`${name}: two chunks, cut at every byte; and byte by byte`, async (t) => {
    for (const choose of chooses) {
      const want = digest(play([all], choose, limits).events);
      for (let at = 1; at < all.length; at += 1) {
        const got = digest(play(cut(all, [at]), choose, limits).events);
        if (got !== want) t.equal(got, want, `cut at ${at}`);
      }
      const bytes = Array.from({ length: all.length }, (_, at) => all.subarray(at, at + 1));
      t.equal(digest(play(bytes, choose, limits).events), want);
    }
  });

  t.test(`${name}: random conversations, cuts and pauses`, async (t) => {
    const random = new Random(0x5eed);
    for (let round = 0; round < 1500; round += 1) {
      const { bytes, choose } = conversation(random, vectors, limits);
      const want = digest(play([bytes], choose, limits).events);
      const chunks = cut(bytes, places(random, bytes.length));
      const got = digest(play(chunks, choose, limits).events);
      if (got !== want) t.equal(got, want, `round ${round}`);
      const often = 1 + random.below(5);
      const paused = play(chunks, choose, limits, (framer) => {
        if (random.below(often) === 0) framer.pause();
        if (random.below(3) === 0) framer.resume();
      });
      const so = digest(paused.events);
      if (so !== want) t.equal(so, want, `round ${round}, paused`);
    }
    t.pass('all the same');
  });

  t.test(`${name}: what is forwarded, streamed and whole is every byte`, async (t) => {
    const ways: readonly Disposition[] = ['forward', 'whole', 'stream'];
    const { events } = play([all], (_type, _length, index) => ways[index % 3] ?? 'forward', limits);
    t.same(Buffer.concat(events.flatMap(({ bytes }) => bytes ?? [])), all);
  });
}

t.test('startup packets, cut at every byte', async (t) => {
  for (const { bytes, says } of startup) {
    const ends = says.name !== 'SSLRequest' && says.name !== 'GSSENCRequest';
    const followed = ends ? Buffer.concat([bytes, Buffer.from('Q\0\0\0\x05\0')]) : bytes;
    const whole = JSON.stringify({ packet: says, bytes });
    for (let at = 0; at <= followed.length; at += 1) {
      const reader = new StartupReader(false);
      const chunks = cut(followed, [at]).map((chunk) => Buffer.from(chunk));
      const used = chunks.findIndex((chunk) => {
        const arrival = reader.push(chunk);
        if (arrival === null) return false;
        const { rest, ...got } = arrival;
        if (JSON.stringify(got) !== whole) t.same(got, { packet: says, bytes }, `cut at ${at}`);
        const left = (at >= bytes.length ? at : followed.length) - bytes.length;
        if (rest.length !== left) t.equal(rest.length, left, `${says.name}, cut at ${at}: what is left`);
        return true;
      });
      if (used !== (at >= bytes.length ? 0 : 1)) t.fail(`${says.name}, cut at ${at}: not whole`);
    }
  }
  t.pass('all the same');
});
