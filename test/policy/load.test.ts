import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { loadAll } from '../../src/policy/load.ts';
import { files, places, problemsOf } from '../config/directory.ts';
import { alice, compile, person, query, unattended } from './make.ts';

const options = (directory: string) => ({
  resolvConf: `${directory}/resolv.conf`,
  hostname: 'bastion1',
  processors: 2,
});

t.test('every room reports at once', async (t) => {
  const directory = t.testdir(
    files({
      'hopline.yaml': 'mode: x',
      'targets.yaml': 'targets: {a: {}}',
      'identities.yaml': 'users: []',
      policies: {
        'a.cedar': '\npermit;',
        'b.cedar': 'permit (principal, action, resource) when { context.x };',
      },
    }),
  );
  t.strictSame(places(problemsOf(() => loadAll(directory, options(directory)))), [
    'hopline.yaml:1:7 mode',
    'identities.yaml:1:8 users',
    'a.cedar:2:7',
    'b.cedar:1:45',
    'targets.yaml:1:11 targets.a.addresses',
    'targets.yaml:1:11 targets.a.ports',
  ]);
});

t.test('config, policies and routes of one reading', async (t) => {
  const directory = t.testdir(
    files({
      'hopline.yaml': 'mode: observe\nloopback: inspect',
      'targets.yaml': 'targets: {db: {addresses: [10.0.3.5], ports: [5432], mode: direct, tags: [prod]}}',
      'identities.yaml': 'users: {alice: {groups: [engineers]}}',
      policies: { 'a.cedar': 'permit (principal in Group::"enginers", action, resource);' },
    }),
  );
  const loaded = loadAll(directory, { ...options(directory), firstRouteId: 7 });
  t.equal(loaded.policies.mode, 'observe');
  t.match(loaded.routes[0], { id: 7, target: 'db', action: 'inspect', decision: null });
  t.strictSame(places(loaded.warnings), ['a.cedar:1:22', 'targets.yaml:0:0 targets.db']);
});

t.test('the shipped configuration loads cleanly, decides, and refuses nothing', async (t) => {
  const directory = t.testdir({ 'resolv.conf': 'nameserver 10.0.0.53\n' });
  cpSync(new URL('../../systemd/etc', import.meta.url), directory, { recursive: true });
  const { config, policies, routes, warnings } = loadAll(directory, options(directory));
  t.strictSame(warnings, []);
  t.equal(config.mode, 'observe');
  t.ok(routes.every(({ action }) => action !== 'deny'));
  const outcome = (login: Parameters<typeof query>[0] & object) =>
    policies.decideConnect(query({ target: null, ...login }));
  t.match(outcome({ login: alice }), { outcome: 'allow' });
  t.match(outcome({ login: unattended('service', null) }), { outcome: 'allow' });
  t.match(outcome({ login: person('alice', [], false) }), { outcome: 'deny', observed: true });
  t.match(outcome({ login: null }), { outcome: 'deny', observed: true });
});

t.test('the shipped policy, enforced: a person who is not verified finds no way round it', async (t) => {
  const text = readFileSync(new URL('../../systemd/etc/policies/00-default.cedar', import.meta.url), 'utf8');
  const policies = compile(text);
  const outcome = (login: Parameters<typeof query>[0] & object) =>
    policies.decideConnect(query({ target: null, ...login })).outcome;
  const may = [
    alice,
    unattended('service', null),
    unattended('service', 'root'),
    unattended('service', 'www-data'),
    unattended('cron', 'root'),
  ];
  for (const login of may) t.equal(outcome({ login }), 'allow', JSON.stringify(login));
  const mayNot = [
    person('alice', [], false),
    unattended('user-manager', 'alice'),
    unattended('at', 'alice'),
    unattended('at', 'root'),
    unattended('cron', 'alice'),
    unattended('cron', null),
    unattended('container', 'root'),
    unattended('unattributed', 'root'),
    null,
  ];
  for (const login of mayNot) t.equal(outcome({ login }), 'deny', JSON.stringify(login));
});

t.test('what the shipped files show as examples is right too, and shows the defaults', async (t) => {
  const shown = t.testdir(files());
  const plain = t.testdir(files());
  for (const name of ['hopline.yaml', 'targets.yaml', 'identities.yaml', 'policies/00-default.cedar']) {
    writeFileSync(`${shown}/${name}`, uncommented(name).replace('/etc/hopline}', `${shown}}`));
  }
  const { config, policies } = loadAll(shown, options(shown));
  t.strictSame(
    config.targets.map(({ name }) => name),
    ['orders-db', 'backups', 'ntp'],
  );
  t.strictSame(
    config.identities.map(({ name }) => name),
    ['alice', 'kiosk'],
  );
  t.strictSame(policies.policies.map(({ id }) => id).slice(-3), [
    'prod-for-engineers-only',
    'agents-ask-first',
    'cards-are-masked',
  ]);
  t.equal(config.udp.allow.length, 4);
  const defaults = loadAll(plain, options(plain)).config;
  for (const key of [
    'host',
    'dns',
    'proxy',
    'ssh',
    'sockets',
    'record',
    'tripwire',
    'log',
    'scope',
    'unlisted',
    'loopback',
  ] as const) {
    t.strictSame(config[key], defaults[key], key);
  }
  const { cron, at } = config.origins;
  t.strictSame({ cron, at }, { cron: defaults.origins.cron, at: defaults.origins.at });
});

/** A shipped file with its examples put into force; what stands before the marker is prose. */
function uncommented(name: string): string {
  const text = readFileSync(new URL(`../../systemd/etc/${name}`, import.meta.url), 'utf8');
  if (name === 'hopline.yaml') return text.replace(/^( *)# ( *(?:[a-z]+:|- \{))/gm, '$1$2');
  const [marker, mark] = name.endsWith('.cedar') ? ['// Examples', /^\/\/ ?/gm] : [/^\w+: \{\}$/m, /^#/gm];
  const at = text.search(marker);
  const examples = text.slice(text.indexOf('\n', at)).replace(mark, '');
  let letters = 'abcdefgh';
  const print = () => {
    const [first = 'z'] = letters;
    letters = letters.slice(1);
    return `SHA256:${first.repeat(43)}`;
  };
  return (text.slice(0, text.indexOf('\n', at)).replace(': {}', ':') + examples).replace(
    /SHA256:…[^"]*…/g,
    print,
  );
}
