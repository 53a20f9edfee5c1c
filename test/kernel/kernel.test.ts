/** The kernel half on the kernel that is here: what is loaded, who descends from whom, which way a connection goes. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import koffi from 'koffi';
import t from 'tap';
import { Routing } from '../../src/attribution/routing.ts';
import type { Route, RouteAction } from '../../src/core/types.ts';
import { addressText } from '../../src/kernel/address.ts';
import { MapFullError } from '../../src/kernel/bpf-map.ts';
import * as abi from '../../src/kernel/layouts.generated.ts';
import { loadLibbpf } from '../../src/kernel/libbpf.ts';
import { KernelError, loadKernel, removeOtherVersions } from '../../src/kernel/load.ts';
import { SHARED_MAPS } from '../../src/kernel/maps.ts';
import { installRoutes } from '../../src/kernel/routes.ts';
import { Random } from '../core/random.ts';
import type { Dial } from './dialer.ts';
import { type Event, type Inside, Machine, missing, OBJECTS } from './machine.ts';

const reason = missing();
if (reason) {
  console.error(`kernel.test.ts: skipped: ${reason}`);
  t.plan(0, reason);
  process.exit(0);
}

const began = performance.now();
const machine = new Machine();
t.teardown(() => machine.remove());
const { kernel, pins } = machine;
const { maps } = kernel;
const root = join(pins, `v${abi.HL_ABI}`);

const of = <K extends Event['type']>(events: readonly Event[], type: K) =>
  events.filter((event): event is Extract<Event, { type: K }> => event.type === type);
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8').split('\0')[0];
/** Of the login that the shell's fork began. */
const login = 0n;
let shell: Inside;
let dialer: {
  dial(list: readonly Dial[]): Promise<string[]>;
  run(...argv: string[]): Promise<{ pid: number }>;
};

t.test('loaded: every map and program is pinned, and as large as the layouts say', async (t) => {
  t.equal(kernel.continued, false);
  t.same(kernel.missing, []);
  const lib = loadLibbpf();
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
    events: [0, 0],
  };
  for (const [name, [key, value]] of Object.entries(sizes)) {
    const fd = lib.objGet(join(root, name));
    t.ok(fd > 0, `${name} is pinned`);
    const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
    const field = (of: string) => Number(new RegExp(`^${of}:\\s+(\\d+)`, 'm').exec(info)?.[1]);
    t.same([field('key_size'), field('value_size')], [key, value], `${name}: bytes of key and value`);
    if (name === 'events') t.equal(field('max_entries'), 16 << 20, 'as ring.ts maps it');
    if (name === 'losses') t.equal(field('max_entries'), abi.HlLoss.LOSS_MAX);
  }
  for (const name of SHARED_MAPS) t.ok(existsSync(join(root, name)), `${name} is pinned`);
  t.same(readdirSync(join(root, 'links')), [], 'and nothing is attached yet');
});
