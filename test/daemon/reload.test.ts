/** A new configuration is taken up whole, or not at all, whatever is the matter with it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Routing } from '../../src/attribution/routing.ts';
import { checkConfig } from '../../src/daemon/check-config.ts';
import type { Daemon } from '../../src/daemon/daemon.ts';
import { type OpenHop, OpenHops } from '../../src/daemon/open-hops.ts';
import { PolicyLoader, protocolFor } from '../../src/daemon/policy-state.ts';
import { reload } from '../../src/daemon/reload.ts';
import type { Closing } from '../../src/daemon/revoke.ts';
import { MapFullError } from '../../src/kernel/bpf-map.ts';
import type { HlConfig, HlRoute, HlRouteKey } from '../../src/kernel/layouts.generated.ts';
import type { KernelMaps } from '../../src/kernel/maps.ts';
import { installRoutes } from '../../src/kernel/routes.ts';
import { PolicySnapshot } from '../../src/policy/snapshot.ts';
import { hop } from '../store/seed.ts';

const TARGETS = `targets:
  orders-db: {addresses: [10.77.0.20], ports: [5432], protocol: postgres}
  backups: {addresses: [10.77.0.40], ports: [873], mode: direct}
`;
const POLICY = '@id("all") permit (principal, action == Action::"connect", resource);\n';

let disposed = 0;
const dispose = PolicySnapshot.prototype[Symbol.dispose];
PolicySnapshot.prototype[Symbol.dispose] = function (this: PolicySnapshot) {
  disposed++;
  dispose.call(this);
};
t.beforeEach(() => {
  disposed = 0;
});

/** A daemon as far as a reload touches it, on maps that a kernel would have. */
class Fake {
  readonly dir: string;
  readonly routes = new Map<string, { key: HlRouteKey; value: HlRoute }>();
  config = { table: 0, flags: 0 } as HlConfig;
  capacity = 65_536;
  configFails = false;
  readonly notices: string[] = [];
  readonly closing: Closing[] = [];
  readonly open = new OpenHops();
  workersTold = 0;
  readonly log = { level: 'info', info: () => {}, error: () => {} };
  readonly daemon: Daemon;

  constructor(t: Test) {
    this.dir = t.testdir({
      'hopline.yaml': 'mode: enforce\n',
      'targets.yaml': TARGETS,
      policies: { 'a.cedar': POLICY },
    });
    const loader = new PolicyLoader(this.dir, ['tcp']);
    const policy = loader.load();
    const routing = new Routing();
    const maps = this.#maps();
    const install = (routes: Parameters<typeof installRoutes>[1]) => {
      installRoutes(maps, routes);
      routing.install(routes);
    };
    install(policy.routes);
    this.daemon = {
      ...{ loader, policy, routing, open: this.open, log: this.log, startedWith: policy.config },
      options: { configPath: join(this.dir, 'hopline.yaml') },
      kernel: { maps },
      installRoutes: install,
      tellWorkers: () => this.workersTold++,
      credentials: { replace: () => {} },
      fleet: { peering: { replace: () => {} } },
      shells: { settle: () => {} },
      now: () => 1,
      record: { notice: ({ detail }: { detail: string }) => this.notices.push(detail), flush: () => true },
      revocations: {
        close: async (all: readonly Closing[]) => {
          this.closing.push(...all);
          return { closed: all.map(({ open }) => open.hop.id), silenced: [], open: [] };
        },
      },
    } as unknown as Daemon;
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.dir, file), text);
  }

  /** Ids of the routes that the kernel decides by. */
  inForce(): number[] {
    const generation = this.config.table & 0xff;
    const all = [...this.routes.values()].filter(({ key }) => key.generation === generation);
    return all.map(({ value }) => value.id).sort((a, b) => a - b);
  }

  #maps(): KernelMaps {
    const text = (key: HlRouteKey) => JSON.stringify({ ...key, addr: [...key.addr] });
    return {
      config: {
        get: () => this.config,
        set: (_: number, value: HlConfig) => {
          if (this.configFails && value.flags !== this.config.flags)
            throw new Error("can't write map config");
          this.config = value;
        },
      },
      routes: {
        keys: () => [...this.routes.values()].map(({ key }) => key),
        set: (key: HlRouteKey, value: HlRoute) => {
          if (this.routes.size >= this.capacity) throw new MapFullError('map routes is full');
          this.routes.set(text(key), { key, value });
        },
        delete: (key: HlRouteKey) => this.routes.delete(text(key)),
      },
    } as unknown as KernelMaps;
  }
}

t.test('taken up: routes, policy, workers; the snapshot from before is given back', async (t) => {
  const fake = new Fake(t);
  const before = fake.daemon.policy;
  fake.write('hopline.yaml', 'mode: enforce\nlog: {level: debug}\n');
  fake.write('policies/a.cedar', POLICY.replace('"all"', '"everybody"'));
  const done = await reload(fake.daemon);
  t.match(done, { ok: true, problems: [], restart: [] });
  t.not(done.version, before.snapshot.version);
  t.equal(fake.daemon.policy.snapshot.version, done.version);
  t.equal(fake.workersTold, 1);
  t.equal(fake.log.level, 'debug', 'the log at once');
  t.equal(disposed, 1);
  t.same(
    fake.inForce(),
    fake.daemon.policy.routes.map(({ id }) => id),
  );
});

