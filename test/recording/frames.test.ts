import t from 'tap';
import {
  Ask,
  endingOf,
  type Frame,
  FrameError,
  FrameReader,
  frame,
  openingOf,
  segmentFrame,
  segmentOf,
} from '../../src/recording/frames.ts';
import { Random } from '../core/random.ts';

const SEGMENT = { at: 1.5e15, codec: 1, raw: 20, bytes: Buffer.from('compressed') } as const;
const BYTES = Buffer.concat([
  frame(Ask.open, 1, '{"hop":"H","kind":"rows"}'),
  ...segmentFrame(1, SEGMENT),
  frame(Ask.end, 1, '{"reason":null}'),
  frame(9, 0xffff_ffff),
]);

function readIn(sizes: () => number): Frame[] {
  const reader = new FrameReader();
  const frames: Frame[] = [];
  for (let at = 0; at < BYTES.length; ) {
    const size = Math.max(1, sizes());
    for (const one of reader.push(Buffer.from(BYTES.subarray(at, at + size))))
      frames.push({ ...one, body: Buffer.from(one.body) });
    at += size;
  }
  return frames;
}

t.test('whole, byte by byte, and in any pieces', async (t) => {
  const whole = readIn(() => BYTES.length);
  t.same(
    whole.map(({ type, stream }) => [type, stream]),
    [
      [Ask.open, 1],
      [Ask.segment, 1],
      [Ask.end, 1],
      [9, 0xffff_ffff],
    ],
  );
  t.same(openingOf(whole[0] as Frame), { of: { hop: 'H' }, kind: 'rows' });
  const login = { type: 1, stream: 1, body: Buffer.from('{"login":"L","kind":"terminal"}') };
  t.same(openingOf(login), { of: { login: 'L' }, kind: 'terminal' });
  t.same(segmentOf(whole[1] as Frame), SEGMENT);
  t.same(endingOf(whole[2] as Frame), { reason: null });
  t.same(
    readIn(() => 1),
    whole,
  );
  const random = new Random(7);
  for (let n = 0; n < 200; n++)
    t.same(
      readIn(() => random.below(30)),
      whole,
    );
});

t.test('nothing else is believed', async (t) => {
  const push = (bytes: Buffer) => [...new FrameReader().push(bytes)];
  for (const length of [0, 4, 2 << 20, 0xffff_ffff]) {
    const bytes = Buffer.alloc(9);
    bytes.writeUInt32BE(length);
    t.throws(() => push(bytes), FrameError, `${length} bytes`);
  }
  const of = (body: string | Buffer): Frame => ({ type: 1, stream: 1, body: Buffer.from(body) });
  for (const body of [
    '',
    '[]',
    '{"hop":1,"kind":"rows"}',
    '{"hop":"H","kind":"../x"}',
    '{"hop":"H"}',
    'x',
    '{"kind":"rows"}',
  ])
    t.throws(() => openingOf(of(body)), FrameError, body);
  for (const body of ['{}', '{"reason":5}', `{"reason":"${'x'.repeat(5000)}"}`])
    t.throws(() => endingOf(of(body)), FrameError, body.slice(0, 20));
  const [head, bytes] = segmentFrame(1, SEGMENT);
  const good = Buffer.concat([head.subarray(9), bytes]);
  t.ok(segmentOf(of(good)));
  const change = (at: number, byte: number) => {
    const changed = Buffer.from(good);
    changed[at] = byte;
    return of(changed);
  };
  t.throws(() => segmentOf(change(8, 2)), /codec/);
  t.throws(() => segmentOf(change(9, 0x7f)), /lengths/);
  t.throws(() => segmentOf(change(0, 0xff)), /time/);
  t.throws(() => segmentOf(change(8, 0)), /lengths/, 'stored as it is, of another length');
  t.throws(() => segmentOf(of(good.subarray(0, 12))), /shorter/);
  t.throws(() => segmentOf(of(good.subarray(0, 13))), /lengths/, 'nothing in it');
});
