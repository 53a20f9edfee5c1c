/** The table, and the machine that it is about. */
import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg, release, totalmem } from 'node:os';
import { met, type Result } from './figure.ts';

export interface Report {
  readonly machine: { cores: number; cpu: string; kernel: string; memoryGb: number; node: string };
  /** Load average (1 min) before and after: anything above the cores is somebody else's noise. */
  readonly load: readonly [number, number];
  readonly quick: boolean;
  readonly figures: readonly {
    readonly name: string;
    readonly results: readonly Result[];
    readonly seconds: number;
    readonly error: string | null;
  }[];
}

export function machine(): Report['machine'] {
  const cpu = /^model name\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown';
  const memoryGb = Math.round(totalmem() / 2 ** 30);
  return { cores: availableParallelism(), cpu, kernel: release(), memoryGb, node: process.version };
}

export function load(): number {
  return loadavg()[0] ?? 0;
}

const HEAD = ['figure', 'value', 'target', '', 'direct', 'with hopline', 'ratio'];

export function table(report: Report): string {
  const { cores, cpu, kernel, memoryGb, node } = report.machine;
  const rows: string[][] = [HEAD];
  const notes: string[] = [];
  for (const { name, results, error } of report.figures) {
    if (error !== null) rows.push([name, 'failed', '', 'FAILED', '', '', '']);
    if (error !== null) notes.push(`${name}: ${error}`);
    for (const result of results) {
      rows.push(row(name, result));
      notes.push(`${name}, ${result.what}: ${result.detail}`);
    }
  }
  const widths = HEAD.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const lines = rows.map((cells) =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '));
  return [
    `${cores} cores (${cpu}), ${memoryGb} GB, Linux ${kernel}, Node ${node}; load ${report.load.map((value) => value.toFixed(1)).join(' → ')}${report.quick ? '; --quick: too few for a verdict' : ''}`,
    '',
    ...lines,
    '',
    ...notes,
  ].join('\n');
}

function row(name: string, result: Result): string[] {
  const verdict = met(result);
  const { target, unit } = result;
  return [
    `${name}: ${result.what}`,
    `${number(result.value)} ${unit}`,
    target === null ? '' : `${target.sense === 'at most' ? '≤' : '≥'} ${target.limit}`,
    verdict === null ? '' : verdict ? 'met' : 'MISSED',
    result.direct === null ? '' : number(result.direct),
    result.hopline === null ? '' : number(result.hopline),
    result.ratio === null ? '' : `${number(result.ratio)}×`,
  ];
}

function number(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}
