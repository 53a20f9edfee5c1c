import t from 'tap';
import { ConfigError } from '../../src/config/problem.ts';
import { YamlFile } from '../../src/config/yaml.ts';
import { files, load, places, problemsOf } from './directory.ts';

const BILLION = `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghij']
  .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghi'[index]}`).join(',')}]`)
  .join('\n')}`;

const HOSTILE: readonly [string, string, string, RegExp][] = [
  ['a key twice', 'mode: enforce\nlog: {}\nmode: observe\n', 'x:3:1', /same key stands here twice/],
  ['a target twice', 'targets:\n  a: {}\n  a: {}\n', 'x:3:3', /same key stands here twice/],
  ['a tab', 'proxy:\n\tworkers: 1\n', 'x:2:1', /[Tt]ab/],
  ['an open bracket', 'dns: {resolvers: [\n', 'x:2:1', /./],
  ['an open quote', 'host: "a\n', 'x:2:1', /quote/],
  ['two documents', 'mode: enforce\n---\nmode: observe\n', 'x:2:1', /multiple documents/],
  ['a tag', 'mode: !js/function x\n', 'x:1:7', /tag/i],
  ['a list as a key', '? [a]\n: b\n', 'x:1:3', /must be strings/],
  ['a prototype', 'targets:\n  __proto__: {}\n', 'x:2:3', /__proto__/],
  ['an alias to nothing', 'mode: *m\n', 'x:1:7', /no anchor/],
  ['YAML 1.1', '%YAML 1.1\n---\nmode: enforce\n', 'x:1:1', /before 1\.2/],
  ['two colons', 'mode: a: b\n', 'x:1:7', /[Nn]ested mappings/],
  ['aliases that multiply', BILLION, 'x:1:1', /alias/i],
  ['a thousand brackets', '['.repeat(1000), 'x:', /./],
  ['a nul byte', 'mode: "\0"\nhost: [', 'x:2:8', /./],
];

t.test('hostile YAML is refused, with its place and a fix', async (t) => {
  for (const [what, yaml, place, message] of HOSTILE) {
    const file = new YamlFile('x', yaml);
    t.equal(file.value, undefined, what);
    t.ok(places(file.problems)[0]?.startsWith(place), `${what}: ${places(file.problems)[0]} is ${place}`);
    t.match(file.problems[0]?.message, message, what);
    t.ok(
      file.problems.every(({ hint }) => hint !== null),
      what,
    );
    t.ok(file.problems.length <= 20, what);
  }
});

t.test('depth that exhausts the stack is a problem, not a crash', async (t) => {
  const file = new YamlFile('x', `a: ${'{a: '.repeat(20_000)}${'}'.repeat(20_000)}`);
  t.ok(file.problems.length > 0);
});

t.test('an alias that holds itself', async (t) => {
  const directory = t.testdir(files({ 'targets.yaml': 'targets: &t {a: *t}' }));
  t.match(places(problemsOf(() => load(directory))), [/targets\.yaml:1:\d+ targets\.a/]);
});

t.test('anchors and aliases may be used, and mistakes behind them still have places', async (t) => {
  const good =
    'targets:\n  a: {addresses: [10.0.0.1], ports: &p [1, 2]}\n  b: {addresses: [10.0.0.2], ports: *p}\n';
  t.strictSame(load(t.testdir(files({ 'targets.yaml': good }))).targets[1]?.ports, [1, 2]);
  const directory = t.testdir(files({ 'targets.yaml': good.replace('[1, 2]', '[1, 0]') }));
  t.strictSame(places(problemsOf(() => load(directory))), [
    'targets.yaml:2:44 targets.a.ports.1',
    'targets.yaml:2:44 targets.b.ports.1',
  ]);
});

t.test('windows line ends and a byte order mark', async (t) => {
  const directory = t.testdir(
    files({ 'hopline.yaml': '\ufeffmode: enforce\r\n\r\nlog:\r\n  level: loud\r\n' }),
  );
  t.strictSame(places(problemsOf(() => load(directory))), ['hopline.yaml:4:10 log.level']);
});

t.test('what a hostile value says does not reach the terminal as it is', async (t) => {
  const directory = t.testdir(
    files({ 'hopline.yaml': `mode: "\\e[2J\\u202e${'x'.repeat(500)}"\n"k\\e[0m": 1` }),
  );
  const problems = problemsOf(() => load(directory));
  const said = String(new ConfigError(problems));
  t.notMatch(said.replaceAll('\n', ''), /[\p{Cc}\u202e]/u);
  t.ok(said.length < 1500);
  t.match(said, /\\u001b\[0m: unknown key/);
});
