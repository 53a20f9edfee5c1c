/** The kernel half on the kernel that is here: what is loaded, who descends from whom, which way a connection goes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import koffi from 'koffi';
import t from 'tap';
import { Routing } from '../../src/attribution/routing.ts';
import type { Route } from '../../src/core/target.ts';
import { tallyRevocations } from '../../src/daemon/revoke.ts';
import { addressText } from '../../src/kernel/address.ts';
import * as abi from '../../src/kernel/layouts.generated.ts';
import { loadLibbpf } from '../../src/kernel/libbpf.ts';
import { loadKernel, removeOtherVersions } from '../../src/kernel/load.ts';
import { SHARED_MAPS } from '../../src/kernel/maps.ts';
import { installRoutes } from '../../src/kernel/routes.ts';
import { Random } from '../core/random.ts';
import type { Dial, Order } from './dialer.ts';
import { type Event, type Inside, Machine, missing, OBJECTS, PROXY_PORT } from './machine.ts';
import { randomDials, randomTable, route } from './routes.ts';

type Test = typeof t;
const reason = missing();
if (reason) console.error(`test/kernel: skipped: ${reason}`);

function of<K extends Event['type']>(events: readonly Event[], type: K) {
  return events.filter((event): event is Extract<Event, { type: K }> => event.type === type);
}

function ask<T>(inside: Inside, order: Order): Promise<T> {
  return inside.ask(JSON.stringify(order)).then((line) => JSON.parse(line) as T);
}

/** Prints the pid of a child that stands at PTRACE_EVENT_EXEC; it is killed with the tracer. */
const EXECUTING = `
import ctypes, os, signal, sys
ptrace = lambda request, pid, data: ctypes.CDLL(None).ptrace(request, pid, 0, data)
TRACEME, CONT, SETOPTIONS, TRACEEXEC, EXITKILL = 0, 7, 0x4200, 0x10, 0x100000
pid = os.fork()
if pid == 0:
    ptrace(TRACEME, 0, 0)
    os.kill(os.getpid(), signal.SIGSTOP)
    os.execv('/bin/sleep', ['sleep', '60'])
os.waitpid(pid, 0)
ptrace(SETOPTIONS, pid, TRACEEXEC | EXITKILL)
ptrace(CONT, pid, 0)
assert os.waitpid(pid, 0)[1] >> 8 == signal.SIGTRAP | 4 << 8
print(pid, flush=True)
sys.stdin.read()
`;