t.test('what waits for a restart is said, until there is one', async (t) => {
  const fake = new Fake(t);
  const lines = [
    'proxy: {workers: 7, user: other, listen: {v4: "127.0.0.1:15002"}}',
    'tripwire: {enabled: false}',
  ];
  fake.write('hopline.yaml', `mode: enforce\n${lines.join('\n')}\nrecord: {argv_bytes: 100}\n`);
  const waiting = ['record', 'tripwire', 'proxy.listen', 'proxy.workers', 'proxy.user'];
  t.same((await reload(fake.daemon)).restart, waiting);
  t.same((await reload(fake.daemon)).restart, waiting, 'again: it still runs with what it was started with');
  t.match(
    fake.notices.at(-1),
    /record, tripwire, proxy\.listen, proxy\.workers, proxy\.user changed and need/,
  );
  fake.write('hopline.yaml', 'mode: enforce\nproxy: {timeouts: {idle: 5m}}\n');
  t.same((await reload(fake.daemon)).restart, []);
});

t.test('a kernel that does not take it: the running one stays, with its routes', async (t) => {
  for (const fails of ['map', 'config'] as const) {
    const fake = new Fake(t);
    const { policy } = fake.daemon;
    const routes = fake.inForce();
    fake.write('hopline.yaml', 'mode: observe\n');
    disposed = 0;
    if (fails === 'map') fake.capacity = fake.routes.size + 3;
    else fake.configFails = true;
    const done = await reload(fake.daemon);
    t.match(done, { ok: false, version: policy.snapshot.version, restart: [] });
    t.match(done.problems, [
      { file: /hopline\.yaml$/, message: /could not be put into force: (map routes is full|can't write)/ },
    ]);
    t.equal(fake.daemon.policy, policy);
    t.same(fake.inForce(), routes, `${fails}: the kernel decides as before`);
    t.match(fake.daemon.routing.find('tcp', '10.77.0.20', 5432), { target: 'orders-db', id: routes[0] });
    t.equal(disposed, 1, 'the new snapshot is given back');
    t.match(fake.notices.at(-1), /^refused: 1 problems; .* stays in force$/);
    t.equal(fake.workersTold, 0);
  }
});

t.test('more routes than half of the map are refused by name, not by a daemon that ends', async (t) => {
  const fake = new Fake(t);
  const addresses = Array.from({ length: 200 }, (_, n) => `10.9.0.${n}`).join(', ');
  const ports = Array.from({ length: 170 }, (_, n) => 1000 + n).join(', ');
  fake.write('targets.yaml', `targets:\n  many: {addresses: [${addresses}], ports: [${ports}]}\n`);
  disposed = 0;
  const done = await reload(fake.daemon);
  t.match(done.problems, [
    {
      file: join(fake.dir, 'targets.yaml'),
      message: /more lines than the kernel holds/,
      got: /^340\d\d lines, 34000 of them of target "many"$/,
      expected: 'at most 32768',
    },
  ]);
  t.equal(disposed, 1);
});

t.test('open hops that are denied now are closed, direct ones too', async (t) => {
  const fake = new Fake(t);
  const add = (id: string, over: Parameters<typeof hop>[0]): void => {
    const { process: _, ...facts } = hop({ id, ...over });
    fake.open.add({ hop: { ...facts, image: null }, root: null, closing: null } as OpenHop);
  };
  const backups = { address: '10.77.0.40', port: 873 };
  add('INSPECTED', { mode: 'inspect' });
  add('DIRECT', { mode: 'direct', destination: backups });
  add('UDP', { mode: 'direct', transport: 'udp', destination: { address: '10.77.0.53', port: 53 } });
  await reload(fake.daemon);
  t.same(fake.closing, [], 'all of it is allowed');
  const forbid =
    '@id("closed") forbid (principal, action == Action::"connect", resource == Target::"backups");\n';
  fake.write('policies/a.cedar', POLICY + forbid);
  await reload(fake.daemon);
  t.match(fake.closing, [
    { open: { hop: { id: 'DIRECT' } }, reason: /^a new policy denies it: closed forbids/ },
  ]);
  t.equal(fake.closing.length, 1);
  fake.write('policies/a.cedar', '');
  await reload(fake.daemon);
  t.same(
    fake.closing.slice(1).map(({ open }) => open.hop.id),
    ['INSPECTED', 'DIRECT'],
  );
});

t.test('the room of a target, where there is one; else tcp, and a warning that says so', async (t) => {
  const fake = new Fake(t);
  const { policy } = fake.daemon;
  t.equal(protocolFor(policy, 'orders-db', ['tcp', 'postgres']), 'postgres');
  t.equal(protocolFor(policy, 'orders-db', ['tcp']), 'tcp');
  t.equal(protocolFor(policy, 'backups', ['tcp', 'postgres']), 'tcp');
  t.equal(protocolFor(policy, null, ['tcp', 'postgres']), 'tcp');
  const { warnings } = await reload(fake.daemon);
  t.match(warnings, [{ path: 'targets.orders-db.protocol', message: /forwarded as tcp/, got: 'postgres' }]);
});

t.test('a check counts policies, and keeps nothing', async (t) => {
  const fake = new Fake(t);
  fake.write('policies/a.cedar', `${POLICY}${POLICY.replace('"all"', '"again"')}`);
  disposed = 0;
  t.match(checkConfig(fake.dir, ['tcp', 'postgres']), {
    ok: true,
    warnings: [],
    policies: 2,
    targets: 2,
    users: 0,
  });
  t.equal(disposed, 1);
  t.match(checkConfig(fake.dir, []).warnings, [{ path: /orders-db/ }, { path: /backups/ }]);
});
