/** What a destination, a name, a socket means: small decisions, each by table. */
import t from 'tap';
import { handoffKind, socketPath } from '../../src/attribution/handoffs.ts';
import { Names } from '../../src/attribution/names.ts';
import { Routing } from '../../src/attribution/routing.ts';
import { describeSocket } from '../../src/attribution/sockets.ts';
import type { Route } from '../../src/core/target.ts';
import type { HandoffKind } from '../../src/core/types.ts';
import { Random } from '../core/random.ts';
import { PID, socketEvent } from './events.ts';

t.test('the kind of a handoff, by path and server', async (t) => {
  const cases: [kind: HandoffKind, path: string, server: string | null][] = [
    ['container-engine', '/var/run/docker.sock', null],
    ['container-engine', '/run/user/1001/docker.sock', null],
    ['container-engine', '/run/user/1001/podman/podman.sock', null],
    ['container-engine', '/run/containerd/containerd.sock', null],
    ['container-engine', '/var/lib/lxd/unix.socket', null],
    ['container-engine', '/srv/own-name', 'dockerd'],
    ['unix-socket', '/run/my-docker.sock', null],
    ['unix-socket', '/run/docker.sock.txt', null],
    ['tmux', '/tmp/tmux-1001/default', null],
    ['tmux', '/srv/shared', 'tmux'],
    ['tmux', '/srv/shared', 'tmux: server'],
    ['tmux', '/run/screen/S-bob/1.tty', 'screen'],
    ['unix-socket', '/srv/shared', 'tmuxinator'],
    ['ssh-agent', '/tmp/ssh-XXXXr0tIab/agent.4711', null],
    ['ssh-agent', '/srv/shared', 'ssh-agent'],
    ['ssh-agent', '/run/user/1001/gnupg/S.gpg-agent.ssh', 'gpg-agent'],
    ['ssh-agent', '/home/bob/.ssh/agent.sock', null],
    ['controlmaster', '/home/bob/.ssh/cm-host:22', 'ssh'],
    ['unix-socket', '/home/bob/.ssh/cm-host:22', 'sshd'],
    ['unix-socket', '/run/postgresql/.s.PGSQL.5432', 'postgres'],
    ['unix-socket', '@/tmp/.X11-unix/X0', null],
    ['unix-socket', '', ''],
  ];
  for (const [kind, path, server] of cases) t.equal(handoffKind(path, server), kind, `${path} ${server}`);
});

t.test("a socket's path, as bytes", async (t) => {
  const cases: [bytes: string, path: string][] = [
    ['/run/x.sock', '/run/x.sock'],
    ['/run/x.sock\0\0rest', '/run/x.sock'],
    ['\0abstract', '@abstract'],
    ['\0abstract\0\0\0', '@abstract'],
    ['\0two\0parts', '@two\0parts'],
    ['\0', '@'],
    ['', ''],
  ];
  for (const [bytes, path] of cases) t.equal(socketPath(Buffer.from(bytes)), path, JSON.stringify(bytes));
  const random = new Random(9);
  const began = performance.now();
  let longest = 0;
  for (let n = 0; n < 2000; n++) {
    const path = socketPath(random.bytes(random.below(109)));
    longest = Math.max(longest, path.length);
    handoffKind(`${path}/${'docker/'.repeat(random.below(20))}`, path);
  }
  t.ok(longest <= 108, `${longest} characters at most`);
  t.ok(performance.now() - began < 5000);
});

t.test('the names that a login was told', async (t) => {
  const names = new Names();
  const told = (address: string, name: string, ttl = 0) => [{ address, name, ttl }];
  names.learn('A', told('10.0.0.1', 'orders-db'), 1_000_000);
  t.equal(names.nameOf('A', '10.0.0.1', 1_000_000), 'orders-db');
  t.equal(names.nameOf('B', '10.0.0.1', 1_000_000), null, 'another login was not told');
  t.equal(names.nameOf('A', '10.0.0.2', 1_000_000), null);
  t.equal(names.nameOf('A', '10.0.0.1', 600_999_999), 'orders-db', 'ten minutes, however short its life');
  t.equal(names.nameOf('A', '10.0.0.1', 601_000_000), null);
  names.learn('A', told('10.0.0.1', 'long', 7200), 0);
  t.equal(names.nameOf('A', '10.0.0.1', 7_199_999_999), 'long', 'the latest answer, as long as it says');
  names.learn('A', told('10.0.0.1', 'later'), 1);
  t.equal(names.nameOf('A', '10.0.0.1', 2), 'later');
  names.forget('A');
  t.equal(names.nameOf('A', '10.0.0.1', 2), null);
  names.forget('nobody');
});