/** Overwrites the first instruction of a section (elf(5)) by one that there is not. */
function spoil(file: string, section: string): void {
  const elf = readFileSync(file);
  const table = Number(elf.readBigUInt64LE(0x28));
  const [entry, count, names] = [elf.readUInt16LE(0x3a), elf.readUInt16LE(0x3c), elf.readUInt16LE(0x3e)];
  const bodyOf = (index: number) => Number(elf.readBigUInt64LE(table + index * entry + 0x18));
  for (let index = 0; index < count; index++) {
    const name = bodyOf(names) + elf.readUInt32LE(table + index * entry);
    if (elf.toString('latin1', name, elf.indexOf(0, name)) === section) elf.writeUInt8(0xff, bodyOf(index));
  }
  writeFileSync(file, elf);
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8').split('\0')[0];

t.test('on this kernel', reason ? { skip: reason } : {}, async (t) => {
  const machine = new Machine();
  t.teardown(() => machine.remove());
  const { kernel, pins } = machine;
  const { maps } = kernel;
  const root = join(pins, `v${abi.HL_ABI}`);
  const { DIRECT, DENY } = abi.HlAction;

  await t.test(
    'loaded: every map is pinned, as large as the layouts say, and nothing attached',
    async (t) => {
      t.equal(kernel.continued, false);
      t.same(kernel.missing, []);
      for (const name of SHARED_MAPS) t.ok(existsSync(join(root, name)), `${name} is pinned`);
      const sizes: Record<string, [key: number, value: number]> = {
        config: [4, abi.hlConfigSize],
        lineage: [abi.hlKeySize, abi.hlLineageSize],
        roots: [8, abi.hlRootSize],
        revoked: [8, 4],
        tallies: [4, 8],
        losses: [4, 8],
        spawners: [abi.HL_NAME, 4],
        routes: [abi.hlRouteKeySize, abi.hlRouteSize],
        flows: [abi.hlFlowKeySize, abi.hlFlowSize],
        listeners: [abi.hlListenerKeySize, abi.hlListenerSize],
        peers: [abi.hlFlowKeySize, abi.hlPeerSize],
        hop_peers: [abi.hlHopNetworkSize, abi.hlHopKeySize],
        hop_tallies: [4, 8],
        hop_offered: [8, abi.hlHopOfferSize],
        hop_arrived: [abi.hlHopEndsSize, abi.hlHopArrivalSize],
        events: [0, 0],
      };
      const lib = loadLibbpf();
      for (const [name, size] of Object.entries(sizes)) {
        const info = readFileSync(`/proc/self/fdinfo/${lib.objGet(join(root, name))}`, 'utf8');
        const field = (of: string) => Number(new RegExp(`^${of}:\\s+(\\d+)`, 'm').exec(info)?.[1]);
        t.same([field('key_size'), field('value_size')], size, `${name}: bytes of key and value`);
        if (name === 'events') t.equal(field('max_entries'), 16 << 20, 'as ring.ts maps it');
      }
      t.equal(maps.losses().length, abi.HlLoss.LOSS_MAX);
      t.same(readdirSync(join(root, 'links')), []);
    },
  );

  await t.test('a map: what is not there, what is there already, what does not fit', async (t) => {
    const { spawners } = maps;
    t.equal(spawners.get('sshd'), null);
    t.equal(spawners.delete('sshd'), false);
    t.equal(spawners.add('sshd', 1), true);
    t.equal(spawners.add('sshd', 2), false);
    t.equal(spawners.get('sshd'), 1, 'not replaced');
    t.equal(spawners.take('sshd'), 1);
    t.equal(spawners.take('sshd'), null);
    const names = Array.from({ length: 64 }, (_, n) => `name-${n}`);
    for (const name of names) spawners.set(name, 5);
    t.same(spawners.keys().sort(), names.sort());
    t.throws(() => spawners.set('one more', 5), { code: 'map_full' });
    for (const name of names) spawners.delete(name);
    t.same(spawners.keys(), []);
  });

  await t.test('a process in the midst of execve is known as such', async (t) => {
    // ptrace(2) stops it when the new program is there and execve has not returned.
    const tracer = spawn('python3', ['-c', EXECUTING], { stdio: ['pipe', 'pipe', 'inherit'] });
    t.teardown(() => tracer.kill('SIGKILL'));
    const [line] = await once(tracer.stdout, 'data');
    const executing = (pid: number) => kernel.tasks().find(({ proc }) => proc.tgid === pid)?.executing;
    t.equal(executing(Number(line)), 1);
    t.equal(executing(process.pid), 0);
  });

  kernel.attach('trace');
  const shell = await machine.dialer();
  const shellKey = machine.keyOf(shell.pid);
  let login = 0n;
  let leader: abi.HlKey = shellKey;

  await t.test('a process of unknown origin is a root that says so', async (t) => {
    const events = machine.events();
    const [born] = of(events, 'root');
    t.match(born, { kind: abi.HlKind.UNATTRIBUTED, proc: shellKey, parentRoot: 0n });
    const execs = of(events, 'exec');
    t.same(
      execs.map(({ name, who }) => [text(name), who.image, who.root, who.proc.tgid]),
      [
        ['nsenter', 1, born?.root, shell.pid],
        [basename(realpathSync('/bin/sh')), 2, born?.root, shell.pid],
      ],
    );
    const [, sh] = execs;
    t.match(sh, { parent: shellKey, parentImage: 1, ppid: process.pid, deleted: 0 });
    t.equal(text(sh?.data ?? new Uint8Array()), '/bin/sh');
    t.match(maps.roots.get(born?.root ?? 0n), { live: 1, leader: shellKey });
    const task = kernel.tasks().find(({ proc }) => proc.tgid === shell.pid);
    t.match(task, { inScope: 1, kernelThread: 0, uid: 0, ppid: process.pid });
    t.match(
      kernel.tasks().find(({ proc }) => proc.tgid === process.pid),
      { inScope: 0 },
      'what is outside the scope is told apart',
    );
  });

  await t.test('a spawner gives birth to a login, and all below it inherits', async (t) => {
    const line = maps.lineage.get(shellKey) as abi.HlLineage;
    maps.lineage.set(shellKey, { ...line, flags: abi.HlLineageFlag.F_SPAWNER, spawnKind: abi.HlKind.SSH });
    const sh = basename(realpathSync('/bin/sh'));
    maps.spawners.set(sh, abi.HlKind.SSH);
    shell.tell('go');
    const script = "/bin/true; sh -c 'exit 3'; sh -c 'kill -9 $$' & wait";
    const { pid } = await ask<{ pid: number }>(shell, { run: ['/bin/sh', '-c', script, ''] });
    const events = machine.events();
    const roots = of(events, 'root');
    t.equal(roots.length, 1, 'one login: a spawner that a person starts spawns nothing');
    const [born] = roots;
    login = born?.root ?? 0n;
    leader = born?.proc ?? shellKey;
    t.match(born, { kind: abi.HlKind.SSH, parent: shellKey, parentRoot: line.root });
    t.not(leader.tgid, shell.pid);
    const seconds = Number(login >> 8n) / 1e6;
    t.ok(Math.abs(seconds - Date.now() / 1000) < 60, 'its id is the time of its birth');
    const execs = of(events, 'exec');
    t.ok(execs.every(({ who }) => who.root === login && who.kind === abi.HlKind.SSH));
    t.match(execs[0], { who: { proc: leader, image: 1 }, parent: leader, parentImage: 0 });
    t.match(execs[1], { who: { proc: { tgid: pid }, image: 1 }, parent: leader, parentImage: 1 });
    t.equal(execs[1]?.argvBytes, ['/bin/sh', '-c', script, ''].join('\0').length + 1);
    t.match(
      execs[2],
      { parent: { tgid: pid }, parentImage: 1 },
      "below the shell, not below the shell's child",
    );
    const codes = of(events, 'exit').map(({ code, root: of }) => [code, of === login]);
    t.same(
      codes.sort(([a], [b]) => Number(a) - Number(b)),
      [
        [0, true],
        [0, true],
        [9, true],
        [3 << 8, true],
      ],
      'as wait(2) reports it',
    );
    t.match(maps.roots.get(login), { live: 1, leader, kind: abi.HlKind.SSH }, 'the rest has gone');
    t.equal(maps.lineage.get({ ...leader, tgid: pid }), null);
    maps.spawners.delete(sh);
  });

  const routing = new Routing();
  const install = (routes: readonly Route[]) => {
    routing.install(routes);
    installRoutes(maps, routes);
  };
  /** What the kernel made of each destination, by its events: a redirected one is reported when it is reset. */
  const dial = async (list: readonly Dial[]) => {
    machine.events();
    const answers = await ask<string[]>(shell, { dial: list });
    const events = machine.events();
    const seen = new Map<string, abi.HlFlowEvent | abi.HlFlowEndEvent>();
    const flows = [...of(events, 'flow'), ...of(events, 'flow-end').filter(({ unclaimed }) => unclaimed)];
    for (const flow of flows)
      seen.set(`${flow.transport === 6 ? 'tcp' : 'udp'} ${addressText(flow.addr)} ${flow.port}`, flow);
    return list.map(({ transport, address, port }, index) => {
      const flow = seen.get(`${transport} ${address} ${port}`);
      const what = flow && 'reason' in flow ? { action: flow.action, reason: flow.reason } : {};
      return { answer: answers[index], route: flow?.route, mine: flow?.who.root === login, ...what };
    });
  };
  const inspected = { transport: 'tcp', address: '10.77.0.20', port: 5432 } as const;

  await t.test('the proxy is where the supervisor announced it, and nowhere else', async (t) => {
    kernel.attach('enforce');
    const routes = [
      route({ id: 1, prefix: '10.77.0.0/16', action: 'inspect' }),
      route({ id: 2, prefix: '127.0.0.0/8', target: null }),
    ];
    install(routes);
    const denied = { answer: 'EPERM', mine: true, action: DENY };
    t.match(
      await dial([inspected]),
      [{ ...denied, reason: abi.HlReason.NETNS }],
      'not announced: not reachable',
    );
    t.equal(maps.config.get(0)?.netnsCookie, 0n);
    t.equal(await machine.announce(), 0);
    t.not(maps.config.get(0)?.netnsCookie, 0n);
    t.same(of(machine.events(), 'flow'), [], "what is Hopline's own is no flow");
    t.match(await dial([inspected]), [{ answer: 'ECONNREFUSED', route: 1, mine: true }], 'redirected');
    t.same(maps.flows.keys(), [], 'a connection that nobody can take leaves no record');
    const there = [
      { transport: 'tcp', address: '127.0.0.1', port: PROXY_PORT },
      { transport: 'tcp', address: '127.0.0.1', port: 9 },
      { transport: 'tcp', address: '192.0.2.1', port: 9 },
    ] as const;
    t.match(await dial(there), [
      { ...denied, reason: abi.HlReason.PROXY },
      { answer: 'ECONNREFUSED', route: undefined, mine: false },
      { ...denied, reason: abi.HlReason.NO_ROUTE, route: 0 },
    ]);
    maps.revoked.set(login, 1);
    tallyRevocations(maps);
    t.match(await dial([inspected]), [{ ...denied, reason: abi.HlReason.REVOKED }]);
    maps.revoked.delete(login);
    tallyRevocations(maps);
    t.match(await dial([inspected]), [{ answer: 'ECONNREFUSED', route: 1 }]);
  });

  /** Dials everything, and says what the kernel has to make of it by user space's own reading of the table. */
  const compare = async (t: Pick<Test, 'same'>, list: readonly Dial[], name: string) => {
    const found = await dial(list);
    const expected = list.map(({ transport, address, port }) => {
      const line = routing.find(transport, address, port);
      if (line === null)
        return { answer: 'EPERM', route: 0, mine: true, action: DENY, reason: abi.HlReason.NO_ROUTE };
      const redirected = line.action === 'inspect' && transport === 'tcp';
      if (redirected) return { answer: 'ECONNREFUSED', route: line.id, mine: true };
      const direct = line.action === 'direct';
      return {
        answer: direct ? (transport === 'tcp' ? 'ECONNREFUSED' : 'connected') : 'EPERM',
        route: line.id,
        mine: true,
        action: direct ? DIRECT : DENY,
        reason: direct ? abi.HlReason.ALLOWED : abi.HlReason.BY_ROUTE,
      };
    });
    t.same(
      list.map((to, index) => ({ to, ...found[index] })),
      list.map((to, index) => ({ to, ...expected[index] })),
      name,
    );
    return new Set(expected.map(({ route }) => route));
  };

  await t.test('kernel and user space choose the same route', async (t) => {
    const random = new Random(4);
    for (let n = 1; n <= 3; n++) {
      install(randomTable(random, n * 1000));
      const used = await compare(t, randomDials(random, 250), `table ${n}, 250 destinations`);
      t.ok(used.size > 40, `${used.size} routes were chosen`);
    }
  });

  await t.test('a table that replaces another: whole, 300 times, or not at all', async (t) => {
    const random = new Random(5);
    for (let n = 0; n < 300; n++)
      install([route({ id: 10_000 + n, prefix: '10.77.0.0/16', action: 'deny' })]);
    t.match(await dial([inspected]), [{ route: 10_299, answer: 'EPERM' }], 'the last of them, past any wrap');
    t.equal(maps.routes.keys().length, 1);
    const kept = randomTable(random, 20_000);
    install(kept);
    const before = maps.config.get(0);
    const large = Array.from({ length: 66_000 }, (_, n) =>
      route({ id: 30_000 + n, prefix: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}/32`, action: 'inspect' }),
    );
    t.throws(() => installRoutes(maps, large), { code: 'map_full' });
    t.same(maps.config.get(0), before);
    t.equal(maps.routes.keys().length, kept.length, 'nothing of the new one is left');
    await compare(t, randomDials(random, 60), 'the old one is in force');
  });

  await t.test(
    'a start that finds its own programs attaches nothing; another build swaps them',
    async (t) => {
      const options = { objects: OBJECTS, pins, cgroup: machine.cgroup };
      const again = loadKernel(options);
      t.equal(again.continued, true);
      t.same(again.missing, []);
      t.same(again.maps.config.get(0), maps.config.get(0));
      const links = readdirSync(join(root, 'links')).sort();
      t.ok(links.length > 12, `${links.length} programs are pinned`);
      maps.config.set(0, { ...(maps.config.get(0) as abi.HlConfig), build: 1n });
      const other = loadKernel(options);
      t.equal(other.continued, false);
      other.attach('trace');
      other.attach('enforce');
      t.same(readdirSync(join(root, 'links')).sort(), links);
      await compare(t, randomDials(new Random(6), 40), 'which decide as before');
      for (const name of ['v0', 'v77', 'v', 'other']) mkdirSync(join(pins, name));
      t.same(removeOtherVersions(pins).sort(), ['v0', 'v77']);
      t.same(readdirSync(pins).sort(), ['other', 'v', `v${abi.HL_ABI}`]);
    },
  );

  await t.test('a kernel that refuses an optional program runs the others, and that is said', async (t) => {
    const objects = t.testdir();
    cpSync(OBJECTS, objects, { recursive: true });
    spoil(join(objects, 'hop_option.bpf.o'), 'sockops');
    const links = readdirSync(join(root, 'links'));
    const without = loadKernel({ objects, pins, cgroup: machine.cgroup });
    t.match(without.missing, [
      /^hop_option: logins on other hosts are not linked by the SYN option \(EINVAL: /,
    ]);
    without.attach('trace');
    without.attach('enforce');
    without.hopOption.setPeers([{ addresses: ['10.99.0.2'], key: Buffer.alloc(16) }]);
    without.hopOption.setPeers([]);
    t.same(links.length - readdirSync(join(root, 'links')).length, 0, "the other build's goes on");
    await compare(t, randomDials(new Random(7), 40), 'the others decide as before');
  });

  await t.test('what is wrong is said, with what to do', async (t) => {
    const options = { objects: OBJECTS, pins, cgroup: machine.cgroup };
    const refused = (over: Partial<typeof options>, message: RegExp) =>
      t.throws(() => loadKernel({ ...options, ...over }), { code: 'kernel', message });
    refused({ objects: '/nonexistent' }, /lineage\.bpf\.o is missing: run scripts\/build-bpf/);
    refused({ pins: join(t.testdir(), 'pins') }, /is on no bpffs\. Mount one: mount -t bpf/);
    refused({ pins: '/sys/fs/no/pins' }, /is on no bpffs/);
    const pin = koffi.load('libbpf.so.1').func('int bpf_obj_pin(int, const char *)');
    const older = join(pins, 'other');
    mkdirSync(join(older, `v${abi.HL_ABI}`));
    const lib = loadLibbpf();
    const put = (map: string, as: string) =>
      pin(lib.objGet(join(root, map)), join(older, `v${abi.HL_ABI}`, as));
    t.same([put('config', 'config'), put('losses', 'roots')], [0, 0]);
    refused({ pins: older }, /maps of another layout are pinned in .*rm -r /);
    rmSync(older, { recursive: true });
    t.throws(() => other(machine.pins), {
      code: 'kernel',
      message: /can't attach cgroup.*Is it a cgroup v2/,
    });
  });

  /** Attached to what is no cgroup. */
  function other(cgroup: string): void {
    maps.config.set(0, { ...(maps.config.get(0) as abi.HlConfig), build: 2n });
    rmSync(join(root, 'links'), { recursive: true });
    loadKernel({ objects: OBJECTS, pins, cgroup }).attach('enforce');
  }
});
