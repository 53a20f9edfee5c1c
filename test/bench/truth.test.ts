import t from 'tap';
import {
  expectedHops,
  judge,
  type PlannedLogin,
  plan,
  type RecordedHop,
} from '../../scripts/bench.d/truth.ts';

const alice: PlannedLogin = { number: 300, user: 'alice', uid: 2001, plan: 'dfik', real: false };
const bob: PlannedLogin = { number: 301, user: 'bob', uid: 2002, plan: 'd', real: true };

/** What a perfect record has of the two logins. */
function perfect(): RecordedHop[] {
  const of = (
    login: PlannedLogin,
    id: string,
    network: number,
    port: number,
    more: Partial<RecordedHop>,
  ): RecordedHop => ({
    login: id,
    user: login.user,
    kind: 'ssh',
    address: `10.${network}.${login.number >> 8}.${login.number & 255}`,
    port,
    chain: ['alpha'],
    argv: ['/bench/alpha', `${login.number}`, 's', login.plan],
    image: 1,
    pid: 7,
    ...more,
  });
  const beta = { chain: ['alpha', 'beta'], argv: ['/bench/beta', '300', 'sf', 'ik'] };
  return [
    of(alice, 'A', 98, 7000, {}),
    of(alice, 'A', 99, 7001, beta),
    of(alice, 'A', 98, 7033, { ...beta, image: 0 }),
    of(alice, 'A', 98, 7000, {}),
    of(bob, 'B', 98, 7000, { chain: ['bash', 'alpha'], image: 2 }),
  ];
}

t.test('what a plan connects to', async (t) => {
  t.strictSame(expectedHops(alice), ['98.300:7000', '98.300:7000', '99.300:7001', '98.300:7033']);
  t.ok(Array.from({ length: 100 }, (_, index) => plan(index)).every((letters) => /^[dikfx]+$/.test(letters)));
});

t.test('a perfect record has no fault', async (t) => {
  t.match(judge([alice, bob], perfect()), { wrong: 0, unattributed: 0, seen: 5 });
});

const FAULTS: readonly [string, number, Partial<RecordedHop>][] = [
  ['the login of another', 4, { login: 'A' }],
  ['the user of another', 4, { user: 'alice' }],
  ['a process of another login that had the pid before', 3, { argv: ['/bench/alpha', '301', 's', 'd'] }],
  ['another program of the login', 1, { argv: ['/bench/alpha', '300', 's', 'dfik'] }],
  ['a program missing in the chain', 1, { chain: ['beta'] }],
  ['the parent in place of the fork', 2, { image: 1 }],
  ['a destination that nothing connected to', 0, { port: 7005 }],
];

for (const [what, index, change] of FAULTS) {
  t.test(`wrong: ${what}`, async (t) => {
    const hops = perfect().map((hop, at) => (at === index ? { ...hop, ...change } : hop));
    t.ok(judge([alice, bob], hops).wrong > 0);
  });
}

t.test('of no login is counted apart, and missing is not seen', async (t) => {
  const hops = perfect().map((hop, at) => (at === 0 ? { ...hop, login: null } : hop));
  t.match(judge([alice, bob], hops), { wrong: 0, unattributed: 1 });
  t.equal(judge([alice, bob], perfect().slice(1)).seen, 4);
});
