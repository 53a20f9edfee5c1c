/** Configuration with a mistake: refused whole, by file and line, and what ran before goes on. */
import t, { type Test } from 'tap';
import {
  daemon,
  daemonPid,
  exec,
  hopline,
  lab,
  labDown,
  labUp,
  notices,
  read,
  rootOnly,
  ssh,
  status,
  until,
  write,
} from './support.ts';

const SETTINGS = '/etc/hopline/hopline.yaml';
const TARGETS = '/etc/hopline/targets.yaml';
const POLICY = '/etc/hopline/policies/lab.cedar';
const WEB = 'curl -s -m 5 http://10.77.0.30/';
const VAULT = 'curl -s -m 5 http://10.77.0.66:8200/';

interface Mistake {
  readonly what: string;
  readonly file: string;
  readonly breaks: (text: string) => string;
  /** Where it is, and what is said of it. */
  readonly line: (text: string) => number;
  readonly says: RegExp;
}

const lineOf = (text: string, part: string) => text.split('\n').findIndex((line) => line.includes(part)) + 1;

const MISTAKES: readonly Mistake[] = [
  {
    what: 'an unknown key in hopline.yaml',
    file: SETTINGS,
    breaks: (text) => `${text}\nmoed: observe\n`,
    line: (text) => lineOf(text, 'moed'),
    says: /moed[\s\S]*fix: .*mode/,
  },
  {
    what: 'a value that is none in hopline.yaml',
    file: SETTINGS,
    breaks: (text) => text.replace('mode: enforce', 'mode: enforced'),
    line: (text) => lineOf(text, 'enforced'),
    says: /got: "enforced"[\s\S]*expected: .*enforce/,
  },
  {
    what: 'an address that is none in targets.yaml',
    file: TARGETS,
    breaks: (text) => text.replace('[10.77.0.66,', '[10.77.0.666,'),
    line: (text) => lineOf(text, '10.77.0.666'),
    says: /10\.77\.0\.666[\s\S]*(expected|fix): /,
  },
  {
    what: 'targets.yaml that is no YAML',
    file: TARGETS,
    breaks: (text) => `${text}\n  broken: [1, 2\n`,
    line: (text) => lineOf(text, 'broken'),
    says: /targets\.yaml/,
  },
  {
    what: 'a policy that does not parse',
    file: POLICY,
    breaks: (text) => `${text}\npermit (principal, action;\n`,
    line: (text) => lineOf(text, 'action;'),
    says: /lab\.cedar/,
  },
  {
    what: 'a policy about an action that does not exist',
    file: POLICY,
    breaks: (text) => text.replace('Action::"connect"', 'Action::"conect"'),
    line: (text) => lineOf(text, 'conect'),
    says: /conect[\s\S]*fix: .*connect/,
  },
];

/** One person may reach the web, nobody the vault: the policy with which the daemon started. */
async function decidesAsBefore(t: Test): Promise<void> {
  t.match(await ssh('alice@bastion1', WEB), { code: 0, out: /hello from web1/ });
  t.match(await ssh('alice@bastion1', VAULT), { code: /^[1-9]/, out: '' });
}

/** The problem's place, or that of the end of what was left open: within two lines. */
function placed(t: Test, mistake: Mistake, said: string, text: string): void {
  const line = Number(new RegExp(`${mistake.file}:(\\d+):\\d+: `).exec(said)?.[1] ?? Number.NaN);
  t.ok(
    Math.abs(line - mistake.line(text)) <= 2,
    `${mistake.file}:${line} is where it is (${mistake.line(text)})`,
  );
  t.match(said, mistake.says);
}

async function refusedReload(t: Test, mistake: Mistake): Promise<void> {
  const before = await status();
  const good = read(mistake.file);
  const bad = mistake.breaks(good);
  t.not(bad, good);
  write(mistake.file, bad);
  try {
    const said = await hopline('reload');
    t.equal(said.code, 1, 'exit code');
    placed(t, mistake, said.out + said.err, bad);
    t.match(said.out, `refused: version ${before.policy.version} goes on`);
    const after = await status();
    t.same(after.policy, before.policy, 'the running one stays');
    t.equal(after.pid, before.pid);
    t.equal(after.kernel.routes, before.kernel.routes);
    const checked = await hopline('config', 'check');
    t.equal(checked.code, 1, 'config check says the same');
    placed(t, mistake, checked.out + checked.err, bad);
  } finally {
    write(mistake.file, good);
  }
}

