/** What does not get smaller is stored as it is, mostly untried; and buffers go round. */
import { randomBytes } from 'node:crypto';
import t from 'tap';
import { Batch, FULL } from '../../src/recording/batch.ts';
import { Compressor } from '../../src/recording/compress.ts';
import { Codec } from '../../src/recording/format.ts';

const noise = randomBytes(FULL);
const text = Buffer.alloc(FULL, 'the same again and again\n');

t.test('after segments in vain only some are tried, until one gets smaller', async (t) => {
  const compressor = new Compressor();
  for (let n = 0; n < 20; n += 1) {
    const { codec, bytes } = await compressor.make(noise);
    t.equal(codec, Codec.stored);
    t.equal(bytes, noise, 'not a copy');
  }
  let passed = 0;
  while ((await compressor.make(text)).codec === Codec.stored) passed += 1;
  t.ok(passed > 0 && passed <= 32, `${passed} were passed over`);
  for (let n = 0; n < 5; n += 1) t.equal((await compressor.make(text)).codec, Codec.zstd);
});

t.test('short ones are always tried', async (t) => {
  const compressor = new Compressor();
  for (let n = 0; n < 3; n += 1) await compressor.make(noise);
  t.equal((await compressor.make(text.subarray(0, 1000))).codec, Codec.zstd);
});

t.test('a batch that was given back lends its bytes to another, and has none any more', async (t) => {
  const one = new Batch(0, true);
  one.add(1, Buffer.from('a'), text.subarray(0, 1000), 0);
  const { buffer } = one.bytes;
  one.recycle();
  t.equal(one.bytes.length, 0);
  const other = new Batch(0, true);
  t.equal(other.length, 0);
  other.add(1, Buffer.from('b'), text.subarray(0, 10), 0);
  t.equal(other.bytes.buffer, buffer);
  one.recycle();
  t.not(new Batch(0, true).bytes.buffer, buffer, 'given back twice it is lent once');
});
