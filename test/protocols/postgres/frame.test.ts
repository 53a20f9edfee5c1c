/** The framer: what it hands over, in how many pieces, what it refuses, what it keeps, and how it waits. */
import t from 'tap';
import { encode } from '../../../src/protocols/postgres/encode.ts';
import { commandComplete, dataRow, readyForQuery } from '../../../src/protocols/postgres/encode-backend.ts';
import { copyData, parse, query, sync } from '../../../src/protocols/postgres/encode-frontend.ts';
import { ProtocolError } from '../../../src/protocols/postgres/errors.ts';
import { type Disposition, type FrameHandler, Framer } from '../../../src/protocols/postgres/frame.ts';
import { backendLimits, frontendLimits, WHOLE } from '../../../src/protocols/postgres/limits.ts';
import { Backend, Frontend } from '../../../src/protocols/postgres/messages.ts';
import { cut, play, Recorder } from './record.ts';
import { wire } from './wire.ts';

const FRONTEND = frontendLimits();
const BACKEND = backendLimits();
const handed = (recorder: Recorder) => recorder.events.filter(({ call }) => call !== 'begin');
const row = (value: string): Buffer => encode(dataRow, [Buffer.from(value)]);

class Silent implements FrameHandler {
  forwards = 0;
  bytes = 0;
  chunk: Buffer | null = null;
  readonly #disposition: Disposition;

  constructor(disposition: Disposition) {
    this.#disposition = disposition;
  }

  begin(): Disposition {
    return this.#disposition;
  }

  forward(bytes: Buffer): void {
    this.forwards += 1;
    this.bytes += bytes.length;
    this.chunk = bytes;
  }

  whole(_type: number, message: Buffer): void {
    this.chunk = message;
  }

  piece(_type: number, bytes: Buffer): void {
    this.bytes += bytes.length;
  }
}

t.test('a chunk of a thousand forwarded rows is one call with the chunk itself', async (t) => {
  const chunk = Buffer.concat(Array.from({ length: 1000 }, (_, n) => row(`row ${n}`)));
  const handler = new Silent('forward');
  t.equal(new Framer(handler, BACKEND).push(chunk), true);
  t.equal(handler.forwards, 1);
  t.equal(handler.chunk, chunk);
});

t.test('what is tapped comes apart from what is not, and whole runs of it uncopied', async (t) => {
  const parts = ['a', 'b', 'c', 'd', 'e', 'f'].map(row);
  const chunk = Buffer.concat(parts);
  const seen: [boolean, Buffer][] = [];
  let count = 0;
  const handler: FrameHandler = {
    begin: () => (++count > 2 && count < 5 ? 'tap' : 'forward'),
    forward: (bytes, tapped) => seen.push([tapped, bytes]),
    whole: () => {},
    piece: () => {},
  };
  new Framer(handler, BACKEND).push(chunk);
  t.same(
    seen.map(([tapped, bytes]) => [tapped, bytes.toString('latin1')]),
    [
      [0, 2],
      [2, 4],
      [4, 6],
    ].map(([from, to], at) => [at === 1, Buffer.concat(parts.slice(from, to)).toString('latin1')]),
  );
  t.ok(seen.every(([, bytes]) => bytes.buffer === chunk.buffer));
  for (let size = 1; size < 40; size++) {
    const choose = (_type: number, _length: number, index: number) =>
      index > 1 && index < 4 ? ('tap' as const) : ('forward' as const);
    const places = Array.from({ length: Math.ceil(chunk.length / size) - 1 }, (_, n) => (n + 1) * size);
    const { events } = play(cut(chunk, places), choose, BACKEND);
    const joined = (call: string) =>
      Buffer.concat(events.flatMap((event) => (event.call === call && event.bytes ? [event.bytes] : [])));
    t.same(joined('tap'), Buffer.concat(parts.slice(2, 4)), `${size} bytes at a time`);
    t.same(joined('forward'), Buffer.concat([...parts.slice(0, 2), ...parts.slice(4)]));
  }
});

