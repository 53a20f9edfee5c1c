/**
 * The real kernel half, loaded into a cgroup, a network namespace and pins of their own. In that namespace every
 * address is the host's own, so that a connection to anywhere is answered (by a reset) and none leaves.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { addressBytes } from '../../src/kernel/address.ts';
import { BootClock } from '../../src/kernel/clock.ts';
import * as abi from '../../src/kernel/layouts.generated.ts';
import { type Kernel, loadKernel } from '../../src/kernel/load.ts';
import { cgroupMount } from '../cgroup.ts';

export const OBJECTS = join(import.meta.dirname, '../../dist/bpf');
export const PROXY_PORT = 15_001;
const DIALER = join(import.meta.dirname, 'dialer.ts');
const NETNS = new URL('../../src/kernel/netns.ts', import.meta.url).href;
const BPFFS = '/sys/fs/bpf';

/** Why the kernel half can't be tried here; null where it can. */
export function missing(): string | null {
  if (process.getuid?.() !== 0) return 'loading eBPF needs root';
  if (!existsSync('/sys/kernel/btf/vmlinux')) return 'this kernel has no BTF (/sys/kernel/btf/vmlinux)';
  if (!existsSync(join(OBJECTS, 'lineage.bpf.o'))) return 'dist/bpf is not built: scripts/build-bpf';
  if (!cgroupMount()) return 'no cgroup v2 is mounted';
  if (!readFileSync('/proc/self/mounts', 'utf8').includes(` ${BPFFS} bpf `)) return `no bpffs on ${BPFFS}`;
  return null;
}

export type Event =
  | ({ readonly type: 'root' } & abi.HlRootEvent)
  | ({ readonly type: 'root-end' } & abi.HlRootEvent)
  | ({ readonly type: 'exec' } & abi.HlExecEvent)
  | ({ readonly type: 'exit' } & abi.HlExitEvent)
  | ({ readonly type: 'flow' } & abi.HlFlowEvent)
  | ({ readonly type: 'flow-end' } & abi.HlFlowEndEvent);

/** A copy of the event: what the ring hands over is its own memory. */
function decode(view: DataView, at: number, size: number): Event[] {
  const copy = new DataView(Uint8Array.from(new Uint8Array(view.buffer, view.byteOffset + at, size)).buffer);
  const { type } = abi.readHlEvent(copy, 0);
  const { EV_ROOT, EV_ROOT_END, EV_EXEC, EV_EXIT, EV_FLOW, EV_FLOW_END } = abi.HlEventType;
  switch (type) {
    case EV_ROOT:
      return [{ type: 'root', ...abi.readHlRootEvent(copy, 0) }];
    case EV_ROOT_END: {
      const whole = new DataView(new ArrayBuffer(abi.hlRootEventSize));
      new Uint8Array(whole.buffer).set(new Uint8Array(copy.buffer));
      return [{ type: 'root-end', ...abi.readHlRootEvent(whole, 0) }];
    }
    case EV_EXEC:
      return [{ type: 'exec', ...abi.readHlExecEvent(copy, 0) }];
    case EV_EXIT:
      return [{ type: 'exit', ...abi.readHlExitEvent(copy, 0) }];
    case EV_FLOW:
      return [{ type: 'flow', ...abi.readHlFlowEvent(copy, 0) }];
    case EV_FLOW_END:
      return [{ type: 'flow-end', ...abi.readHlFlowEndEvent(copy, 0) }];
    default:
      return [];
  }
}

/** A process inside, which waits for a line before it executes its program, and then answers lines. */
export class Inside {
  readonly child: ChildProcess;
  readonly #lines: Interface;
  readonly #answers: { resolve(line: string): void; reject(error: Error): void }[] = [];
  readonly ended: Promise<number | null>;

