/** Two hosts with a kernel half each, joined by a wire that is listened to: what a SYN option needs to be seen. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Endpoint } from '../../src/core/types.ts';
import { HlKind, HlLineageFlag } from '../../src/kernel/layouts.generated.ts';
import { installRoutes } from '../../src/kernel/routes.ts';
import { until } from '../until.ts';
import { type Inside, Machine } from './machine.ts';
import { route } from './routes.ts';

const here = import.meta.dirname;

export interface Syn {
  readonly from: number;
  readonly to: number;
  /** Hexadecimal, as they were on the wire. */
  readonly options: string;
}

export interface DialOrder {
  readonly to: readonly (readonly [address: string, port: number])[];
  readonly family?: 4 | 6;
  /** IPPROTO_MPTCP is 262. */
  readonly proto?: number;
  readonly fastopen?: boolean;
  readonly seconds?: number;
  /** To connect from; a socket that was refused has another the next time if it is not told. */
  readonly port?: number;
  /** Ended as soon as it is there, so that the port is free for the next one. */
  readonly reset?: boolean;
}
export interface Dialed {
  readonly ended: readonly string[];
  readonly source: Endpoint;
}

/** Addresses of both; those that end in 3 and 4 are the second host's too. */
export const FROM = { v4: '10.99.0.1', v6: 'fd99::1' };
export const TO = { v4: '10.99.0.2', v6: 'fd99::2' };
export const OTHER = { v4: '10.99.0.3', v6: 'fd99::3' };
/** Routed to the second host, which drops what comes. */
export const NOBODY = '10.98.0.9';

export class Hosts {
  readonly sender = new Machine('a');
  readonly receiver = new Machine('b');
  readonly syns: Syn[] = [];
  #sniffer: ChildProcess | null = null;

  async join(): Promise<void> {
    const [a, b] = [this.sender.name, this.receiver.name];
    const ip = (line: string) => execFileSync('ip', line.split(' '));
    for (const name of [a, b]) {
      ip(`-n ${name} route del local 0.0.0.0/0 dev lo table local`);
      ip(`-n ${name} -6 route del local ::/0 dev lo`);
    }
    ip(`link add hl0 netns ${a} type veth peer name hl0 netns ${b}`);
    const addresses = [FROM, TO, OTHER].flatMap(({ v4, v6 }, n) => [
      `-n ${n === 0 ? a : b} addr add ${v4}/24 dev hl0`,
      `-n ${n === 0 ? a : b} addr add ${v6}/64 dev hl0 nodad`,
    ]);
    // No link-local addresses, which would be looked for on the wire first.
    for (const name of [a, b]) ip(`-n ${name} link set hl0 addrgenmode none`);
    for (const line of [...addresses, `-n ${a} link set hl0 up`, `-n ${b} link set hl0 up`]) ip(line);
    ip(`-n ${a} route add 10.98.0.0/24 via ${TO.v4}`);
    this.#sniffer = spawn(
      'nsenter',
      [`--net=/run/netns/${b}`, 'python3', join(here, 'hop-sniff.py'), 'hl0'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let ready = false;
    createInterface({ input: this.#sniffer.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const said = JSON.parse(line) as Syn | 'ready';
      if (said === 'ready') ready = true;
      else this.syns.push(said);
    });
    await until(() => ready, 'the wire is listened to');
    for (const { kernel } of [this.sender, this.receiver]) {
      installRoutes(kernel.maps, [route({ id: 1, prefix: '0.0.0.0/0' }), route({ id: 2, prefix: '::/0' })]);
      kernel.attach('trace');
      kernel.attach('enforce');
    }
  }

  /** A process on the host that connects and listens when it is told to. */
  async caller(host: Machine): Promise<Inside> {
    const inside = await host.run('exec python3 "$1"', join(here, 'hop-connect.py'));
    await inside.answer();
    return inside;
  }

  async dial(caller: Inside, order: DialOrder): Promise<Dialed> {
    return JSON.parse(await caller.ask(JSON.stringify({ family: 4, ...order }))) as Dialed;
  }

  async listen(caller: Inside, address: string, port: number): Promise<void> {
    await caller.ask(JSON.stringify({ listen: [address, port] }));
  }

  /** Debian's sshd, listening on every address, as lineage sees it begin. */
  async sshd(port: number, dir: string): Promise<Inside> {
    this.receiver.kernel.maps.spawners.set('sshd', HlKind.SSH);
    mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
    const key = join(dir, `key-${port}`);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const options = ['-D', '-f', '/dev/null', '-h', key, '-o', 'PidFile=none', '-o', 'LogLevel=ERROR'];
    const inside = await this.receiver.run('exec /usr/sbin/sshd "$@"', ...options, '-p', String(port));
    await until(() => this.#listens(port), `sshd listens on ${port}`);
    const line = this.receiver.kernel.maps.lineage.get(this.receiver.keyOf(inside.pid));
    if (line?.flags === undefined || (line.flags & HlLineageFlag.F_SPAWNER) === 0)
      throw new Error('lineage does not take it for an sshd');
    return inside;
  }

  #listens(port: number): boolean {
    const args = ['-N', this.receiver.name, '-Hltn', `sport = :${port}`];
    return execFileSync('ss', args, { encoding: 'utf8' }).trim().split('\n').length >= 2;
  }

  /** Sets a sysctl in a host's network namespace. */
  sysctl(host: Machine, setting: string): void {
    execFileSync('nsenter', [`--net=/run/netns/${host.name}`, 'sysctl', '-qw', setting]);
  }

  /** All that left from a port, once there are as many. */
  sent(from: number, count = 1): Promise<readonly Syn[]> {
    return until(() => {
      const found = this.syns.filter((syn) => syn.from === from);
      return found.length >= count ? found : null;
    }, `${count} SYN from port ${from} on the wire`);
  }

  async remove(): Promise<void> {
    this.#sniffer?.kill();
    await this.sender.remove();
    await this.receiver.remove();
  }
}

/** Handle and MAC of the option in a SYN; null where it has none. */
export function optionIn({ options }: Syn): { handle: Buffer; mac: Buffer } | null {
  const [, handle = '', mac = ''] = /fe14484c(.{16})(.{16})/.exec(options) ?? [];
  return handle === '' ? null : { handle: Buffer.from(handle, 'hex'), mac: Buffer.from(mac, 'hex') };
}
