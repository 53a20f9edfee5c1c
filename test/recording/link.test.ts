/** A worker's side and the supervisor's over a real socket: order, waiting, failure, and a worker that dies. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { SegmentType } from '../../src/recording/format.ts';
import { Ask, frame, type SegmentBody } from '../../src/recording/frames.ts';
import { RecordingLink } from '../../src/recording/link.ts';
import { recordsIn } from '../../src/recording/reader.ts';
import { type Archive, Receiver } from '../../src/recording/receiver.ts';
import type { WriterEvents } from '../../src/recording/writer.ts';
import { until } from '../until.ts';

interface Kept {
  readonly hop: string;
  readonly kind: string;
  readonly records: string[];
  ended: string | null | undefined;
}

async function pair(t: Test): Promise<[Socket, Socket]> {
  // Abstract: no file, and no limit to where this checkout lies.
  const path = `\0hopline-test-${randomUUID()}`;
  const server = createServer({ allowHalfOpen: false });
  server.listen(path);
  await once(server, 'listening');
  const one = connect(path);
  const [other] = (await once(server, 'connection')) as [Socket];
  server.close();
  t.teardown(() => {
    one.destroy();
    other.destroy();
  });
  return [one, other];
}

async function rig(t: Test) {
  const [worker, supervisor] = await pair(t);
  const kept: Kept[] = [];
  const faults: string[] = [];
  const state = { gate: Promise.resolve(), fail: '', refuse: '', broken: '', taken: 0 };
  const archive: Archive = {
    async open(of, kind) {
      await state.gate;
      if (state.refuse !== '') throw new Error(state.refuse);
      const hop = 'hop' in of ? of.hop : of.login;
      const one: Kept = { hop, kind, records: [], ended: undefined };
      kept.push(one);
      return {
        async segment(segment: SegmentBody) {
          await state.gate;
          if (state.fail !== '') throw new Error(state.fail);
          state.taken += segment.raw;
          const { bytes } = segment;
          const whole = { ...segment, type: SegmentType.data, index: 0, crc: 0, stored: bytes.length };
          for (const record of recordsIn(whole)) one.records.push(record.bytes.toString());
        },
        async end(reason) {
          if (state.broken !== '') throw new Error(state.broken);
          one.ended = reason;
        },
      };
    },
  };
  const receiver = new Receiver(supervisor, {
    archive,
    has: (of) => 'hop' in of && of.hop.startsWith('H'),
    onFault: (fault) => faults.push(fault),
  });
  return { link: new RecordingLink(worker), worker, receiver, kept, faults, state };
}

const events = () => {
  const seen: string[] = [];
  const given: WriterEvents = {
    onRelief: () => seen.push('relief'),
    onFailure: (reason) => seen.push(reason),
  };
  return { seen, given };
};
const most = 1 << 30;
const none = Buffer.alloc(0);

t.test('records arrive whole and in order, those of several recordings apart', async (t) => {
  const { link, kept } = await rig(t);
  const { seen, given } = events();
  const all = ['H1', 'H2', 'H1'].map((hop) => link.open({ hop }, 'rows', most, given));
  t.ok(all[0]?.mustWait(), 'until there is a file');
  await until(() => seen.includes('relief'), 'the file');
  const lines = Array.from({ length: 20_000 }, (_, n) => `${n} ${'x'.repeat(n % 200)}`);
  const refused = lines.filter((line) => !all.every((one) => one.write(1, none, Buffer.from(line))));
  t.same(refused, []);
  await Promise.all(all.map((one) => one.end(null)));
  t.same(
    kept.map(({ hop, ended }) => [hop, ended]),
    [
      ['H1', null],
      ['H2', null],
      ['H1', null],
    ],
  );
  for (const { records } of kept) t.strictSame(records, lines);
  t.notOk(all[0]?.write(1, none), 'it is over');
});

t.test('what was written is there within a second', async (t) => {
  const { link, kept } = await rig(t);
  const one = link.open({ hop: 'H1' }, 'rows', most, events().given);
  one.write(1, Buffer.from('a'), Buffer.from('b'));
  const since = performance.now();
  await until(() => kept[0]?.records.length === 1, 'the record');
  t.ok(performance.now() - since < 1000);
  t.same(kept[0]?.records, ['ab']);
});

t.test('a slow disk holds whoever writes, and neither side keeps more than it may', async (t) => {
  const { link, state, kept } = await rig(t);
  const { seen, given } = events();
  const one = link.open({ hop: 'H1' }, 'rows', most, given);
  one.mustWait();
  await until(() => seen.length === 1, 'the file');
  const gate = Promise.withResolvers<void>();
  state.gate = gate.promise;
  const noise = Buffer.from(Array.from({ length: 64 << 10 }, () => Math.floor(Math.random() * 256)));
  let written = 0;
  for (; !one.mustWait() && written < 10_000; written++) {
    one.write(1, none, noise);
    await new Promise(setImmediate);
  }
  t.ok(written < 40, `${written} records of 64 kB`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.equal(state.taken, 0);
  t.same(seen, ['relief']);
  gate.resolve();
  await until(() => seen.length === 2, 'relief');
  t.notOk(one.mustWait());
  await one.end('enough');
  t.equal(kept[0]?.records.length, written);
  t.equal(kept[0]?.ended, 'enough');
});

t.test('a file that is full takes no more, and says so', async (t) => {
  const { link } = await rig(t);
  const one = link.open({ hop: 'H1' }, 'rows', 100_000, events().given);
  const noise = () => Buffer.from(Array.from({ length: 10_000 }, () => Math.floor(Math.random() * 256)));
  let written = 0;
  while (one.write(1, none, noise()) && written++ < 1000) await new Promise(setImmediate);
  t.ok(one.full);
  t.ok(one.stored >= 100_000 && one.stored < 600_000, `${one.stored}`);
});

t.test('what cannot be opened or written has a reason', async (t) => {
  const { link, state, kept } = await rig(t);
  state.refuse = 'no room';
  const first = events();
  const refused = link.open({ hop: 'H1' }, 'rows', most, first.given);
  refused.mustWait();
  refused.write(1, none, Buffer.from('x'));
  await refused.end(null);
  t.same(first.seen, ['no room', 'relief']);
  t.equal(refused.failure, 'no room');
  t.notOk(refused.mustWait());
  state.refuse = '';
  const second = events();
  const broken = link.open({ hop: 'H1' }, 'rows', most, second.given);
  broken.write(1, none, Buffer.from('x'));
  await until(() => kept[0]?.records.length === 1, 'a segment');
  state.fail = 'the disk is full';
  broken.write(1, none, Buffer.from('y'));
  await until(() => second.seen.length > 0, 'the failure');
  t.same(second.seen, ['the disk is full']);
  t.notOk(broken.write(1, none, Buffer.from('z')));
  await broken.end(null);
});

t.test('a worker that dies: what it had sent is kept', async (t) => {
  const { link, worker, receiver, kept } = await rig(t);
  const one = link.open({ hop: 'H1' }, 'rows', most, events().given);
  one.write(1, none, Buffer.from('sent'));
  await until(() => kept[0]?.records.length === 1, 'a segment');
  one.write(1, none, Buffer.from('lost'));
  worker.destroy();
  await receiver.done;
  t.same(kept[0], { hop: 'H1', kind: 'rows', records: ['sent'], ended: 'the worker ended first' });
  const late = events();
  link.open({ hop: 'H2' }, 'rows', most, late.given);
  await until(() => late.seen.length === 1, 'a failure');
  t.same(late.seen, ['the supervisor takes no recordings any more']);
});

t.test('a worker that breaks the protocol is told of, and its recordings are ended', async (t) => {
  for (const [bytes, fault] of [
    [frame(Ask.open, 1, '{"hop":"X","kind":"rows"}'), /what it does not have/],
    [Buffer.from('ffffffffffff', 'hex'), /a frame of 4294967295 bytes/],
    [
      Buffer.concat([frame(Ask.open, 1, '{"hop":"H","kind":"rows"}'), frame(Ask.segment, 1, 'short')]),
      /shorter than its head/,
    ],
    [Buffer.concat([frame(Ask.open, 1, '{"hop":"H","kind":"rows"}'), frame(77, 1)]), /a message of type 77/],
    [
      Buffer.concat([1, 1].map((n) => frame(Ask.open, n, '{"hop":"H","kind":"rows"}'))),
      /an opening too many/,
    ],
  ] as const) {
    const { worker, receiver, faults, kept } = await rig(t);
    worker.write(bytes);
    await receiver.done;
    t.match(faults, [fault]);
    t.ok(kept.every(({ ended }) => ended === 'the worker ended first'));
  }
});

t.test('an archive that fails where it may not takes the worker with it, and nothing waits', async (t) => {
  const { link, receiver, faults, state, kept } = await rig(t);
  const one = link.open({ hop: 'H1' }, 'rows', most, events().given);
  link.open({ hop: 'H2' }, 'rows', most, events().given);
  await until(() => kept.length === 2, 'two files');
  state.broken = 'the store is not to be written';
  await one.end(null);
  await receiver.done;
  t.same(faults, Array(2).fill('recordings: the store is not to be written'));
});
