/** Measures the figures that were asked for, in a lab that is up. Started by scripts/bench. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Figure } from './figure.ts';
import { met } from './figure.ts';
import { attribution } from './figures/attribution.ts';
import { connect } from './figures/connect.ts';
import { events } from './figures/events.ts';
import { hooks } from './figures/hooks.ts';
import { login } from './figures/login.ts';
import { memory } from './figures/memory.ts';
import { postgres } from './figures/postgres.ts';
import { ssh } from './figures/ssh.ts';
import { stream } from './figures/stream.ts';
import { tree } from './figures/tree.ts';
import { Lab } from './lab.ts';
import { prepare } from './prepare.ts';
import { load, machine, type Report, table } from './report.ts';

/** In this order: what is measured at rest before what fills the store. */
const FIGURES: readonly Figure[] = [
  memory,
  hooks,
  connect,
  stream,
  login,
  postgres,
  ssh,
  tree,
  attribution,
  events,
];

const { values } = parseArgs({
  options: {
    lab: { type: 'string', default: 'bench' },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    output: { type: 'string', default: '' },
  },
});

if (values.list) {
  for (const { name, what } of FIGURES) console.log(`${name.padEnd(12)} ${what}`);
  process.exit(0);
}

const names = values.only.split(',').filter(Boolean);
const unknown = names.filter((name) => !FIGURES.some((figure) => figure.name === name));
if (unknown.length > 0) {
  console.error(
    `bench: no figure ${unknown.join(', ')}; there are ${FIGURES.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}

const started = Date.now();
const progress = (text: string) =>
  console.error(`bench: ${((Date.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}`);
const lab = new Lab(values.lab);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    lab.close();
    process.exit(130);
  });
}

const before = load();
const figures: Report['figures'][number][] = [];
try {
  await prepare(lab);
  for (const figure of FIGURES) {
    if (names.length > 0 && !names.includes(figure.name)) continue;
    progress(`${figure.name}: ${figure.what}`);
    const from = Date.now();
    try {
      const results = await figure.run({
        lab,
        quick: values.quick,
        progress: (text) => progress(`  ${text}`),
      });
      figures.push({ name: figure.name, results, seconds: (Date.now() - from) / 1000, error: null });
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      progress(`  failed: ${text}`);
      figures.push({ name: figure.name, results: [], seconds: (Date.now() - from) / 1000, error: text });
    }
  }
} finally {
  lab.close();
}

const report: Report = { machine: machine(), load: [before, load()], quick: values.quick, figures };
const json = JSON.stringify(report, null, 2);
console.log(values.json ? json : table(report));
if (values.output) writeFileSync(values.output, `${json}\n`);
const bad = figures.some(
  ({ error, results }) => error !== null || results.some((result) => met(result) === false),
);
process.exit(bad ? 1 : 0);
