import t from 'tap';
import {
  beginFrame,
  beginningOf,
  type Frame,
  Say,
  ShellFrameError,
  ShellFrameReader,
  shellFrame,
  sizeOf,
} from '../../src/shell/frames.ts';
import { Random } from '../core/random.ts';

const BEGINNING = { term: 'xterm', columns: 100, rows: 30, command: 'echo "ü"' };
const BYTES = Buffer.concat([
  ...beginFrame(BEGINNING),
  ...shellFrame(Say.output, Buffer.from('one')),
  ...shellFrame(Say.input, Buffer.of(1), Buffer.from('two')),
  ...shellFrame(Say.end),
]);

/** @param piece bytes of the next piece */
function read(piece: () => number): [number, string][] {
  const reader = new ShellFrameReader();
  const found: [number, string][] = [];
  for (let at = 0; at < BYTES.length; ) {
    const length = Math.max(1, piece());
    for (const { type, body } of reader.push(BYTES.subarray(at, at + length)))
      found.push([type, body.toString()]);
    at += length;
  }
  return found;
}

t.test('whole, byte by byte, and in any pieces', async (t) => {
  const whole = read(() => BYTES.length);
  t.same(
    whole.map(([type, body]) => (type === Say.begin ? [type] : [type, body])),
    [[Say.begin], [Say.output, 'one'], [Say.input, '\x01two'], [Say.end, '']],
  );
  t.same(beginningOf(Buffer.from(whole[0]?.[1] ?? '')), BEGINNING);
  t.same(
    read(() => 1),
    whole,
  );
  const random = new Random(3);
  for (let n = 0; n < 200; n++)
    t.same(
      read(() => random.below(30)),
      whole,
    );
});

t.test('a login shell, and a command of any length and in any characters', async (t) => {
  const again = (command: string | null) => {
    const bytes = Buffer.concat(beginFrame({ ...BEGINNING, command }));
    const [frame] = [...new ShellFrameReader().push(bytes)] as [Frame];
    return beginningOf(frame.body).command;
  };
  t.equal(again(null), null);
  for (const text of ['\u0001', 'ü', '😀', '"', '\ud800']) {
    const most = text.repeat(200_000);
    const kept = again(most) ?? '';
    t.ok(kept.length > 1000 && most.toWellFormed().startsWith(kept.slice(0, -1)), JSON.stringify(text));
  }
});

t.test('what no shell says', async (t) => {
  const begin = (over: object) => Buffer.from(JSON.stringify({ ...BEGINNING, ...over }));
  for (const body of [
    Buffer.from(''),
    Buffer.from('[]'),
    Buffer.from('{'),
    begin({ term: 5 }),
    begin({ term: 'x'.repeat(65) }),
    begin({ columns: -1 }),
    begin({ rows: 65_536 }),
    begin({ command: 7 }),
    begin({ command: 'x'.repeat(20_000) }),
  ])
    t.throws(() => beginningOf(body), ShellFrameError, body.toString().slice(0, 40));
  t.same(sizeOf(Buffer.from('0000006400000028', 'hex')), { columns: 100, rows: 40 });
  for (const body of [Buffer.alloc(7), Buffer.alloc(9), Buffer.alloc(8, 0xff)])
    t.throws(() => sizeOf(body), ShellFrameError);
  const long = Buffer.from('0300010001', 'hex');
  t.throws(() => [...new ShellFrameReader().push(long)], /a frame of 65537 bytes/);
});
