/** What is kept of a command's output: of what is no text its beginning, and the sum of all of it. */
import { createHash } from 'node:crypto';
import t from 'tap';
import { CommandRecorder, HEAD } from '../../../src/protocols/ssh/recorded/command.ts';
import { Kept } from '../../../src/protocols/ssh/recorded/records.ts';

const PIECE = 32_768;

/** @param room bytes that the recording takes */
function recorder(whole = false, room = Number.POSITIVE_INFINITY) {
  const records: [number, Buffer][] = [];
  let left = room;
  const write = (type: number, _: number, bytes: Buffer): boolean => {
    if (bytes.length > left) return false;
    left -= bytes.length;
    records.push([type, Buffer.from(bytes)]);
    return true;
  };
  const made = new CommandRecorder({ write }, 1, whole);
  return {
    made,
    kept: (type: number) =>
      Buffer.concat(records.filter(([of]) => of === type).map(([, bytes]) => bytes)).length,
    binary: () => records.filter(([type]) => type === Kept.binary).map(([, bytes]) => JSON.parse(`${bytes}`)),
    counts: () =>
      records.filter(([type]) => type === Kept.withheld).map(([, bytes]) => bytes.readUInt32BE(0)),
  };
}

function feed(
  { made }: ReturnType<typeof recorder>,
  bytes: Buffer,
  stream: 'stdout' | 'stderr' = 'stdout',
): void {
  for (let at = 0; at < bytes.length; at += PIECE) made.output(bytes.subarray(at, at + PIECE), stream);
}

const sum = (bytes: Buffer) => ({
  bytes: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
});

t.test('at the bound', async (t) => {
  for (const length of [HEAD - 1, HEAD]) {
    const one = recorder();
    feed(one, Buffer.alloc(length));
    t.same(one.made.end(), {}, `${length}: all of it is kept`);
    t.equal(one.kept(Kept.stdout), length);
    t.same(one.binary(), []);
  }
  const over = recorder();
  const bytes = Buffer.alloc(HEAD + 1);
  feed(over, bytes);
  over.made.output(Buffer.alloc(0), 'stdout');
  t.same(over.made.end(), { stdout: { ...sum(bytes), kept: HEAD } });
  t.same(over.binary(), [
    { stream: 'stdout', kept: HEAD, sum: null },
    { stream: 'stdout', kept: HEAD, sum: sum(bytes) },
  ]);
});

t.test('a NUL in the piece that crosses it, and one behind it', async (t) => {
  const text = Buffer.alloc(HEAD + 5 * PIECE, 'text ');
  const crossing = Buffer.from(text);
  crossing[HEAD + 10] = 0;
  // Pieces of another length, so that one has bytes on both sides.
  const one = recorder();
  for (let at = 0; at < crossing.length; at += 30_000)
    one.made.output(crossing.subarray(at, at + 30_000), 'stdout');
  const kept = Math.ceil(HEAD / 30_000) * 30_000;
  t.same(one.made.end(), { stdout: { ...sum(crossing), kept } });
  t.equal(one.kept(Kept.stdout), kept);
  const behind = recorder();
  const late = Buffer.from(text);
  late[HEAD + 2 * PIECE] = 0;
  feed(behind, late);
  t.same(behind.made.end(), {}, 'that is text');
  t.equal(behind.kept(Kept.stdout), late.length);
});

t.test('an empty piece says nothing', async (t) => {
  const one = recorder();
  feed(one, Buffer.alloc(HEAD));
  one.made.output(Buffer.alloc(0), 'stdout');
  t.same(one.made.end(), {});
  t.same(one.binary(), []);
});

t.test('both streams, each by itself; all of it where that is wanted', async (t) => {
  const bytes = Buffer.alloc(2 * HEAD);
  const text = Buffer.alloc(2 * HEAD, 'x');
  const one = recorder();
  feed(one, bytes, 'stderr');
  feed(one, text);
  t.same(one.made.end(), { stderr: { ...sum(bytes), kept: HEAD } });
  t.equal(one.kept(Kept.stdout), text.length);
  const whole = recorder(true);
  feed(whole, bytes);
  t.same(whole.made.end(), {});
  t.equal(whole.kept(Kept.stdout), bytes.length);
});

t.test('a recording that is full has what it has', async (t) => {
  const one = recorder(false, 3 * PIECE);
  const bytes = Buffer.alloc(2 * HEAD);
  feed(one, bytes);
  t.same(one.made.end(), { stdout: { ...sum(bytes), kept: 3 * PIECE } });
});

t.test('what is fed is counted, also beyond what a record can say', async (t) => {
  const one = recorder();
  const piece = { length: 0xffff_ffff } as Buffer;
  one.made.input(piece);
  one.made.input(Buffer.alloc(10));
  one.made.end();
  t.same(one.counts(), [0xffff_ffff, 10]);
});