t.test('of names, the 2,000 latest of a login', async (t) => {
  const names = new Names();
  const address = (n: number) => `10.0.${n >> 8}.${n & 255}`;
  names.learn('B', [{ address: address(0), name: 'of-b', ttl: 0 }], 0);
  for (let n = 0; n < 2000; n++) names.learn('A', [{ address: address(n), name: `n${n}`, ttl: 0 }], 0);
  names.learn('A', [{ address: address(0), name: 'again', ttl: 0 }], 0);
  names.learn('A', [{ address: address(2000), name: 'one more', ttl: 0 }], 0);
  const found = [0, 1, 2, 1999, 2000].map((n) => names.nameOf('A', address(n), 1));
  t.same(found, ['again', null, 'n2', 'n1999', 'one more']);
  t.equal(names.nameOf('B', address(0), 1), 'of-b');
});

function line(id: number, prefix: string, port: number, transport: 'tcp' | 'udp' = 'tcp'): Route {
  return { id, prefix, port, transport, action: 'direct', target: null, decision: null };
}

t.test('the route of a destination: the longest prefix, then the named port', async (t) => {
  const routing = new Routing();
  t.equal(routing.find('tcp', '10.0.0.1', 80), null);
  routing.install([
    line(1, '0.0.0.0/0', 0),
    line(2, '10.0.0.0/8', 443),
    line(3, '10.1.0.0/16', 0),
    line(5, '10.1.2.3/32', 5432),
    line(4, '10.1.2.3/32', 0),
    line(6, '10.1.2.128/25', 0, 'udp'),
    line(7, '::/0', 0),
    line(8, 'fd77::/61', 22),
    line(9, '0.0.0.0/0', 53, 'udp'),
  ]);
  const cases: [id: number | null, transport: 'tcp' | 'udp', address: string, port: number][] = [
    [1, 'tcp', '192.0.2.1', 443],
    [2, 'tcp', '10.9.9.9', 443],
    [1, 'tcp', '10.9.9.9', 444],
    [3, 'tcp', '10.1.9.9', 443],
    [4, 'tcp', '10.1.2.3', 443],
    [5, 'tcp', '10.1.2.3', 5432],
    [5, 'tcp', '::ffff:10.1.2.3', 5432],
    [6, 'udp', '10.1.2.129', 9],
    [null, 'udp', '10.1.2.127', 9],
    [9, 'udp', '10.1.2.127', 53],
    [null, 'udp', 'fd77::1', 53],
    [7, 'tcp', 'fd77::1', 23],
    [8, 'tcp', 'fd77:0:0:7::1', 22],
    [7, 'tcp', 'fd77:0:0:8::1', 22],
  ];
  for (const [id, ...to] of cases) t.equal(routing.find(...to)?.id ?? null, id, to.join(' '));
  routing.install([line(20, '10.0.0.0/8', 0)]);
  t.equal(routing.find('tcp', '192.0.2.1', 443), null, 'a new table is in place of the old');
  t.equal(routing.byId(5)?.port, 5432, 'of which flows are still understood');
  t.equal(routing.byId(99), null);
  t.throws(() => routing.find('tcp', 'no address', 1), RangeError);
});

t.test('a socket that was refused, in words', async (t) => {
  const cases: [over: Parameters<typeof socketEvent>[0], text: RegExp][] = [
    [
      {},
      /^IPv4 raw socket, ICMP \(ping\), refused: its traffic would pass the proxy by \(pid \d+, uid 1001\)$/,
    ],
    [{ refused: 0 }, /, was made: its traffic passes below the hooks \(/],
    [{ family: 10, type: 5, protocol: 132 }, /^IPv6 seqpacket socket, SCTP, /],
    [{ family: 17, protocol: 768 }, /^AF_PACKET raw socket, protocol 768, /],
    [{ family: 17, protocol: 1 }, /^AF_PACKET raw socket, protocol 1, /],
    [{ family: 40, type: 1, protocol: 0 }, /^AF_VSOCK stream socket, protocol 0, /],
    [{ family: 4_000_000_000, type: 77 }, /^address family 4000000000 type 77 socket, protocol 1, /],
  ];
  for (const [over, text] of cases) t.match(describeSocket(socketEvent(over), null), text);
  t.ok(describeSocket(socketEvent(), null).includes(`pid ${PID + 1}`));
});
