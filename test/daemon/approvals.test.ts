/** Who is asked, who may answer, and what is recorded of it. */
import t from 'tap';
import type { Peer } from '../../src/api/peer.ts';
import type { Root } from '../../src/attribution/roots.ts';
import type { IdentityUser } from '../../src/config/types.ts';
import type { ApprovalAnswer } from '../../src/core/types.ts';
import { Approvals } from '../../src/daemon/approvals.ts';
import type { OpenHop } from '../../src/daemon/open-hops.ts';
import { isOwn, type Person, personOf } from '../../src/daemon/person.ts';
import type { ApprovalTerms } from '../../src/policy/compiled.ts';
import type { Answered, Hold } from '../../src/proxy/holds.ts';
import type { NewApproval } from '../../src/store/append.ts';
import { id, T0 } from '../store/seed.ts';
import { until } from '../until.ts';

function root(user: string | null, verified: boolean, over: Partial<Root> = {}): Root {
  const evidence = { method: verified ? 'publickey' : 'password', source: 'pam' } as const;
  const identity = user === null ? null : { name: user, groups: [], verified, evidence };
  return { id: id(0), kind: 'ssh', source: null, user, identity, revoked: null, ...over } as Root;
}

const person = (name: string, groups: readonly string[], over: Partial<Person> = {}): Person => ({
  ...{ name, groups, accounts: [name], login: id(9), uid: 1002 },
  ...over,
});
const bob = person('bob', ['dba', 'engineers']);
const terms = (group: string | null, timeoutMs: number | null = null): ApprovalTerms => ({
  group,
  timeoutMs,
});

