/** Time spent in each of the bastion's BPF programs, as the kernel counts it. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from './lab.ts';

export interface ProgramTime {
  readonly name: string;
  readonly ns: number;
  readonly runs: number;
}

interface Shown {
  readonly id: number;
  readonly name: string;
  readonly map_ids?: readonly number[];
  readonly run_time_ns?: number;
  readonly run_cnt?: number;
}

const SWITCH = '/proc/sys/kernel/bpf_stats_enabled';

/** @param load returns how many connects it made from inside */
export async function countPrograms(
  lab: Lab,
  load: () => Promise<number>,
): Promise<{ programs: ProgramTime[]; connects: number }> {
  const pins = lab.pins('bastion1');
  const before = readFileSync(SWITCH, 'utf8');
  writeFileSync(SWITCH, '1');
  try {
    const first = ofBastion(pins);
    const connects = await load();
    const programs = [...ofBastion(pins).values()]
      .map(({ id, name, run_time_ns = 0, run_cnt = 0 }) => {
        const was = first.get(id);
        return { name, ns: run_time_ns - (was?.run_time_ns ?? 0), runs: run_cnt - (was?.run_cnt ?? 0) };
      })
      .filter(({ name, runs }) => runs > 0 && !/^on_(fork|exec|exit)$/.test(name));
    return { programs, connects };
  } finally {
    writeFileSync(SWITCH, before);
  }
}

/** Bytes that the kernel holds for the bastion's pinned maps. */
export function mapBytes(lab: Lab): number {
  const pins = lab.pins('bastion1');
  return pinned(pins)
    .map((path) => bpftool<{ bytes_memlock?: number }>('map', 'show', 'pinned', path).bytes_memlock ?? 0)
    .reduce((sum, bytes) => sum + bytes, 0);
}

function pinned(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => join(directory, name));
}

/** Those that use one of the bastion's pinned maps: other daemons' programs have the same names. */
function ofBastion(pins: string): Map<number, Shown> {
  const maps = new Set(pinned(pins).map((path) => bpftool<{ id: number }>('map', 'show', 'pinned', path).id));
  const all = bpftool<Shown[]>('prog', 'show');
  return new Map(
    all
      .filter(({ map_ids = [] }) => map_ids.some((id) => maps.has(id)))
      .map((program) => [program.id, program]),
  );
}

function bpftool<T>(...words: string[]): T {
  return JSON.parse(
    execFileSync('bpftool', ['-j', ...words], { encoding: 'utf8', maxBuffer: 64 << 20 }),
  ) as T;
}
