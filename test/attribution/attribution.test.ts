/** From the kernel's events to logins, programs, hops and ends; and the roots by themselves. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import t from 'tap';
import { processKey } from '../../src/attribution/image.ts';
import { kindOf, Roots } from '../../src/attribution/roots.ts';
import { idFromBigInt } from '../../src/core/ids.ts';
import * as abi from '../../src/kernel/layouts.generated.ts';
import { flow, key, PID, Remembering, ROOT, socketEvent, view, who } from './events.ts';
import { ALICE, DIRECT, Host, session } from './host.ts';

const LOGIN = idFromBigInt(ROOT);
const { EV_ROOT, EV_ROOT_END } = abi.HlEventType;
const born = { kernelId: ROOT, kind: abi.HlKind.SSH, leader: 'leader', at: 1 };

t.test("a root's kind, in the words of the record", async (t) => {
  t.same(kindOf(abi.HlKind.SSH), ['ssh', null]);
  t.same(kindOf(abi.HlKind.CRON), ['unattended', 'cron']);
  for (const unknown of [abi.HlKind.UNATTRIBUTED, abi.HlKind.SELF, 77, -1])
    t.same(kindOf(unknown), ['unattended', 'unattributed'], 'never the login of a person');
});

t.test('a root is recorded when something happens in it, once, with what is known by then', async (t) => {
  const record = new Remembering();
  const roots = new Roots('bastion1', record);
  const root = roots.begin(born);
  t.equal(roots.begin({ ...born, kind: abi.HlKind.CRON }), root, 'begun once');
  t.equal(record.calls.length, 0);
  roots.learn(root, { at: 2, user: 'alice', identity: ALICE });
  roots.store(root);
  const login = {
    id: LOGIN,
    host: 'bastion1',
    kind: 'ssh',
    source: null,
    user: 'alice',
    identity: ALICE,
    started: 1,
  };
  t.match(record.of('login'), [
    [{ ...login, ended: null, lingering: false, recovered: false, parentHop: null }],
  ]);
  t.notOk('kernelId' in (record.of('login')[0]?.[0] ?? {}), "nothing of the supervisor's own");
  roots.learn(root, { at: 3, tty: '/dev/pts/1', user: null });
  t.same(record.of('identity'), [[LOGIN, { at: 3, tty: '/dev/pts/1', user: null }]]);
  t.same([root.user, root.tty], ['alice', '/dev/pts/1'], 'what is not known takes nothing away');
  roots.end(root, 4, true);
  roots.end(root, 5, false);
  roots.finish(root, 6);
  t.same(
    record.of('loginEnd').map(([, end]) => end),
    [
      { at: 4, lingering: true },
      { at: 6, lingering: false },
    ],
  );
  t.equal(root.ended, 4);
  t.same([roots.get(LOGIN), roots.byKernelId(ROOT)], [undefined, undefined]);
});

t.test('a root in which nothing happened leaves no record', async (t) => {
  const record = new Remembering();
  const roots = new Roots('bastion1', record);
  const root = roots.begin(born);
  roots.end(root, 2, true);
  roots.finish(root, 3);
  t.same(record.calls, []);
});

t.test('a login: its shell, its programs, a direct hop, their ends', async (t) => {
  const host = new Host();
  host.pam = [session];
  host.login();
  host.exec(2, { name: 'psql', argv: ['psql', '-h', 'orders-db'] });
  host.flow({ who: who(2) });
  const { record } = host;
  t.match(record.of('login'), [
    [{ id: LOGIN, user: 'alice', identity: ALICE, client: session.client, tty: null }],
  ]);
  t.match(
    record.of('process').map(([image]) => [image.label, image.parent?.label ?? null]),
    [
      ['bash', 'sshd'],
      ['psql', 'bash'],
    ],
    'the sshd above is no program of the login',
  );
  const [[hop] = []] = record.of('hop');
  t.match(hop, {
    ...{
      login: LOGIN,
      chain: ['bash', 'psql'],
      target: 'orders-db',
      mode: 'direct',
      protocol: 'tcp',
      ended: null,
    },
    ...{ destination: { address: '10.77.0.20', port: 5432 }, decision: DIRECT, image: { label: 'psql' } },
  });
  t.same(host.opened, [`${hop?.id} 10.77.0.11:40000`]);
  host.exit(2, 3 << 8);
  host.exit(1, 9);
  host.live = 1;
  host.exit(0);
  t.match(
    record.of('processExit').map(([image, end]) => [image.label, end.exitCode, end.signal]),
    [
      ['psql', 3, null],
      ['bash', null, 9],
    ],
  );
  t.match(record.of('loginEnd'), [[LOGIN, { lingering: true }]], 'its sshd has gone, a process lives on');
  host.live = 0;
  host.root(EV_ROOT_END, { proc: key(-1) });
  t.match(record.of('loginEnd')[1], [LOGIN, { lingering: false }]);
  t.same(host.forgotten, [ROOT]);
  const order = record.calls.map(([name]) => name);
  t.ok(
    order.indexOf('login') < order.indexOf('process') && order.lastIndexOf('process') < order.indexOf('hop'),
  );
});

t.test('without the PAM hook a login is its account, unverified', async (t) => {
  const host = new Host().login();
  t.match(host.record.of('login'), [
    [
      {
        user: 'uid:1001',
        uid: 1001,
        identity: { verified: false, evidence: { method: 'account', source: 'proc' } },
      },
    ],
  ]);
  host.at.pam([session]);
  t.match(
    host.record.of('identity'),
    [[LOGIN, { user: 'alice', identity: ALICE }]],
    'the hook may come late',
  );
});

t.test('a PAM session whose process is no sshd of a login waits, and then is told as a loss', async (t) => {
  const { now } = performance;
  t.teardown(() => {
    performance.now = now;
  });
  const host = new Host().login();
  const ticks = Number(key(0).startNs / 10_000_000n);
  host.at.pam([
    { ...session, user: 'unknown', pid: PID + 77 },
    { ...session, user: 'program', pid: PID + 1 },
    { ...session, user: 'reused', startTicks: ticks + 1 },
    { ...session, user: 'closed', type: 'close', pid: PID + 78 },
    { ...session, user: 'early', pid: PID + 20 },
  ]);
  t.same([host.record.of('notice'), host.record.of('identity')], [[], []]);
  host.root(EV_ROOT, { root: ROOT + 256n, proc: key(20) });
  host.exec(20, { name: 'sshd', uid: 0, root: ROOT + 256n });
  host.exec(21, { name: 'bash', root: ROOT + 256n });
  t.match(host.record.of('login')[1], [{ id: idFromBigInt(ROOT + 256n), user: 'early', identity: ALICE }]);
  performance.now = () => now.call(performance) + 60_000;
  host.at.drainPam();
  host.at.drainPam();
  const told = host.record.of('notice').map(([{ kind, detail }]) => [kind, detail.split(' ')[3]]);
  t.same(told, [
    ['loss', 'unknown'],
    ['loss', 'program'],
    ['loss', 'reused'],
  ]);
  host.at.pam([{ ...session, startTicks: ticks }]);
  t.match(host.record.of('identity').at(-1), [LOGIN, { user: 'alice' }], 'the same process, by its start');
});

t.test('what the kernel refused', async (t) => {
  const host = new Host().login();
  const denied = (over: Partial<abi.HlFlowEvent>) => {
    host.flow({ id: ROOT + 512n, action: abi.HlAction.DENY, route: 0, addr: new Uint8Array(16), ...over });
    return host.record.of('hop').at(-1)?.[0];
  };
  const cases: [reason: number, text: RegExp][] = [
    [abi.HlReason.REVOKED, /revoked/],
    [abi.HlReason.NETNS, /network namespace/],
    [abi.HlReason.NO_ROUTE, /no route/],
    [77, /kernel reason 77/],
  ];
  for (const [reason, text] of cases) {
    const hop = denied({ reason });
    t.match(hop, { mode: 'denied', bytesUp: 0, bytesDown: 0, decision: { outcome: 'deny', reason: text } });
    t.equal(hop?.ended, hop?.started);
  }
  t.equal(host.denied.length, cases.length, 'each is told to the person');
  t.match(
    denied({ reason: abi.HlReason.BY_ROUTE, route: 1 }),
    { decision: DIRECT },
    "the route's own decision",
  );
  t.match(denied({ reason: 1, route: 99 }), {
    decision: { outcome: 'deny', reason: 'the routing table denies it' },
  });
  t.match(denied({ who: who(1, { root: 0n, proc: key(70) }) }), { login: null, chain: [`pid ${PID + 70}`] });
  t.match(denied({ transport: 132 }), { transport: 'other', protocol: 'sctp' });
  t.match(denied({ transport: 17, port: 53 }), { transport: 'udp', protocol: 'dns' });
  t.match(denied({ transport: 99 }), { protocol: 'ip-99' });
});

t.test('a fork that connects and then executes: the fork has ended, the program is below it', async (t) => {
  const host = new Host().login();
  host.flow({ who: who(5, { owner: key(1) }) });
  host.exec(5, { name: 'cat', parent: 1 });
  t.match(host.record.of('hop'), [[{ chain: ['bash'], image: { image: 0, pid: PID + 5 } }]]);
  t.match(host.record.of('processExit'), [
    [
      { image: 0, pid: PID + 5 },
      { exitCode: null, signal: null },
    ],
  ]);
  host.flow({ who: who(5), id: ROOT + 512n });
  t.match(host.record.of('hop')[1], [{ chain: ['bash', 'cat'] }]);
});

t.test('ends of hops, DNS answers and refused sockets go where they belong', async (t) => {
  const host = new Host().login();
  const end: abi.HlFlowEndEvent = {
    ...{
      head: flow().head,
      id: ROOT + 256n,
      bytesUp: 5n,
      bytesDown: 8_000_000_000_000n,
      who: who(1),
      route: 1,
    },
    ...{ port: 5432, transport: 6, unclaimed: 0, addr: flow().addr, sourceAddr: flow().sourceAddr },
    ...{ sourcePort: 40_000, refused: 0 },
  };
  const ended = (over: Partial<abi.HlFlowEndEvent>) =>
    host.at.flows.ended({ ...end, ...over, head: { ...end.head, type: abi.HlEventType.EV_FLOW_END } }, 9);
  ended({});
  const bytes = { bytesUp: 5, bytesDown: 8_000_000_000_000 };
  t.match(host.record.of('hopEnd'), [
    [idFromBigInt(ROOT + 256n), { at: 9, ...bytes, reason: 'revoked: left' }],
  ]);
  ended({ unclaimed: 1 });
  t.same(host.denied, ['unclaimed'], 'somebody may take it yet');
  ended({ unclaimed: 1, refused: 1 });
  t.match(host.record.of('hop'), [
    [{ mode: 'denied', endReason: /the daemon was down/, target: 'orders-db' }],
  ]);
  const dns = {
    head: { ...end.head, type: abi.HlEventType.EV_DNS },
    root: ROOT,
    len: 4,
    data: Buffer.from('answer'),
  };
  host.at.handle(view(abi.writeHlDnsEvent, dns, abi.hlDnsEventSize), 0);
  host.at.handle(view(abi.writeHlDnsEvent, { ...dns, root: 7n }, abi.hlDnsEventSize), 0);
  t.same(host.dns, [[LOGIN, 'answ']], 'as long as it was; and none of a root that nobody knows');
  host.at.handle(view(abi.writeHlSocketEvent, socketEvent(), abi.hlSocketEventSize), 0);
  t.match(host.record.of('notice'), [
    [{ kind: 'refused', login: LOGIN, detail: /IPv4 raw socket.*\(bash, uid 1001\)/ }],
  ]);
});

t.test('an event of a root that the supervisor never heard of', async (t) => {
  const host = new Host();
  host.exec(3, { name: 'curl', parent: 2 });
  t.match(host.record.of('login'), [[{ id: LOGIN, kind: 'ssh', recovered: true }]]);
  host.root(EV_ROOT_END, { root: 7n });
  t.same(host.forgotten, [7n]);
  const service = new Host();
  service.root(EV_ROOT, { kind: abi.HlKind.CRON });
  service.exec(0, { name: 'dash', uid: 0, kind: abi.HlKind.CRON });
  t.same(service.record.calls, [], 'an unattended job in which nothing left the host has no record');
  service.flow({ who: who(0, { uid: 0, kind: abi.HlKind.CRON }) });
  t.match(service.record.of('login'), [[{ kind: 'unattended', source: 'cron', user: 'uid:0', uid: 0 }]]);
  t.equal(service.at.roots.byKernelId(ROOT)?.leader, processKey(key(0)));
});

t.test(
  'a program whose start was lost has the name that it has now, where that is still the same one',
  async (t) => {
    const ticks = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[19] ?? '';
    const proc = { tgid: process.pid, startNs: BigInt(ticks) * 10_000_000n };
    const lost = who(3, { proc, owner: proc });
    const named = (prepare: (host: Host) => void) => {
      const host = new Host().login();
      host.lines.set(process.pid, lost);
      prepare(host);
      host.flow({ who: lost });
      return host.record.of('hop')[0]?.[0].chain;
    };
    t.same(
      named(() => undefined),
      [basename(process.execPath)],
    );
    t.same(
      named((host) => host.lines.set(process.pid, { ...lost, image: 2 })),
      [`pid ${process.pid}`],
      'it has executed another since',
    );
    t.same(
      named((host) => host.executing.add(process.pid)),
      [`pid ${process.pid}`],
      'it is about to: /proc may show the next one already',
    );
  },
);

t.test('UDP flows end with their process where the kernel does not tell their end', async (t) => {
  const udp = { transport: 17, sourcePort: 0 };
  const id = (n: number) => ROOT + BigInt(n) * 256n;
  const closed: string[] = [];
  const onEnded = (hop: string) => {
    closed.push(hop);
    return null;
  };
  const host = new Host({ flows: { udpEndsWithProcess: true, onEnded } }).login();
  host.flow({ ...udp, id: id(1) });
  host.flow({ ...udp, id: id(2), who: who(5, { owner: key(1) }) });
  host.flow({ ...udp, id: id(3) });
  host.flow({ id: id(4) });
  host.flow({ ...udp, id: id(5), action: abi.HlAction.DENY });
  const end = { head: flow().head, id: id(3), bytesUp: 1n, bytesDown: 2n, who: who(1), route: 1, port: 53 };
  const rest = { transport: 17, unclaimed: 0, addr: flow().addr, sourceAddr: flow().sourceAddr };
  host.at.flows.ended({ ...end, ...rest, sourcePort: 0, refused: 0 }, 8);
  t.match(host.record.of('hopEnd'), [[idFromBigInt(id(3)), { bytesUp: 1 }]], 'its socket turned elsewhere');
  host.exit(5);
  host.exit(1);
  const why = { bytesUp: null, bytesDown: null, reason: 'its process ended' };
  t.match(host.record.of('hopEnd').slice(1), [
    [idFromBigInt(id(2)), why],
    [idFromBigInt(id(1)), why],
  ]);
  t.same(
    closed,
    [3, 2, 1].map((n) => idFromBigInt(id(n))),
    'nothing holds them open',
  );
  for (let n = 10; n < 1012; n++) host.flow({ ...udp, id: id(n), who: who(0) });
  const early = host.record.of('hopEnd').slice(3);
  t.match(
    early.map(([hop, { reason }]) => [hop, reason]),
    [10, 11].map((n) => [idFromBigInt(id(n)), /many later ones/]),
    'a service that goes on for ever does not fill the memory',
  );
  const again = new Host({ flows: { udpEndsWithProcess: true, onEnded } }).login();
  const [bash] = again.record.of('process').map(([image]) => image.stored);
  again.at.flows.resume('open', 'udp', bash ?? null, 1);
  again.at.flows.resume('gone', 'udp', 77, 2);
  again.at.flows.resume('tcp', 'tcp', 77, 3);
  again.exit(1);
  t.match(
    again.record.of('hopEnd').map(([hop, { reason }]) => [hop, reason]),
    [
      ['gone', 'its process ended while the daemon was away'],
      ['open', 'its process ended'],
    ],
    'of the daemon before',
  );
  const told = new Host().login();
  told.flow({ ...udp, id: id(1) });
  told.exit(1);
  t.same(told.record.of('hopEnd'), [], 'where the kernel tells it, it is not told twice');
});