class Setup {
  readonly asked: NewApproval[] = [];
  readonly answered: [number, ApprovalAnswer][] = [];
  policies: { id: string; approval: ApprovalTerms | null; message: string | null }[] = [
    { id: 'drops', approval: terms('dba'), message: 'Say why.' },
    { id: 'nights', approval: terms('security', 60_000), message: null },
    { id: 'anyone', approval: terms(null), message: null },
    { id: 'plain', approval: null, message: null },
  ];
  requester: Root | null = root('alice', true);
  full = false;
  takes = true;
  #at = T0;
  readonly approvals = new Approvals({
    record: {
      flush: () => this.takes,
      approval: (one) => this.asked.push(one),
      approvalAnswer: (number, answer) => this.answered.push([number, answer]),
      full: false,
    },
    open: { get: (hop) => (hop === 'H' ? ({ root: this.requester } as OpenHop) : undefined) },
    next: 17,
    policies: () => this.policies,
    log: { info() {} } as never,
    now: () => (this.#at += 1000),
  });

  hold(policies: readonly string[], over: Partial<Hold> = {}) {
    const told: [number, string, number][] = [];
    const answers: Answered[] = [];
    const hold: Hold = {
      ...{ hop: 'H', action: 3, policies, reason: 'drop needs approval', cancelKey: null },
      held: (...one) => told.push(one),
      answer: (answer) => answers.push(answer),
      ...over,
    };
    this.approvals.onHold(hold);
    return { hold, told, answers };
  }
}

t.test('asked as the policies in force say', async (t) => {
  const s = new Setup();
  const { told, answers } = s.hold(['drops']);
  t.strictSame(s.asked, [
    {
      ...{ id: 17, hop: 'H', action: 3, requester: 'alice', user: 'alice', reason: 'drop needs approval' },
      ...{ at: T0 + 1000, expires: T0 + 1000 + 15 * 60_000_000 },
      asks: [{ policy: 'drops', group: 'dba', message: 'Say why.' }],
    },
  ]);
  t.strictSame(told, [[17, 'a member of dba', T0 + 1000 + 15 * 60_000_000]]);
  t.strictSame(answers, []);
  const both = s.hold(['drops', 'nights', 'anyone']);
  t.strictSame(both.told[0]?.slice(0, 2), [
    18,
    'a member of dba and a member of security and another person',
  ]);
  t.equal((s.asked[1]?.expires ?? 0) - (s.asked[1]?.at ?? 0), 60_000_000, 'the shortest time counts');
  t.equal(s.approvals.size, 2);
});

t.test('nobody is asked where nobody could say yes', async (t) => {
  const s = new Setup();
  const none = { outcome: 'denied', approval: null, by: null, approved: [] };
  t.match(s.hold(['plain']).answers, [{ ...none, reason: /policies have changed/ }]);
  t.match(s.hold(['gone']).answers, [{ ...none, reason: /policies have changed/ }]);
  t.match(s.hold(['drops'], { hop: 'X' }).answers, [{ ...none, reason: 'the connection is over' }]);
  t.strictSame([s.asked, s.approvals.size], [[], 0]);
  s.takes = false;
  const { answers, told } = s.hold(['drops']);
  t.match(answers, [{ outcome: 'denied', reason: /disk is full/ }], 'nobody cancelled it');
  t.strictSame(told, []);
});

t.test('a yes lifts what its giver may lift', async (t) => {
  const s = new Setup();
  const { answers } = s.hold(['drops', 'nights', 'anyone']);
  s.approvals.answer(17, 'approved', bob, 'as agreed');
  t.strictSame(answers, [
    {
      ...{ outcome: 'approved', approval: 17, by: 'bob', reason: 'as agreed' },
      approved: [
        { policy: 'drops', group: 'dba' },
        { policy: 'anyone', group: null },
      ],
    },
  ]);
  t.strictSame(s.answered, [
    [17, { outcome: 'approved', by: 'bob', login: id(9), uid: 1002, reason: 'as agreed', at: T0 + 2000 }],
  ]);
  t.throws(() => s.approvals.answer(17, 'denied', bob, 'r'), {
    code: 'refused',
    message: /no answer any more/,
  });
  t.equal(answers.length, 1);
});

t.test('a no lifts nothing', async (t) => {
  const s = new Setup();
  const { answers } = s.hold(['drops']);
  s.approvals.answer(17, 'denied', bob, 'not on a Friday');
  t.match(answers, [{ outcome: 'denied', by: 'bob', reason: 'not on a Friday', approved: [] }]);
});

t.test('only members, and nobody for themselves', async (t) => {
  const s = new Setup();
  const { answers } = s.hold(['drops']);
  const answer = (who: Person) => s.approvals.answer(17, 'approved', who, '');
  t.throws(() => answer(person('carol', ['engineers'])), {
    code: 'refused',
    message: '17 is for a member of dba to answer; carol is in engineers',
  });
  t.throws(() => answer(person('dave', [])), { message: /dave is in no group/ });
  const own = { code: 'refused', message: '17 is your own: somebody else has to answer it' };
  t.throws(() => answer(person('alice', ['dba'])), own);
  t.throws(
    () => answer(person('alice', ['dba'], { login: id(77), uid: 0 })),
    own,
    'from another login, as root',
  );
  t.throws(() => answer(person('bob', ['dba'], { login: id(0) })), own, 'from the same login');
  t.strictSame([answers, s.answered], [[], []]);
});

t.test('what may be one’s own is', async (t) => {
  t.equal(isOwn(root('bob', true), bob), true);
  t.equal(isOwn(root('alice', true), bob), false);
  t.equal(isOwn(root('bob', false), bob), true, 'the account is theirs');
  t.equal(
    isOwn(root('app', false), person('bob', [], { accounts: ['app'] })),
    true,
    'an account they may use',
  );
  t.equal(isOwn(root('bob', true, { user: 'shared' }), person('eve', [], { accounts: ['shared'] })), false);
  const cron = root(null, false, { kind: 'unattended', source: 'cron', user: 'bob' });
  t.equal(isOwn(cron, bob), true, 'their own crontab');
  t.equal(isOwn(null, bob), false);
});

t.test('out of time', async (t) => {
  const s = new Setup();
  s.policies = [{ id: 'drops', approval: terms('dba', 20), message: null }];
  const { answers } = s.hold(['drops']);
  const keep = setInterval(() => {}, 1000);
  t.teardown(() => clearInterval(keep));
  await until(() => answers.length > 0, 'the end of its time');
  t.match(answers, [{ outcome: 'expired', by: null, reason: 'nobody answered within 20 ms', approved: [] }]);
  t.match(s.answered, [[17, { outcome: 'expired', by: null, login: null }]]);
});

t.test('withdrawn and cancelled', async (t) => {
  const s = new Setup();
  const first = s.hold(['drops'], { cancelKey: 'k' });
  const second = s.hold(['drops'], { cancelKey: 'l' });
  s.approvals.onWithdraw(first.hold, 'the client went away');
  t.match(s.answered, [[17, { outcome: 'withdrawn', reason: 'the client went away' }]]);
  t.equal(s.approvals.onCancel('k'), false);
  t.equal(s.approvals.onCancel('l'), true);
  t.match(second.answers, [{ outcome: 'withdrawn', approval: 18, reason: 'the client cancelled it' }]);
  t.equal(s.approvals.size, 0);
});

t.test('a yes that the disk did not take is none', async (t) => {
  const s = new Setup();
  const { answers } = s.hold(['drops']);
  s.takes = false;
  s.approvals.answer(17, 'approved', bob, '');
  t.match(answers, [{ outcome: 'denied', approved: [], reason: /disk is full/ }]);
});

t.test('who is asking', async (t) => {
  const users: IdentityUser[] = [
    { name: 'bob', groups: ['dba'], accounts: [{ name: 'bob', trusted: false }], keys: [], certificates: [] },
  ];
  const peer: Peer = { pid: 5, uid: 0, gid: 0, startTicks: 100 };
  const ask = (found: Root | null, over: Partial<Peer> = {}) =>
    personOf(
      { ...peer, ...over },
      { rootOf: (pid, ticks) => (pid === 5 && ticks === 100 ? found : null), identities: () => users },
    );
  t.strictSame(ask(root('bob', true)), {
    ...{ name: 'bob', groups: ['dba'], accounts: ['bob'], login: id(0), uid: 0 },
  });
  const refused = (message: RegExp) => ({ code: 'refused', message });
  t.throws(() => ask(null), refused(/descends from no login/));
  t.throws(() => ask(root('bob', true), { startTicks: null }), refused(/no login/), 'the process has gone');
  t.throws(
    () => ask(root('bob', true), { startTicks: 101 }),
    refused(/no login/),
    'its pid is another’s by now',
  );
  t.throws(() => ask(root('root', false, { kind: 'unattended', source: 'service' })), refused(/no login/));
  t.throws(() => ask(root('bob', false)), refused(/identity is verified/));
  t.throws(() => ask(root('mallory', true)), refused(/identity is verified/), 'no longer in identities.yaml');
  t.throws(() => ask(root('bob', true, { revoked: T0 })), refused(/was revoked/));
});