t.test('between what is looked at, one call for each run, without a copy', async (t) => {
  const parts = [
    row('a'),
    row('b'),
    encode(commandComplete, 'SELECT 2'),
    row('c'),
    encode(readyForQuery, 'I'),
  ];
  const chunk = Buffer.concat(parts);
  const seen: [string, Buffer][] = [];
  const framer = new Framer(
    {
      begin: (type) => (type === Backend.DataRow ? 'forward' : 'whole'),
      forward: (bytes) => seen.push(['forward', bytes]),
      whole: (_type, message) => seen.push(['whole', message]),
      piece: () => {},
    },
    BACKEND,
  );
  framer.push(chunk);
  t.same(
    seen.map(([call, bytes]) => [call, bytes.toString('latin1')]),
    [
      ['forward', Buffer.concat([row('a'), row('b')]).toString('latin1')],
      ['whole', parts[2]?.toString('latin1')],
      ['forward', parts[3]?.toString('latin1')],
      ['whole', parts[4]?.toString('latin1')],
    ],
  );
  for (const [, bytes] of seen) t.equal(bytes.buffer, chunk.buffer);
});

t.test('a message in pieces', async (t) => {
  const message = encode(copyData, Buffer.alloc(20, 0x61));
  const chunks = cut(message, [7, 15]);
  t.same(
    handed(play(chunks, () => 'stream', FRONTEND)).map(({ bytes, last }) => [bytes?.length, last]),
    [
      [7, false],
      [8, false],
      [10, true],
    ],
  );
  t.same(
    handed(play(cut(message, [3]), () => 'stream', FRONTEND)).map(({ bytes }) => bytes?.length),
    [5, 20],
  );
  t.same(handed(play(chunks, () => 'drop', FRONTEND)), []);
  t.same(
    handed(play(chunks, () => 'whole', FRONTEND)).map(({ bytes }) => bytes),
    [message],
  );
  const empty = encode(sync);
  for (const way of ['stream', 'whole', 'forward'] as const)
    t.same(
      handed(play(cut(empty, [1, 2, 3, 4]), () => way, FRONTEND)).map(({ bytes }) => bytes),
      [empty],
      `a Sync byte by byte, ${way}`,
    );
});

t.test('a dropped message leaves no gap and no mixture', async (t) => {
  const chunk = Buffer.concat([row('a'), row('bb'), row('c')]);
  const events = handed(
    play([chunk], (_type, _length, index) => (index === 1 ? 'drop' : 'forward'), BACKEND),
  );
  t.same(
    events.map(({ bytes }) => bytes),
    [row('a'), row('c')],
  );
});

t.test('lengths and types that cannot be', async (t) => {
  const refused: [string, Buffer, typeof FRONTEND, string][] = [
    ['a type of the other direction', wire(`'Z' 00000005 'I'`), FRONTEND, 'type'],
    ['a type of no direction', wire(`00 00000004`), BACKEND, 'type'],
    ['no type, no length', wire(`7a 00000000`), BACKEND, 'type'],
    ['length 3', wire(`'Q' 00000003 00`), FRONTEND, 'length'],
    ['length 0', wire(`'S' 00000000`), FRONTEND, 'length'],
    ['length -1', wire(`'Q' ffffffff`), FRONTEND, 'length'],
    ['a Query without a terminator', wire(`'Q' 00000004`), FRONTEND, 'length'],
    ['a Sync that holds something', wire(`'S' 00000005 00`), FRONTEND, 'length'],
    ['a Query that the server refuses', wire(`'Q' 3fffffff`), FRONTEND, 'length'],
    ['a Describe of 10,001 bytes', wire(`'D' 00002711`), FRONTEND, 'length'],
    ['a password of 65,536 bytes', wire(`'p' 00010000`), FRONTEND, 'length'],
    ['an Authentication of 2,001 bytes', wire(`'R' 000007d1`), BACKEND, 'length'],
    ['a key of 257 bytes', wire(`'K' 00000109`), BACKEND, 'length'],
    ['a ReadyForQuery of 6 bytes', wire(`'Z' 00000006`), BACKEND, 'length'],
  ];
  for (const [name, bytes, limits, code] of refused)
    for (const chunks of [[bytes], cut(bytes, [1, 2, 3, 4])]) {
      const handler = new Silent('forward');
      const framer = new Framer(handler, limits);
      try {
        for (const chunk of chunks) framer.push(chunk);
        t.fail(name);
      } catch (error) {
        t.type(error, ProtocolError, name);
        t.equal((error as ProtocolError).code, code, `${name}: ${error}`);
        t.throws(() => framer.push(encode(sync)), error as Error, 'and it stays refused');
      }
      t.equal(handler.forwards, 0);
    }
});

