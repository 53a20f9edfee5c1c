/** A recorded shell as a worker has it: over a real socket, into a real archive's frames. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { TerminalReplayer } from '../../src/protocols/ssh/recorded/replay.ts';
import { Shell } from '../../src/proxy/shell.ts';
import { SegmentType } from '../../src/recording/format.ts';
import type { SegmentBody } from '../../src/recording/frames.ts';
import { RecordingLink } from '../../src/recording/link.ts';
import { recordsIn } from '../../src/recording/reader.ts';
import { type Archive, Receiver } from '../../src/recording/receiver.ts';
import type { Replayed } from '../../src/recording/replay.ts';
import { Answer, beginFrame, Say, ShellFrameReader, shellFrame } from '../../src/shell/frames.ts';
import { until } from '../until.ts';

const BEGINNING = { term: 'xterm', columns: 100, rows: 30, command: null };

async function pair(t: Test): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const one = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [other] = (await once(server, 'connection')) as [Socket];
  server.close();
  for (const socket of [one, other]) {
    socket.on('error', () => {});
    t.teardown(() => socket.destroy());
  }
  return [one, other];
}

async function rig(
  t: Test,
  { onFailure = 'end', most = 1e6 }: { onFailure?: 'end' | 'continue'; most?: number } = {},
) {
  const state = { refuse: '', fail: '', over: 0, ended: undefined as string | null | undefined };
  const shown: Replayed[] = [];
  const replayer = new TerminalReplayer();
  const archive: Archive = {
    async open(of) {
      if (state.refuse !== '') throw new Error(state.refuse);
      t.same(of, { login: 'L1' });
      return {
        async segment(segment: SegmentBody) {
          if (state.fail !== '') throw new Error(state.fail);
          const whole = {
            ...segment,
            type: SegmentType.data,
            index: 0,
            crc: 0,
            stored: segment.bytes.length,
          };
          for (const record of recordsIn(whole))
            for (const event of replayer.push({ ...record, bytes: Buffer.from(record.bytes) }))
              shown.push(event);
        },
        async end(reason) {
          state.ended = reason;
        },
      };
    },
  };
  const [worker, supervisor] = await pair(t);
  const has = (of: object) => 'login' in of && of.login === 'L1';
  new Receiver(supervisor, { archive, has, onFault: (fault) => t.fail(fault) });
  const link = new RecordingLink(worker);
  const [client, socket] = await pair(t);
  const terms = { rows: 0, terminals: 'text', onFailure, maxBytes: most } as const;
  const answers: [number, string][] = [];
  const reader = new ShellFrameReader();
  client.on('data', (chunk) => {
    for (const { type, body } of reader.push(chunk)) answers.push([type, body.toString()]);
  });
  const make = () => new Shell(socket, { login: 'L1', link, terms, onOver: () => state.over++ });
  const say = (...parts: Buffer[]) => client.write(Buffer.concat(parts));
  const answered = (count: number) => until(() => answers.length >= count, `${count} answers`);
  return { state, shown, answers, answered, client, worker, make, say };
}

const input = (text: string, hidden = 0) =>
  Buffer.concat(shellFrame(Say.input, Buffer.of(hidden), Buffer.from(text)));
const output = (text: string) => Buffer.concat(shellFrame(Say.output, Buffer.from(text)));
const size = (columns: number, rows: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(columns, 0);
  bytes.writeUInt32BE(rows, 4);
  return Buffer.concat(shellFrame(Say.resize, bytes));
};

t.test('what is typed where the screen shows it, what is shown, and its size', async (t) => {
  const { state, shown, answers, answered, make, say } = await rig(t);
  make();
  say(...beginFrame(BEGINNING));
  await answered(1);
  t.same(answers, [[Answer.recorded, 'end']]);
  say(output('$ '), input('ls\r'), output('ls\r\n'), input('secret\r', 1), size(120, 40), output('files'));
  say(...shellFrame(Say.end));
  await answered(2);
  t.same(answers[1], [Answer.over, '']);
  t.match(
    shown.map(({ at: _, action, ...rest }) => ({
      ...rest,
      ...('bytes' in rest ? { bytes: `${rest.bytes}` } : {}),
    })),
    [
      { type: 'terminal', terminal: { term: 'xterm', columns: 100, rows: 30 }, command: null },
      { type: 'stdout', bytes: '$ ' },
      { type: 'input', bytes: 'ls\r' },
      { type: 'stdout', bytes: 'ls\r\n' },
      { type: 'withheld', count: 7 },
      { type: 'resize', columns: 120, rows: 40 },
      { type: 'stdout', bytes: 'files' },
      { type: 'closed' },
    ],
  );
  t.match(state, { ended: null, over: 1 });
});

t.test('a process that is killed has not ended its recording', async (t) => {
  const { state, answered, client, make, say } = await rig(t);
  make();
  say(...beginFrame(BEGINNING), output('x'));
  await answered(1);
  client.destroy();
  await until(() => state.over === 1, 'its end');
  t.match(state.ended, /was killed/);
});

t.test('it ends where it cannot be recorded, or goes on', async (t) => {
  for (const onFailure of ['end', 'continue'] as const) {
    const { state, answers, answered, make, say } = await rig(t, { onFailure });
    state.refuse = 'the disk is full';
    make();
    say(...beginFrame(BEGINNING));
    await answered(1);
    const words = 'this terminal is to be recorded, and that cannot be done: the disk is full';
    t.same(answers, [onFailure === 'end' ? [Answer.refused, words] : [Answer.unrecorded, '']]);
    await until(() => state.over === 1, 'its end');
  }
});

t.test('a disk that is full later', async (t) => {
  const { state, answers, answered, make, say } = await rig(t);
  make();
  say(...beginFrame(BEGINNING));
  await answered(1);
  state.fail = 'the disk is full';
  say(output('x'));
  await answered(2);
  t.match(answers[1], [Answer.refused, /the disk is full/]);
});

t.test('one that is as long as it may be is cut, and its shell goes on', async (t) => {
  const { state, answers, answered, make, say } = await rig(t, { most: 1 });
  make();
  say(...beginFrame(BEGINNING));
  await answered(1);
  const more = setInterval(() => say(output('x')), 20);
  t.teardown(() => clearInterval(more));
  await answered(2);
  t.same(answers[1], [Answer.unrecorded, '']);
  await until(() => state.over === 1, 'its end');
  t.match(state.ended, /^cut at \d+ bytes$/);
});

t.test('Hopline ends it', async (t) => {
  const { state, answers, answered, make, say } = await rig(t);
  const shell = make();
  say(...beginFrame(BEGINNING));
  await answered(1);
  await shell.end('your login was revoked: laptop stolen');
  await answered(2);
  t.same(answers[1], [Answer.refused, 'your login was revoked: laptop stolen']);
  t.equal(state.ended, 'your login was revoked: laptop stolen');
});

t.test('a supervisor that has gone: the socket closes, so that the next is looked for', async (t) => {
  const { answers, answered, client, worker, make, say } = await rig(t);
  make();
  say(...beginFrame(BEGINNING));
  await answered(1);
  worker.destroy();
  await once(client, 'close');
  t.equal(answers.length, 1);
});

t.test('what is no recording', async (t) => {
  for (const bytes of [
    output('before it began'),
    Buffer.concat([...beginFrame(BEGINNING), ...shellFrame(9)]),
    Buffer.concat([...beginFrame(BEGINNING), ...shellFrame(Say.resize, Buffer.alloc(3))]),
    Buffer.from('02ffffffff', 'hex'),
    Buffer.concat(shellFrame(Say.begin, Buffer.from('{}'))),
  ]) {
    const { state, answers, make, say } = await rig(t);
    make();
    say(bytes);
    await until(() => answers.at(-1)?.[0] === Answer.refused, 'a refusal');
    t.match(answers.at(-1), [Answer.refused, /^what it says is no recording: /]);
    await until(() => state.over === 1, 'its end');
  }
});