  constructor(script: string, args: readonly string[]) {
    this.child = spawn('/bin/sh', ['-c', script, 'sh', ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.ended = new Promise((resolve) => this.child.once('exit', (code) => resolve(code)));
    this.#lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream });
    this.#lines.on('line', (line) => this.#answers.shift()?.resolve(line));
    this.#lines.on('close', () => {
      for (const { reject } of this.#answers.splice(0))
        reject(new Error(`${this.pid} ended without an answer`));
    });
  }

  get pid(): number {
    return this.child.pid as number;
  }

  ask(line: string): Promise<string> {
    const answer = this.answer();
    this.tell(line);
    return answer;
  }

  answer(): Promise<string> {
    return new Promise((resolve, reject) => this.#answers.push({ resolve, reject }));
  }

  tell(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  end(): void {
    this.child.stdin?.end();
  }
}

export class Machine {
  readonly name: string;
  readonly pins: string;
  readonly cgroup: string;
  readonly kernel: Kernel;
  readonly #inside: Inside[] = [];

  /** @param suffix where a test has more than one */
  constructor(suffix = '') {
    this.name = `hopline-test-${process.pid}${suffix}`;
    this.pins = join(BPFFS, this.name);
    this.cgroup = join(cgroupMount() ?? '', this.name);
    mkdirSync(this.cgroup);
    execFileSync('ip', ['netns', 'add', this.name]);
    const routes = ['link set lo up', 'route add local 0.0.0.0/0 dev lo', '-6 route add local ::/0 dev lo'];
    for (const line of routes) execFileSync('ip', ['-n', this.name, ...line.split(' ')]);
    this.kernel = loadKernel({ objects: OBJECTS, pins: this.pins, cgroup: this.cgroup });
    const { maps, build } = this.kernel;
    maps.config.set(0, {
      ...(maps.config.get(0) as abi.HlConfig),
      proxy4: addressBytes('127.0.0.1'),
      proxy6: addressBytes('::1'),
      proxy4Port: PROXY_PORT,
      proxy6Port: PROXY_PORT,
      epochUs: BigInt(new BootClock().epochMicros),
      scopeId: this.scope.id,
      scopeLevel: 1,
      build,
      flags: abi.HlConfigFlag.C_READY | abi.HlConfigFlag.C_SEEDED,
    });
  }

  get scope(): { id: bigint } {
    const [line = ''] = execFileSync('stat', ['-c', '%i', this.cgroup], { encoding: 'utf8' }).split('\n');
    return { id: BigInt(line) };
  }

  /** A shell inside that runs `script`, once it is there; `ready` when it says so. */
  async run(script: string, ...args: string[]): Promise<Inside> {
    const enter = `echo $$ > ${this.cgroup}/cgroup.procs && exec nsenter --net=/run/netns/${this.name} /bin/sh -c "$1" "$@"`;
    const inside = new Inside(enter, [`echo ready; ${script}`, ...args]);
    this.#inside.push(inside);
    await inside.answer();
    return inside;
  }

  /** A shell whose child, once it is told to go, is the dialer. */
  dialer(): Promise<Inside> {
    return this.run('exec 3<&0; read go; "$1" "$2" <&3 & wait $!', process.execPath, DIALER);
  }

  /** Runs what the supervisor runs, so that the connect hook learns of this namespace. */
  async announce(): Promise<number | null> {
    const code = `import(${JSON.stringify(NETNS)}).then((netns) => netns.announceNamespace())`;
    const inside = await this.run('read go; exec "$1" -e "$2"', process.execPath, code);
    const key = this.keyOf(inside.pid);
    const { maps } = this.kernel;
    const line = { root: 0n, owner: key, image: 1, execs: 1, kind: abi.HlKind.SELF, spawnKind: 0, flags: 0 };
    maps.lineage.set(key, line);
    maps.config.set(0, { ...(maps.config.get(0) as abi.HlConfig), selfTgid: inside.pid });
    inside.tell('go');
    return inside.ended;
  }

  keyOf(pid: number): abi.HlKey {
    const task = this.kernel.tasks().find(({ proc }) => proc.tgid === pid);
    if (!task) throw new Error(`the task iterator does not show ${pid}`);
    return task.proc;
  }

  /** Every event that waits in the ring; its room is given back. */
  events(): Event[] {
    const events: Event[] = [];
    const ring = this.kernel.maps.events;
    ring.read((view, at, size) => events.push(...decode(view, at, size)), Number.MAX_SAFE_INTEGER);
    ring.release();
    return events;
  }

  /** Detaches everything and ends every process that was started here. */
  async remove(): Promise<void> {
    rmSync(this.pins, { recursive: true, force: true });
    for (const inside of this.#inside) inside.end();
    const procs = join(this.cgroup, 'cgroup.procs');
    for (const pid of readFileSync(procs, 'utf8').split('\n').filter(Boolean)) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
    await Promise.all(this.#inside.map(({ ended }) => ended));
    execFileSync('ip', ['netns', 'del', this.name]);
    for (let tries = 50; existsSync(this.cgroup); tries--) {
      try {
        rmdirSync(this.cgroup);
      } catch (error) {
        if (tries === 0) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
}
