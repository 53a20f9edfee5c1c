/** What the programs cost a connect that is not intercepted. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { absolute, added, type Figure, type Result } from '../figure.ts';
import { DIRECT, LOAD } from '../lab.ts';
import { median } from '../numbers.ts';
import { countPrograms, type ProgramTime } from '../programs.ts';

const LIMIT = 0.2;

export const hooks: Figure = {
  name: 'hooks',
  what: 'cost of the programs to a connect that is not intercepted',
  async run({ lab, quick, progress }) {
    const rounds = quick ? 6 : 60;
    const block = 200;
    const inside = join(lab.cgroup('bastion1'), 'cgroup.procs');
    const without = join(dirname(lab.cgroup('bastion1')), 'without');
    mkdirSync(without, { recursive: true });
    const run = (times: number) =>
      lab.ssh(
        'alice@bastion1',
        [
          'sudo',
          `${LOAD}/hooks`,
          `${times}`,
          `${block}`,
          inside,
          join(without, 'cgroup.procs'),
          DIRECT,
          '7000',
        ],
        { timeoutMs: 300_000 },
      );
    const { stdout } = await run(rounds);
    const times = new Map<string, { inside: number[]; outside: number[] }>();
    for (const line of stdout.trim().split('\n')) {
      const [kind = '', a, b] = line.split(' ');
      const entry = times.get(kind) ?? { inside: [], outside: [] };
      times.set(kind, entry);
      entry.inside.push(Number(a) / 1000);
      entry.outside.push(Number(b) / 1000);
    }
    const count = rounds * block;
    const line = (kind: string, what: string, limit: number | null): Result => {
      const { inside = [], outside = [] } = times.get(kind) ?? {};
      return added(
        what,
        'µs',
        median(outside),
        median(inside),
        limit,
        `${count} of each, in blocks of ${block} by turns, medians; the same login, program and network, from the bastion's cgroup and from one without programs`,
      );
    };
    progress("the kernel's own measure of each program");
    const { programs, connects } = await countPrograms(lab, async () => {
      await run(quick ? 3 : 20);
      return (quick ? 4 : 21) * block * 2;
    });
    return [
      line('udp', 'connect of a UDP socket', LIMIT),
      line('tcp', 'connect of a TCP socket', null),
      line('whole', 'TCP socket, connect and close', null),
      absolute(
        'time in all programs, per connect inside',
        perConnect(programs, connects),
        'µs',
        null,
        `kernel.bpf_stats_enabled, which adds to it itself; half of ${connects} connects TCP (with socket, packets and close), half UDP: ${programs.map(describe).join(', ')}`,
      ),
    ];
  },
};

function perConnect(programs: readonly ProgramTime[], connects: number): number {
  return programs.reduce((sum, { ns }) => sum + ns, 0) / connects / 1000;
}

function describe({ name, ns, runs }: ProgramTime): string {
  return `${name} ${runs === 0 ? 0 : Math.round(ns / runs)} ns × ${runs}`;
}
