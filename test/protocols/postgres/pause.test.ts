/** A framer that is paused: from each of its calls, from outside, with more arriving. */
import t from 'tap';
import { encode } from '../../../src/protocols/postgres/encode.ts';
import { dataRow } from '../../../src/protocols/postgres/encode-backend.ts';
import { copyData, execute, query, sync } from '../../../src/protocols/postgres/encode-frontend.ts';
import { type Disposition, Framer } from '../../../src/protocols/postgres/frame.ts';
import { backendLimits, frontendLimits } from '../../../src/protocols/postgres/limits.ts';
import { Frontend } from '../../../src/protocols/postgres/messages.ts';
import { cut, type Event, Recorder } from './record.ts';

const LIMITS = frontendLimits();

/** A framer whose `stop` pauses it, for the events that it names. */
function rig(stop: (event: Event) => boolean, way: (type: number) => Disposition = () => 'whole') {
  const recorder = new Recorder(way);
  const framer = new Framer(recorder, LIMITS);
  recorder.after = (event) => {
    if (stop(event)) framer.pause();
  };
  const calls = (): string[] =>
    recorder.events.map(({ call, type }) =>
      type === undefined ? call : `${call} ${String.fromCharCode(type)}`,
    );
  return { recorder, framer, calls };
}

const isQuery = ({ call, type }: Event): boolean => call === 'whole' && type === Frontend.Query;

t.test('nothing of the chunk is handled after a pause, until it goes on', async (t) => {
  const { framer, calls } = rig(isQuery);
  const chunk = Buffer.concat([encode(query, 'drop'), encode(sync), encode(query, 'select'), encode(sync)]);
  t.equal(framer.push(chunk), false);
  t.equal(framer.paused, true);
  t.same(calls(), ['begin Q', 'whole Q']);
  t.equal(framer.boundary, true);
  t.equal(framer.kept, chunk.length - encode(query, 'drop').length);
  chunk.fill(0);
  framer.resume();
  t.same(calls(), ['begin Q', 'whole Q', 'begin S', 'whole S', 'begin Q', 'whole Q']);
  t.equal(framer.paused, true, 'the second Query pauses again');
  framer.resume();
  t.same(calls().at(-1), 'whole S');
  t.equal(framer.kept, 0);
  framer.resume();
});

t.test('what comes while paused waits, in order', async (t) => {
  const { framer, recorder } = rig(isQuery, (type) => (type === Frontend.CopyData ? 'forward' : 'whole'));
  const rest = Buffer.concat([
    encode(copyData, Buffer.from('one')),
    encode(copyData, Buffer.from('two')),
    encode(sync),
  ]);
  framer.push(encode(query, 'copy'));
  for (const part of cut(rest, [2, 9, 20])) {
    const lent = Buffer.from(part);
    t.equal(framer.push(lent), false);
    lent.fill(0);
  }
  t.equal(framer.kept, rest.length);
  framer.resume();
  t.equal(framer.paused, false);
  const handed = recorder.events.filter(({ call, type }) => call !== 'begin' && type !== Frontend.Query);
  t.same(Buffer.concat(handed.map(({ bytes }) => bytes ?? Buffer.alloc(0))), rest);
});

t.test('what waits is bounded', async (t) => {
  const recorder = new Recorder(() => 'forward');
  const framer = new Framer(recorder, frontendLimits({}, 1000));
  framer.pause();
  t.equal(framer.push(Buffer.alloc(1000)), false);
  t.throws(() => framer.push(Buffer.alloc(1)), { code: 'waiting' });
  t.throws(() => framer.resume(), { code: 'waiting' });
});

t.test('paused from begin: before the first byte of that message', async (t) => {
  for (const way of ['forward', 'whole', 'stream', 'drop'] as const)
    for (const places of [[], [2], [5], [6]]) {
      const { framer, recorder } = rig(
        ({ call, type }) => call === 'begin' && type === Frontend.Execute,
        (type) => (type === Frontend.Execute ? way : 'forward'),
      );
      const before = encode(copyData, Buffer.from('a'));
      const message = encode(execute, 'portal');
      const chunks = cut(Buffer.concat([message, encode(sync)]), places);
      framer.push(before);
      for (const chunk of chunks) framer.push(chunk);
      t.equal(framer.paused, true);
      t.equal(framer.boundary, true, `${way}, cut at ${places}`);
      const so = recorder.events.filter(({ call }) => call !== 'begin');
      t.same(
        so.map(({ bytes }) => bytes),
        [before],
      );
      framer.resume();
      const all = recorder.events
        .filter(({ call }) => call !== 'begin')
        .map(({ bytes }) => bytes ?? Buffer.alloc(0));
      const want = way === 'drop' ? [before, encode(sync)] : [before, message, encode(sync)];
      t.same(Buffer.concat(all), Buffer.concat(want), 'all of it afterwards');
      t.equal(
        recorder.events.filter(({ type }) => type === Frontend.Execute).filter(({ call }) => call === 'begin')
          .length,
        1,
      );
    }
});

t.test(
  'paused while bytes that go forward are handed over: the next message has been decided, and waits',
  async (t) => {
    const { framer, calls } = rig(
      ({ call }) => call === 'forward',
      (type) => (type === Frontend.Sync ? 'whole' : 'forward'),
    );
    framer.push(Buffer.concat([encode(query, 'a'), encode(sync), encode(query, 'b')]));
    t.same(calls(), ['begin Q', 'begin S', 'forward']);
    framer.resume();
    t.same(calls(), ['begin Q', 'begin S', 'forward', 'whole S', 'begin Q', 'forward']);
  },
);

t.test('paused within a message that is streamed', async (t) => {
  const { framer, recorder } = rig(
    ({ call }) => call === 'piece',
    () => 'stream',
  );
  const message = encode(copyData, Buffer.alloc(100));
  framer.push(message.subarray(0, 50));
  t.equal(framer.boundary, false);
  framer.push(message.subarray(50));
  t.equal(framer.kept, message.length - 50);
  framer.resume();
  t.same(
    recorder.events.slice(1).map(({ bytes, last }) => [bytes?.length, last]),
    [
      [50, false],
      [55 + 0, true],
    ],
  );
  t.equal(framer.boundary, true);
});

t.test('paused and resumed in one call', async (t) => {
  const recorder = new Recorder(() => 'whole');
  const framer = new Framer(recorder, LIMITS);
  recorder.after = () => {
    framer.pause();
    framer.resume();
  };
  t.equal(framer.push(Buffer.concat([encode(query, 'a'), encode(sync)])), true);
  t.equal(recorder.events.length, 4);
});

t.test('a push from within a call waits its turn', async (t) => {
  const recorder = new Recorder(() => 'whole');
  const framer = new Framer(recorder, LIMITS);
  let once = true;
  recorder.after = ({ call }) => {
    if (call !== 'whole' || !once) return;
    once = false;
    framer.push(encode(execute, 'later'));
  };
  framer.push(Buffer.concat([encode(query, 'a'), encode(sync)]));
  t.same(
    recorder.events.filter(({ call }) => call === 'whole').map(({ type }) => type),
    [Frontend.Query, Frontend.Sync, Frontend.Execute],
  );
});

t.test('an error that waited is thrown by resume', async (t) => {
  const recorder = new Recorder(() => 'whole');
  const framer = new Framer(recorder, backendLimits());
  recorder.after = ({ call }) => {
    if (call === 'whole') framer.pause();
  };
  t.equal(framer.push(Buffer.concat([encode(dataRow, []), Buffer.from('????????')])), false);
  t.throws(() => framer.resume(), { code: 'type' });
});
