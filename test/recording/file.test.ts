/** The file of a recording: what was written is read again, however it was cut; what is not what was written is told. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Batch } from '../../src/recording/batch.ts';
import { compress } from '../../src/recording/compress.ts';
import { RecordingFile } from '../../src/recording/file.ts';
import { RAW_MOST, SegmentType } from '../../src/recording/format.ts';
import type { SegmentBody } from '../../src/recording/frames.ts';
import {
  DamagedError,
  headerIn,
  recordsIn,
  type Segment,
  SegmentReader,
  trailerIn,
} from '../../src/recording/reader.ts';
import { survey } from '../../src/recording/survey.ts';

const HEADER = { id: 'H-1', hop: 'H', kind: 'rows', started: 1_790_000_000_000_000 };
const TEXTS = ['first', 'second '.repeat(40), '', 'fourth'];

async function segmentOf(...texts: string[]): Promise<SegmentBody> {
  const batch = new Batch(performance.now());
  for (const text of texts) batch.add(7, Buffer.from('>'), Buffer.from(text), performance.now());
  const { length: raw, at } = batch;
  return { ...(await compress(batch.bytes)), raw, at };
}

async function written(path: string, trailer = true): Promise<RecordingFile> {
  const file = await RecordingFile.create(path, HEADER);
  await file.segment(await segmentOf(...TEXTS.slice(0, 2)));
  await file.segment(await segmentOf(...TEXTS.slice(2)));
  if (trailer) await file.finish({ ended: HEADER.started + 5, reason: null });
  await file.close();
  return file;
}

function read(...chunks: Buffer[]): { segments: Segment[]; reader: SegmentReader } {
  const reader = new SegmentReader();
  const segments = chunks.flatMap((chunk) =>
    [...reader.push(chunk)].map((segment) => ({ ...segment, bytes: Buffer.from(segment.bytes) })),
  );
  return { segments, reader };
}

const textsIn = (segments: readonly Segment[]) =>
  segments
    .filter(({ type }) => type === SegmentType.data)
    .flatMap((segment) => [...recordsIn(segment)].map(({ bytes }) => bytes.toString()));

t.test('what was written is read', async (t) => {
  const path = join(t.testdir(), 'r');
  const file = await written(path);
  const bytes = readFileSync(path);
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.equal(file.bytes, bytes.length);
  t.equal(file.sha256, createHash('sha256').update(bytes).digest('hex'));
  const { segments, reader } = read(bytes);
  t.equal(reader.left, 0);
  t.same(headerIn(segments[0] as Segment), { version: 1, ...HEADER });
  t.same(
    textsIn(segments),
    TEXTS.map((text) => `>${text}`),
  );
  t.same(trailerIn(segments.at(-1) as Segment), { ended: HEADER.started + 5, reason: null });
  const [record] = recordsIn(segments[1] as Segment);
  t.equal(record?.type, 7);
  t.ok(Math.abs((record?.at ?? 0) / 1000 - Date.now()) < 10_000, 'the wall clock, in microseconds');
  await t.rejects(RecordingFile.create(path, HEADER), { code: 'EEXIST' });
});

t.test('cut at every byte: everything up to the last whole segment', async (t) => {
  const path = join(t.testdir(), 'r');
  await written(path);
  const bytes = readFileSync(path);
  const ends: number[] = [];
  for (const { stored } of read(bytes).segments) ends.push((ends.at(-1) ?? 8) + 32 + stored);
  let wrong = 0;
  for (let at = 0; at <= bytes.length; at++) {
    const { segments, reader } = read(bytes.subarray(0, at));
    const whole = ends.filter((end) => end <= at);
    const expected = at < 8 ? 0 : (whole.at(-1) ?? 8);
    if (segments.length !== whole.length || reader.whole !== expected || reader.left !== at - expected)
      wrong++;
  }
  t.equal(wrong, 0);
  for (const at of [0, 5, 8, 40, ends[0] ?? 0, (ends[1] ?? 0) + 1, (ends[3] ?? 0) - 1, bytes.length]) {
    const cut = join(t.testdir(), 'cut');
    writeFileSync(cut, bytes.subarray(0, at));
    const found = await survey(cut);
    t.match(found, { bytes: read(bytes.subarray(0, at)).reader.whole, damage: null });
    t.equal(found?.complete, at === bytes.length);
    t.equal(found?.sha256, createHash('sha256').update(bytes.subarray(0, found?.bytes)).digest('hex'));
  }
  t.equal(await survey(join(t.testdir(), 'none')), null);
});

t.test('in whatever pieces it comes', async (t) => {
  const path = join(t.testdir(), 'r');
  await written(path);
  const bytes = readFileSync(path);
  const whole = read(bytes).segments;
  for (const size of [1, 2, 7, 33, 100]) {
    const chunks = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
    t.same(read(...chunks).segments, whole, `${size} bytes at a time`);
  }
});

t.test('a changed byte is told, wherever it is', async (t) => {
  const path = join(t.testdir(), 'r');
  await written(path);
  const bytes = readFileSync(path);
  let unseen = 0;
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] as number) ^ 0x40;
    try {
      const { segments, reader } = read(changed);
      // A length that became another may only say that the end is missing.
      if (segments.length === 4 || reader.left === 0) unseen++;
    } catch (error) {
      if (!(error instanceof DamagedError)) throw error;
    }
  }
  t.equal(unseen, 0);
  const other = Buffer.concat([bytes.subarray(0, 200), Buffer.from('x'), bytes.subarray(200)]);
  const damaged = join(t.testdir(), 'd');
  writeFileSync(damaged, other);
  t.match(await survey(damaged), { damage: /segment/, complete: false });
});

t.test('segments that say other than what they hold', async (t) => {
  const bomb = await compress(Buffer.alloc(RAW_MOST));
  const segment = { type: SegmentType.data, index: 0, at: 0, crc: 0, stored: 0 };
  t.equal(bomb.codec, 1);
  for (const raw of [0, 10, RAW_MOST - 1])
    t.throws(() => [...recordsIn({ ...segment, ...bomb, raw })], DamagedError, `${raw} bytes, it says`);
  t.throws(() => [...recordsIn({ ...segment, codec: 1, raw: 5, bytes: Buffer.from('hello') })], DamagedError);
  t.throws(
    () => [...recordsIn({ ...segment, codec: 0, raw: 12, bytes: Buffer.from('\x01\0\0\0\x09\0\0\0\0abc') })],
    /ends within a record/,
  );
  t.throws(() => headerIn({ ...segment, codec: 0, raw: 1, bytes: Buffer.from('1') }), DamagedError);
});

t.test('batches grow with what they hold, and no further', async (t) => {
  const batch = new Batch(0);
  t.ok(batch.takes(900_000, 0), 'a record alone, however long');
  batch.add(1, Buffer.alloc(0), Buffer.alloc(900_000, 1), 0);
  t.notOk(batch.takes(1, 0));
  t.throws(() => new Batch(0).add(1, Buffer.alloc(0), Buffer.alloc(RAW_MOST), 0), RangeError);
  const small = new Batch(0);
  for (let n = 0; n < 10_000; n++)
    if (small.takes(20, n)) small.add(1, Buffer.alloc(10), Buffer.alloc(10), n);
  t.ok(small.length <= 256 << 10);
  t.notOk(new Batch(0).takes(1, 5_000_000) === false, 'an empty one takes anything');
  const old = new Batch(0);
  old.add(1, Buffer.alloc(0), Buffer.alloc(1), 0);
  t.notOk(old.takes(1, 5_000_000), 'after 71 minutes another begins');
});
