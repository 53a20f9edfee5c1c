/** Nothing that is not exactly a message passes as one, in either direction. */
import { writeFileSync } from 'node:fs';
import t from 'tap';
import { ANSWER_LIMIT } from '../../src/proxy/ask-messages.ts';
import { Channel } from '../../src/proxy/channel.ts';
import { fromSupervisor, fromWorker, TEXT_LIMIT } from '../../src/proxy/messages.ts';
import { rig, until } from './pool.ts';

const claim = { type: 'claim', seq: 1, listener: 'v4', client: { address: '127.0.0.1', port: 5 } };
const ended = { type: 'ended', hop: 'H', bytesUp: 0, bytesDown: 1, reason: null };
const dialed = { type: 'dialed', hop: 'H', source: { address: '::1', port: 1 } };
const flow = {
  type: 'flow',
  seq: 1,
  hop: 'H',
  destination: { address: '10.0.0.1', port: 5432 },
  target: null,
  protocol: 'tcp',
  outcome: 'allow',
  reason: 'ok',
  subject: { login: null, chain: ['bash'], name: null, hops: 0 },
  tls: { mode: 'prefer', ca: null, serverName: null },
};
const snapshot = {
  type: 'snapshot',
  snapshot: {
    version: '1',
    claimTimeoutMs: 1,
    dialTimeoutMs: 2,
    policies: '{}',
    maskKey: '',
    recording: { rows: 'all', terminals: 'none', onFailure: 'end', maxBytes: 5 },
  },
};
const decision = {
  outcome: 'deny',
  policies: ['p'],
  reason: 'no',
  observed: false,
  errors: [],
  version: '1',
};
const action = {
  type: 'action',
  hop: 'H',
  action: 1,
  kind: 'query',
  subject: 'select',
  detail: { a: 1 },
  decision: 0,
};
const actionEnd = { type: 'action-end', hop: 'H', action: 1, detail: {} };
const actions = { type: 'actions', decisions: [decision], actions: [action, actionEnd] };
const certificate = { type: 'certificate', seq: 3, names: ['db1'] };
const ask = { type: 'credential', seq: 4, hop: 'H', user: 'alice', key: 'k'.repeat(43) };
const question = { type: 'ask', seq: 5, hop: 'H', question: 'ssh.sign', detail: '{}' };
const refusedLogin = { type: 'credential-refused', hop: 'H' };

t.test('good messages pass, without fields of their own invention', async (t) => {
  for (const message of [
    ...[{ type: 'ready' }, claim, ended, dialed, certificate, ask, question, refusedLogin],
  ]) {
    t.same(fromWorker(message), message);
    t.same(fromWorker({ ...message, constructor: 1, extra: {} }), message);
  }
  const recorded = [
    { ...action, detail: '{"a":1}', decision },
    { ...actionEnd, detail: '{}' },
  ];
  t.same(fromWorker(actions), { type: 'actions', actions: recorded });
  const more = actions.actions.map((each) => ({ ...each, extra: {} }));
  t.same(fromWorker({ ...actions, actions: more, extra: {} }), { type: 'actions', actions: recorded });
  const refuse = { type: 'refuse', seq: 0, reason: '' };
  const close = { type: 'close', hop: 'H', reason: 'revoked' };
  const drain = { type: 'drain', deadlineMs: 0 };
  const minted = { type: 'certificate', seq: 3, minted: null, error: 'no authority' };
  for (const message of [
    flow,
    { ...flow, limitIdleMs: 5, target: 'db' },
    { ...flow, held: true },
    { type: 'credential', seq: 4, login: null, error: 'no Vault' },
    { type: 'found', seq: 5, detail: '{}', error: '' },
    snapshot,
    refuse,
    close,
    drain,
    minted,
  ])
    t.same(fromSupervisor(message), message);
});

const bad: unknown[] = [
  null,
  undefined,
  1,
  'claim',
  [],
  [claim],
  {},
  { type: 'flow ' },
  { type: 1 },
  new Map(),
];
const wrong: Record<string, unknown[]> = {
  seq: [-1, 1.5, '1', Number.NaN, 2 ** 53, undefined],
  listener: ['v5', null],
  client: [
    null,
    {},
    { address: '1', port: 65_536 },
    { address: 5, port: 1 },
    { address: 'x'.repeat(65), port: 1 },
  ],
  hop: [null, 5, 'x'.repeat(TEXT_LIMIT + 1)],
  bytesUp: [-1, '0', Number.POSITIVE_INFINITY, 1n],
  reason: [5, 'x'.repeat(TEXT_LIMIT + 1)],
  outcome: ['approve', null],
  destination: [null, { address: '1' }],
  target: [5],
  protocol: [null],
  limitIdleMs: ['1', -1],
  source: [null],
  subject: [null, 5],
  tls: [null],
  action: [-1, '1'],
  kind: [null, 'x'.repeat(TEXT_LIMIT + 1)],
  detail: [null, '', '{}', [], 5, { statement: 'x'.repeat(2 * 1024 * 1024) }],
  decision: [null, -1, 1, '0', decision],
  decisions: [
    null,
    [],
    [null],
    [{}],
    [{ ...decision, outcome: 'maybe' }],
    [{ ...decision, policies: [1] }],
    [{ ...decision, reason: 1 }],
    Array(65).fill(decision),
  ],
  actions: [null, [null], [{ ...action, type: 'deed' }], [decision], Array(65).fill(actionEnd)],
  names: [null, [1], Array(65).fill('a')],
  user: [null, 5, 'x'.repeat(TEXT_LIMIT + 1)],
  held: ['yes', null],
  key: [null, '', 'k'.repeat(44), '='.repeat(43)],
  snapshot: [
    null,
    {},
    { version: 1, claimTimeoutMs: 1, dialTimeoutMs: 1 },
    { version: '1', claimTimeoutMs: 1 },
    { ...snapshot.snapshot, recording: null },
    { ...snapshot.snapshot, recording: { rows: 1, terminals: true, onFailure: 'end', maxBytes: 5 } },
    { ...snapshot.snapshot, recording: { rows: -1, terminals: 'all', onFailure: 'end', maxBytes: 5 } },
    { ...snapshot.snapshot, recording: { rows: 1, terminals: 'all', onFailure: 'perhaps', maxBytes: 5 } },
  ],
};