t.test('what came before a bad message is handed over', async (t) => {
  const chunk = Buffer.concat([row('a'), row('b'), wire(`'Z' 00000003`)]);
  const recorder = play([chunk], () => 'forward', BACKEND);
  t.same(
    handed(recorder).map(({ call }) => call),
    ['forward', 'error'],
  );
  t.same(handed(recorder)[0]?.bytes, Buffer.concat([row('a'), row('b')]));
});

t.test('an error of the handler ends the framer, after what came before', async (t) => {
  const recorder = new Recorder((type) => {
    if (type === Backend.ReadyForQuery) throw new Error('not now');
    return 'forward';
  });
  const framer = new Framer(recorder, BACKEND);
  t.throws(() => framer.push(Buffer.concat([row('a'), encode(readyForQuery, 'I')])), /not now/);
  t.same(
    handed(recorder).map(({ bytes }) => bytes),
    [row('a')],
  );
  t.throws(() => framer.push(row('b')), /not now/);
  t.throws(() => framer.resume(), /not now/);
});

t.test('what is kept whole has a cap of its own type', async (t) => {
  const header = wire(`'Q' 00100001`);
  t.throws(() => new Framer(new Silent('whole'), FRONTEND).push(header), { code: 'too_long', type: 'Query' });
  t.doesNotThrow(() => new Framer(new Silent('forward'), FRONTEND).push(header));
  t.doesNotThrow(() => new Framer(new Silent('stream'), FRONTEND).push(header));
  const narrow = frontendLimits({ Query: 20, PasswordMessage: 100 });
  t.throws(() => new Framer(new Silent('whole'), narrow).push(encode(query, 'x'.repeat(16))), {
    code: 'too_long',
  });
  t.doesNotThrow(() => new Framer(new Silent('whole'), narrow).push(encode(query, 'x'.repeat(15))));
  t.equal(narrow.whole[Frontend.PasswordMessage], 100);
  t.equal(narrow.whole[Frontend.Parse], WHOLE);
  t.equal(frontendLimits({ Sync: 9000 }).whole[Frontend.Sync], 4, 'never more than the type can have');
});

t.test('a length that is only claimed costs no memory', async (t) => {
  const gigabyte = 0x3ffffffe;
  const limits = frontendLimits({ Query: gigabyte, CopyData: gigabyte });
  const before = process.memoryUsage();
  const framers: Framer[] = [];
  for (let n = 0; n < 1000; n += 1) {
    const framer = new Framer(new Silent(n % 2 ? 'whole' : 'stream'), limits);
    framer.push(wire(`'Q' 3ffffffe 'select'`));
    framers.push(framer);
  }
  const after = process.memoryUsage();
  t.ok(
    after.arrayBuffers - before.arrayBuffers < 4_000_000,
    `${after.arrayBuffers - before.arrayBuffers} bytes`,
  );
  t.ok(after.rss - before.rss < 100_000_000);
  t.equal(
    framers.reduce((sum, framer) => sum + framer.kept, 0),
    500 * 11,
  );
});

t.test('memory grows with what arrived, at most to twice of it', async (t) => {
  const framer = new Framer(new Silent('whole'), frontendLimits({ Query: 0x3ffffffe }));
  const before = process.memoryUsage().arrayBuffers;
  framer.push(wire(`'Q' 3ffffffe`));
  const chunk = Buffer.alloc(64 * 1024, 0x20);
  for (let n = 0; n < 48; n += 1) framer.push(chunk);
  t.equal(framer.kept, 5 + 48 * chunk.length);
  global.gc?.();
  const grown = process.memoryUsage().arrayBuffers - before;
  t.ok(
    grown < 4 * 48 * chunk.length,
    `${grown} bytes for ${48 * chunk.length}, with what is not collected yet`,
  );
});

t.test('a message of many chunks is let go when it is handed over', async (t) => {
  const message = encode(parse, 's', 'x'.repeat(100_000));
  const framer = new Framer(new Silent('whole'), FRONTEND);
  for (const chunk of cut(message, [3, 1000, 1001, 50_000])) framer.push(chunk);
  t.equal(framer.kept, 0);
});
