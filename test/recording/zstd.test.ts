/** zstd through koffi: what comes out is zstd's, whatever went in; and what cannot be is an error. */
import { randomBytes } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import t from 'tap';
import { bound, Context } from '../../src/recording/zstd.ts';

const LENGTHS = [0, 1, 200, 65_535, 131_072, 262_144, 1 << 20];

t.test('there and back, in this thread and in another', async (t) => {
  const context = new Context(1);
  for (const length of LENGTHS)
    for (const raw of [Buffer.alloc(length, 'words '), randomBytes(length)]) {
      const out = Buffer.alloc(bound(length));
      t.ok(zstdDecompressSync(out.subarray(0, context.compress(raw, out))).equals(raw), `${length}`);
      const beside = await context.compressBeside(raw, out);
      t.ok(zstdDecompressSync(out.subarray(0, beside)).equals(raw), `${length} beside`);
    }
});

t.test('several at once, each with its own context', async (t) => {
  const all = Array.from({ length: 8 }, (_, n) => Buffer.alloc(300_000, `${n} of all `));
  const made = await Promise.all(
    all.map(async (raw) => {
      const out = Buffer.alloc(bound(raw.length));
      return out.subarray(0, await new Context(1).compressBeside(raw, out));
    }),
  );
  for (const [n, bytes] of made.entries()) t.ok(zstdDecompressSync(bytes).equals(all[n] as Buffer));
});

t.test('too little room is an error, and the context goes on', async (t) => {
  const context = new Context(1);
  const noise = randomBytes(1000);
  const out = Buffer.alloc(10);
  t.throws(() => context.compress(noise, out), { message: /^zstd: Destination buffer is too small$/ });
  await t.rejects(context.compressBeside(noise, out), { message: /^zstd: / });
  const room = Buffer.alloc(bound(1000));
  t.ok(zstdDecompressSync(room.subarray(0, context.compress(noise, room))).equals(noise));
});
