/** Which packets stay unexplained, and which are reported at all. */
import t from 'tap';
import { Explainer, type FlowKey } from '../../src/tripwire/explain.ts';
import { Limiter } from '../../src/tripwire/limiter.ts';
import { fromTripwire, type PacketReport } from '../../src/tripwire/messages.ts';

const S = 1_000_000;
const source = { address: '10.77.0.5', port: 50_000 };
const destination = { address: '10.77.0.20', port: 5_432 };
const flow: FlowKey = { transport: 'tcp', source, destination };
const packet = (at: number, change: Partial<PacketReport> = {}): PacketReport => ({
  proto: 'tcp',
  protocol: 6,
  source,
  destination,
  interface: 'eth0',
  at,
  ...change,
});

t.test('a known flow explains; its event may come before or after the packet', async (t) => {
  const before = new Explainer();
  before.open(flow, 1 * S);
  before.packet(packet(2 * S));
  t.same(before.sweep(100 * S), []);
  const after = new Explainer();
  after.packet(packet(1 * S));
  t.same(after.sweep(2 * S), [], 'still in its grace');
  after.open(flow, 3 * S);
  t.same(after.sweep(100 * S), []);
});

t.test('what nothing explains is reported once, after the grace', async (t) => {
  const e = new Explainer();
  e.open(flow, 0);
  const strangers = [
    packet(1 * S, { source: { ...source, port: 50_001 } }),
    packet(1 * S, { destination: { ...destination, port: 22 } }),
    packet(1 * S, { proto: 'udp', protocol: 17 }),
    packet(1 * S, { proto: 'sctp', protocol: 132 }),
  ];
  for (const stranger of strangers) e.packet(stranger);
  t.same(e.sweep(3.9 * S), []);
  t.same(e.sweep(4.1 * S), strangers);
  t.same(e.sweep(9 * S), []);
});

t.test('a closed flow explains for a while more, then is forgotten', async (t) => {
  const e = new Explainer({ graceMs: 1_000, keepMs: 10_000 });
  e.open(flow, 0);
  e.open(flow, 0);
  e.close(flow, 1 * S);
  e.packet(packet(60 * S));
  t.same(e.sweep(70 * S), [], 'opened twice, closed once');
  e.close(flow, 70 * S);
  e.packet(packet(79 * S));
  t.same(e.sweep(85 * S), []);
  e.packet(packet(86 * S));
  t.equal(e.sweep(90 * S).length, 1);
});

t.test('addresses and ports that the kernel had not chosen yet stand for any', async (t) => {
  for (const wild of [
    { address: '0.0.0.0', port: 50_000 },
    { address: '10.77.0.5', port: 0 },
    { address: '0.0.0.0', port: 0 },
  ]) {
    const e = new Explainer();
    e.open({ ...flow, source: wild }, 0);
    e.packet(packet(1 * S));
    t.same(e.sweep(60 * S), [], JSON.stringify(wild));
  }
  const six = new Explainer();
  const to = { address: 'fd77::20', port: 53 };
  six.open({ transport: 'udp', source: { address: '::', port: 4 }, destination: to }, 0);
  six.packet(
    packet(1, { proto: 'udp', protocol: 17, source: { address: 'fd77::5', port: 4 }, destination: to }),
  );
  t.same(six.sweep(60 * S), []);
});

t.test('bounded, and it says so', async (t) => {
  const e = new Explainer({ limit: 10 });
  for (let port = 1; port <= 30; port += 1) {
    e.open({ ...flow, source: { ...source, port } }, 0);
    e.packet(packet(0, { source: { ...source, port } }));
  }
  t.equal(e.dropped(), 20);
  t.equal(e.dropped(), 0);
  t.equal(e.sweep(60 * S).length, 10, 'the first ten flows were forgotten for the last ten');
});

t.test('the first of a conversation, again after a while, and not more than a rate', async (t) => {
  const l = new Limiter({ repeatMs: 60_000, perSecond: 3, memory: 100 });
  t.same(
    ['a', 'a', 'b', 'a'].map((key) => l.admit(key, 0)),
    [true, false, true, false],
  );
  t.ok(l.admit('c', 10));
  t.notOk(l.admit('d', 20), 'the fourth in a second');
  t.notOk(l.admit('d', 30));
  t.equal(l.suppressed(), 2);
  t.equal(l.suppressed(), 0);
  t.ok(l.admit('d', 1_000), 'it is not forgotten that it was never reported');
  t.ok(l.admit('a', 60_000));
  const small = new Limiter({ repeatMs: 60_000, perSecond: 1_000, memory: 2 });
  for (const key of ['a', 'b', 'c']) small.admit(key, 0);
  t.ok(small.admit('a', 0), 'the oldest is forgotten');
  t.notOk(small.admit('c', 0));
});

t.test('messages of the tripwire are checked', async (t) => {
  const report = { type: 'report', report: packet(5) };
  for (const good of [
    report,
    { type: 'limited', count: 1 },
    { type: 'trouble', message: 'x' },
    { type: 'ready', interfaces: ['eth0'] },
  ])
    t.same(fromTripwire(good), good);
  for (const bad of [
    null,
    'x',
    {},
    { type: 'report' },
    { type: 'report', report: packet(-1) },
    { type: 'report', report: packet(1, { protocol: 256 }) },
    { type: 'report', report: packet(1, { source: { address: 'x'.repeat(300), port: 1 } }) },
    { type: 'limited', count: Number.NaN },
    { type: 'ready', interfaces: [1] },
    { type: 'trouble', message: 'x'.repeat(300) },
  ])
    t.equal(fromTripwire(bad), null);
});