async function refusedStart(t: Test, mistake: Mistake): Promise<void> {
  const good = read(mistake.file);
  const bad = mistake.breaks(good);
  write(mistake.file, bad);
  try {
    const run = [
      'sh',
      '-c',
      'exec "$0" "$@"',
      'node',
      `${process.cwd()}/src/hoplined.ts`,
      '--config',
      SETTINGS,
    ];
    const { code, err } = await exec('bastion1', ...run);
    t.equal(code, 1, 'exit code');
    t.match(err, /hoplined: can't start: /);
    placed(t, mistake, err, bad);
  } finally {
    write(mistake.file, good);
  }
}

if (rootOnly) t.plan(0, rootOnly);
else {
  t.setTimeout(1_200_000);
  t.before(() => labUp({ daemon: true }));
  t.teardown(labDown);

  t.test('a reload with a mistake is refused', { timeout: 120_000 }, async (t) => {
    for (const mistake of MISTAKES) await t.test(mistake.what, (t) => refusedReload(t, mistake));
    await decidesAsBefore(t);
    const told = (await notices('reload')).filter(({ detail }) => detail.startsWith('refused'));
    t.equal(told.length, MISTAKES.length, 'each is in the record');
  });

  t.test('two mistakes are told together, and nothing of either file is taken', async (t) => {
    const [settings, policy] = [read(SETTINGS), read(POLICY)];
    const before = await status();
    write(SETTINGS, settings.replace('mode: enforce', 'mode: observe\nlogg: {}'));
    write(POLICY, policy.replace('Action::"connect"', 'Action::"conect"'));
    const said = await hopline('reload', '--json');
    write(SETTINGS, settings);
    write(POLICY, policy);
    t.equal(said.code, 1);
    const { ok, problems } = JSON.parse(said.out) as { ok: boolean; problems: { file: string }[] };
    t.notOk(ok);
    t.same(new Set(problems.map(({ file }) => file)), new Set([SETTINGS, POLICY]));
    const after = await status();
    t.equal(after.mode, 'enforce');
    t.same(after.policy, before.policy);
    await decidesAsBefore(t);
  });

  t.test('a forbid that names no target does not open what it closed', async (t) => {
    const good = read(POLICY);
    write(POLICY, good.replace('Target::"vault"', 'Target::"vualt"'));
    const said = await hopline('reload');
    t.match(
      said.out + said.err,
      /lab\.cedar:\d+:\d+: [\s\S]*vualt[\s\S]*vault/,
      'says where, and what was meant',
    );
    await decidesAsBefore(t);
    write(POLICY, good);
    t.equal((await hopline('reload')).code, 0);
  });

  t.test('SIGHUP does the same', { timeout: 60_000 }, async (t) => {
    const before = await status();
    const count = (await notices('reload')).length;
    const good = read(TARGETS);
    write(TARGETS, good.replace('[10.77.0.66,', '[10.77.0.666,'));
    process.kill(daemonPid(), 'SIGHUP');
    const note = await until('a notice', async () => {
      const list = await notices('reload');
      return list.length > count ? list[0] : null;
    });
    write(TARGETS, good);
    t.match(note.detail, /^refused: .*stays in force/);
    t.match((await daemon('log')).out, /targets\.yaml.*10\.77\.0\.666/, 'the log says where and what');
    const after = await status();
    t.equal(after.pid, before.pid);
    t.same(after.policy, before.policy);
    await decidesAsBefore(t);
  });

  t.test('mended, it is taken up: by reload, and by SIGHUP', { timeout: 60_000 }, async (t) => {
    const good = read(POLICY);
    const before = await status();
    write(POLICY, good.replace('resource == Target::"vault"', 'resource == Target::"web1"'));
    t.match(await hopline('reload'), { code: 0, out: /^reloaded: version /m });
    const after = await status();
    t.not(after.policy.version, before.policy.version);
    t.match(await ssh('alice@bastion1', VAULT), { code: 0, out: /vault is open/ });
    t.match(await ssh('alice@bastion1', WEB), { code: /^[1-9]/, out: '' });
    write(POLICY, good);
    process.kill(daemonPid(), 'SIGHUP');
    await until(
      'the first policy again',
      async () => (await status()).policy.version === before.policy.version,
    );
    await decidesAsBefore(t);
  });

  t.test('a start with a mistake is refused with the same words', { timeout: 300_000 }, async (t) => {
    t.equal((await lab(['daemon', 'bastion1', 'stop'])).code, 0);
    for (const mistake of MISTAKES) await t.test(mistake.what, (t) => refusedStart(t, mistake));
    t.equal((await ssh('alice@bastion1', WEB)).out, '', 'meanwhile what is intercepted does not pass');
    t.equal((await daemon('start')).code, 0);
    await decidesAsBefore(t);
  });
}
