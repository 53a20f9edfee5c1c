/** What is refused again and again: one record, and a number that leaves nothing out. */
import t from 'tap';
import type { Image } from '../../src/attribution/image.ts';
import type { HopDraft } from '../../src/attribution/recorder.ts';
import { Refusals } from '../../src/daemon/refusals.ts';
import { allow, hop, id, T0 } from '../store/seed.ts';

const S = 1_000_000;
const deny = { ...allow, outcome: 'deny', reason: 'the routing table denies it' } as const;
const CURL = { key: '7.1', image: 1 } as Image;

let ids = 0;
function refused(at: number, over: Partial<HopDraft> = {}): HopDraft {
  const { process: _, actions: __, childLogin: ___, ...facts } = hop({ id: id(++ids), started: T0 + at });
  return {
    ...{ ...facts, mode: 'denied', chain: ['bash', 'curl'], decision: deny, image: CURL },
    ...over,
  };
}

t.test('the first is a hop; the same again within a second is a number', async (t) => {
  const r = new Refusals();
  const all = [0, 100, 900_000, 1_800_000].map((at) => refused(at));
  t.same(
    all.map((one) => r.hop(one)),
    [true, false, false, false],
  );
  t.same(
    all.map((one) => r.isRepeated(one)),
    [false, true, true, true],
  );
  t.same(r.due(T0 + 2 * S), [], 'it goes on');
  t.strictSame(r.due(T0 + 2.9 * S), [
    {
      at: T0 + 1_800_000,
      kind: 'refused',
      login: id(0),
      count: 3,
      detail: `refused again: orders-db 10.77.0.20:5432 tcp, by bash › curl of login ${id(0)}: the routing table denies it`,
    },
  ]);
  t.ok(r.hop(refused(3 * S)), 'after a pause it is told as a hop again');
  t.same(r.due(T0 + 9 * S), [], 'once is no repetition');
});

t.test('another login, program, destination or reason is another refusal', async (t) => {
  const r = new Refusals();
  const others: Partial<HopDraft>[] = [
    {},
    { login: id(1) },
    { login: null },
    { image: { ...CURL, image: 2 } },
    { image: { ...CURL, key: '8.1' } },
    { image: null, chain: ['pid 7'] },
    { destination: { address: '10.77.0.21', port: 5432 } },
    { destination: { address: '10.77.0.20', port: 5433 } },
    { transport: 'udp' },
    { decision: { ...deny, reason: 'this login was revoked' } },
  ];
  for (const over of others) t.ok(r.hop(refused(0, over)), JSON.stringify(over));
  for (const over of others) t.notOk(r.hop(refused(1, over)));
  const told = r.due(T0, true);
  t.equal(told.length, others.length);
  t.match(told.find(({ login }) => login === null)?.detail, /of no known login/);
});

t.test('one that goes on is told every ten seconds, and not a hop more', async (t) => {
  const r = new Refusals();
  let hops = 0;
  const counts: number[] = [];
  for (let at = 0; at < 60 * S; at += 1000) {
    if (r.hop(refused(at))) hops++;
    if (at % S === 0) counts.push(...r.due(T0 + at).map(({ count }) => count));
  }
  counts.push(...r.due(T0 + 60 * S, true).map(({ count }) => count));
  t.equal(hops, 1);
  t.ok(counts.length <= 6, `${counts.length} notices`);
  t.equal(
    counts.reduce((sum, count) => sum + count, 0),
    59_999,
    'each of them counted',
  );
});

t.test('a program that goes through all addresses', async (t) => {
  const r = new Refusals();
  let hops = 0;
  for (let n = 0; n < 50_000; n++) {
    const destination = { address: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, port: 53 };
    if (r.hop(refused(n, { destination, target: null, transport: 'udp' }))) hops++;
  }
  t.equal(hops, 1001, 'a thousand by their own name, and one for the rest');
  const [rest, ...more] = r.due(T0, true);
  t.same(more, []);
  t.equal(rest?.count, 50_000 - 1001);
  t.match(rest?.detail, /^refused again: 10\.0\.3\.232:53 udp and other destinations, by bash › curl/);
});

t.test('what was read late counts by when it happened', async (t) => {
  const r = new Refusals();
  t.same(
    [0, 2 * S, 4 * S, 4 * S + 5].map((at) => r.hop(refused(at))),
    [true, true, true, false],
  );
  t.match(r.due(T0 + 60 * S), [{ count: 1, at: T0 + 4 * S + 5 }]);
});

t.test('a number that is under way is not lost when the same begins anew', async (t) => {
  const r = new Refusals();
  for (const at of [0, 1, 2, 5 * S, 5 * S + 1]) r.hop(refused(at));
  t.same(
    r.due(T0 + 60 * S).map(({ count }) => count),
    [2, 1],
  );
});

t.test('refused sockets: the same line again is a number', async (t) => {
  const r = new Refusals();
  const notice = { at: T0, kind: 'refused', login: id(0), count: 1, detail: 'raw socket, refused' } as const;
  t.ok(r.notice(notice));
  for (let n = 0; n < 10; n++) t.notOk(r.notice({ ...notice, at: T0 + n }));
  t.ok(r.notice({ ...notice, login: id(1) }));
  t.strictSame(r.due(T0 + 5 * S), [{ ...notice, at: T0 + 9, count: 10 }]);
});