t.test('anything else does not', async (t) => {
  for (const value of bad) {
    t.equal(fromWorker(value), null);
    t.equal(fromSupervisor(value), null);
  }
  for (const [field, values] of Object.entries(wrong)) {
    for (const value of values) {
      for (const message of [claim, ended, dialed, actions, certificate, ask, refusedLogin])
        if (field in message) t.equal(fromWorker({ ...message, [field]: value }), null, `${field}`);
      for (const one of [action, actionEnd])
        if (field in one)
          t.equal(fromWorker({ ...actions, actions: [{ ...one, [field]: value }] }), null, `${field}`);
      for (const message of [flow, snapshot])
        if (field in message || (['limitIdleMs', 'held'].includes(field) && message === flow))
          t.equal(fromSupervisor({ ...message, [field]: value }), null, `${field}`);
    }
  }
});

t.test('a worker that breaks the protocol is killed, and replaced', async (t) => {
  const lies = [
    { type: 'claim', seq: 'one' },
    { type: 'ended', hop: 'SOMEONE-ELSES', bytesUp: 0, bytesDown: 0, reason: null },
    { ...actions, actions: [{ ...actionEnd, hop: 'SOMEONE-ELSES' }] },
    { ...ask, hop: 'SOMEONE-ELSES' },
    { type: 'credential-refused', hop: 'SOMEONE-ELSES' },
    { type: 'dialed', hop: 'SOMEONE-ELSES', source: { address: '10.0.0.1', port: 1 } },
  ];
  for (const lie of lies) {
    const entry = `${t.testdir()}/liar.ts`;
    writeFileSync(
      entry,
      `process.send({ type: 'ready' });
      setTimeout(() => process.send(${JSON.stringify(lie)}), 20);
      setInterval(() => {}, 1_000);`,
    );
    await using r = await rig({ address: '127.0.0.1', port: 1 }, undefined, { entry });
    const pid = r.pool.workers()[0]?.pid;
    await until(() => r.lost.length > 0, 'the loss');
    t.match(r.faults[0], /none of the protocol|does not have|not held for it/);
    t.match(r.lost[0], { pid, reason: /SIGKILL/ });
    t.same(r.ended, []);
  }
});

t.test('a worker that cannot start is tried again, slower and slower', async (t) => {
  const entry = `${t.testdir()}/broken.ts`;
  writeFileSync(entry, 'process.exit(9);');
  const starting = rig({ address: '127.0.0.1', port: 1 }, undefined, { entry, startTimeoutMs: 1_500 });
  await t.rejects(starting, /no proxy worker got ready within 1.5 s/);
});

t.test('questions and answers are bounded', async (t) => {
  t.equal(fromWorker({ ...question, detail: 'x'.repeat(512 * 1024 + 1) }), null);
  t.equal(fromWorker({ ...question, question: 'x'.repeat(65) }), null);
  t.equal(fromWorker({ ...question, hop: 5 }), null);
  t.equal(fromWorker({ ...question, seq: -1 }), null);
  t.equal(fromSupervisor({ type: 'found', seq: 5, detail: 'x'.repeat(ANSWER_LIMIT + 1), error: '' }), null);
  t.equal(fromSupervisor({ type: 'found', seq: 5, detail: null, error: '' }), null);
});

t.test('a room asks, and gets what there is, or why there is nothing', async (t) => {
  const answers: Record<string, () => Promise<string>> = {
    good: async () => '{"a":1}',
    bad: () => Promise.reject(new Error('not there')),
  };
  const asked: string[] = [];
  const channel = new Channel((message) => {
    if (message.type !== 'ask') return;
    asked.push(`${message.hop} ${message.question} ${message.detail}`);
    const answer = answers[message.question] ?? answers.bad;
    answer?.().then(
      (detail) => channel.take({ type: 'found', seq: message.seq, detail, error: '' }),
      (error: Error) => channel.take({ type: 'found', seq: message.seq, detail: '', error: error.message }),
    );
  });
  t.strictSame(await channel.ask('H', 'good', { b: 2 }), { a: 1 });
  await t.rejects(channel.ask('H', 'bad', {}), /not there/);
  t.strictSame(asked, ['H good {"b":2}', 'H bad {}']);
});
