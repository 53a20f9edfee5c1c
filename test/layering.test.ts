import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import t from 'tap';

const SRC = resolve(import.meta.dirname, '../src');

/** What each room may import besides itself. Data flows one way; what goes back is handed over by `daemon`. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  config: ['core', 'masking'],
  kernel: ['core'],
  identity: ['core'],
  attribution: ['core', 'kernel'],
  policy: ['core', 'config', 'masking'],
  tls: ['core'],
  masking: ['core'],
  credentials: ['core'],
  recording: ['core'],
  shell: ['core'],
  protocols: ['core', 'tls', 'masking', 'credentials', 'recording'],
  proxy: ['core', 'protocols', 'tls', 'recording', 'shell'],
  broker: ['core', 'protocols'],
  authority: ['core', 'protocols', 'tls'],
  peers: ['core'],
  tripwire: ['core'],
  store: ['core'],
  api: ['core', 'store'],
  cli: ['core', 'api', 'recording'],
  systemd: [],
  daemon: [
    'core',
    'config',
    'kernel',
    'identity',
    'attribution',
    'policy',
    'proxy',
    'tls',
    'credentials',
    'authority',
    'peers',
    'tripwire',
    'recording',
    'shell',
    'store',
    'api',
  ],
};
/** One per process: they wire, and import what they wire. */
const ENTRIES = [
  'hoplined.ts',
  'worker.ts',
  'tripwire.ts',
  'broker.ts',
  'peers.ts',
  'hopline.ts',
  'shell.ts',
];

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^'";]*?from\s*'(\.[^']*)'|\bimport\('(\.[^']*)'\)|(?:^|\n)\s*import\s*'(\.[^']*)'/g;

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const edges = files.flatMap((file) =>
  [...readFileSync(join(SRC, file), 'utf8').matchAll(IMPORT)].map(([, from, lazy, bare]) => ({
    file,
    to: relative(SRC, resolve(SRC, dirname(file), from ?? lazy ?? bare ?? '')),
  })),
);
const roomOf = (file: string) => (file.includes('/') ? (file.split('/')[0] ?? '') : null);

t.test('every import is an edge that the layout allows', async (t) => {
  t.ok(files.length > 50, 'the source was found');
  for (const { file, to } of edges) {
    const [from, target] = [roomOf(file), roomOf(to)];
    if (from === null) {
      if (!ENTRIES.includes(file))
        t.fail(`${file} is no entry: files of src/ are the processes' entries alone`);
      continue;
    }
    if (target === from) continue;
    if (target === null) t.fail(`${file} imports the entry ${to}`);
    else if (!MAY_IMPORT[from]?.includes(target))
      t.fail(`${file} imports ${to}: ${from} may import ${MAY_IMPORT[from]?.join(', ') || 'nothing'}`);
  }
});

t.test('no file imports itself by a detour', async (t) => {
  const next = new Map<string, string[]>();
  for (const { file, to } of edges) next.set(file, [...(next.get(file) ?? []), to]);
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) t.fail(`cycle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`);
    if (done.has(file) || path.includes(file)) return;
    for (const to of next.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  t.equal(done.size >= files.length, true, `${files.length} files`);
});

t.test('a room is made of small files', async (t) => {
  for (const file of files) {
    if (file.endsWith('.generated.ts')) continue;
    const lines = readFileSync(join(SRC, file), 'utf8').split('\n').length;
    if (lines > 400) t.fail(`${file} has ${lines} lines; 400 is the ceiling`);
  }
  t.pass('looked at all');
});
