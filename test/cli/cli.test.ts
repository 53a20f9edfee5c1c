import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { ControlError } from '../../src/api/protocol.ts';
import { id } from '../store/seed.ts';
import { run, serving } from './serving.ts';

// Starts some forty processes: on a busy machine that takes its time.
t.setTimeout(180_000);

t.test('tree: drawn in a pipe without colour; JSON with the stable names', async (t) => {
  const { path } = await serving(t);
  const drawn = await run(path, ['tree', '--all']);
  t.equal(drawn.code, 0);
  t.match(
    drawn.out,
    `alice  ssh from 10.77.0.2:53120  pts/3  2026-09-21 14:13:20 – now  unverified  [L ${id(0)}]`,
  );
  t.match(drawn.out, '└─ bash -c $\'printf "\\e[31m"\\n\'');
  t.match(drawn.out, 'unattributed  no login is known');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the test
  t.notMatch(drawn.out, /\u001b/);
  const json = await run(path, ['--json', 'tree', id(0).toLowerCase()]);
  const [only, ...rest] = JSON.parse(json.out);
  t.equal(rest.length, 0);
  const names = 'id host user identity client started ended parentHop processes hops handoffs'.split(' ');
  for (const name of names) t.ok(name in only, name);
  for (const name of 'id pid ppid exe argv started exited'.split(' ')) t.ok(name in only.processes[0], name);
  const ofHop =
    'id process chain target protocol destination started ended bytesUp bytesDown decision mode actions childLogin';
  for (const name of ofHop.split(' ')) t.ok(name in only.hops[0], name);
  t.equal(only.processes[0].argv[2], 'printf "\u001b[31m"\n', 'JSON keeps every byte');
  t.match(only.started, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

t.test('lists', async (t) => {
  const { path } = await serving(t);
  const logins = await run(path, ['logins']);
  t.match(logins.out, /^LOGIN +USER +ORIGIN/);
  t.match(logins.out, 'alice');
  t.notMatch(logins.out, 'bob');
  t.match((await run(path, ['logins', '--all', '--user', 'bob'])).out, 'bob');
  const hops = await run(path, ['hops', '--denied']);
  t.equal(hops.out.trim().split('\n').length, 1);
  t.match(hops.out, 'unattributed');
  t.equal(JSON.parse((await run(path, ['hops', '--json', '--limit', '1'])).out).length, 1);
  t.match((await run(path, ['handoffs', '--login', id(50)])).out, '⇢ handoff tmux → login');
  t.match((await run(path, ['notices'])).out, 'two events\\nlost');
  t.match((await run(path, ['hops', '--since', '1s'])).out, 'no such hops');
});

t.test('actions', async (t) => {
  const { path } = await serving(t);
  const { out } = await run(path, ['actions']);
  const [newest, oldest] = out.trim().split('\n');
  t.match(newest, /#2 .*orders-db {2}denied {2}drop table orders/);
  t.match(oldest, /#1 .*orders-db {2}3 rows 1\.3 ms {2}select \* from orders -- \\e\[31m {2}bash › psql/);
  t.match((await run(path, ['actions', '--outcome', 'allow'])).out, /^[^\n]*#1 [^\n]*\n$/);
  t.match((await run(path, ['actions', '--outcome', 'perhaps'])).code, 2);
  const page = await run(path, ['actions', '--limit', '1']);
  t.match(page.out, /^[^\n]*#2 [^\n]*\n$/);
  t.equal(page.err, `there may be more: --before ${id(5)}#2\n`);
  t.match((await run(path, ['actions', '--before', `${id(5)}#2`])).out, /^[^\n]*#1 [^\n]*\n$/);
  t.match((await run(path, ['actions', '--before', `${id(5)}#1`])).out, 'no such actions');
  t.equal((await run(path, ['actions', '--before', 'nonsense'])).code, 2);
  t.match((await run(path, ['actions', '--until', '2020-01-01T00:00'])).out, 'no such actions');
  t.match((await run(path, ['actions', '--denied'])).out, /^[^\n]*#2 [^\n]*\n$/);
  t.match((await run(path, ['actions', '--text', 'DROP'])).out, /^[^\n]*#2 [^\n]*\n$/);
  t.match((await run(path, ['actions', '--user', 'bob'])).out, 'no such actions');
  const [json] = JSON.parse((await run(path, ['actions', '--hop', id(5), '--json'])).out);
  t.match(json, {
    hop: id(5),
    seq: 2,
    kind: 'query',
    login: id(0),
    target: 'orders-db',
    ended: null,
    result: null,
  });
  t.match(json.decision, { outcome: 'deny', reason: 'no drops' });
  t.equal((await run(path, ['actions', '--hop', 'ZZZZ'])).code, 4);
});

t.test('exit codes and what is said', async (t) => {
  const { path, revoked } = await serving(t);
  const cases: [string[], number, RegExp][] = [
    [['--help'], 0, /Exit codes/],
    [['tree', '--help'], 0, /Examples:\n {2}\$ hopline tree/],
    [['nonsense'], 2, /unknown command/],
    [['hops', '--limit', 'many'], 2, /1 to 100000/],
    [['hops', '--since', 'yesterday'], 2, /neither an age/],
    [['policy', 'explain', '--user', 'x'], 2, /say where to/],
    [['tree', 'ZZZZ'], 4, /no login has an id that begins with "ZZZZ"/],
    [['tree', 'C'], 4, new RegExp(`may mean several logins: ${id(0)}, ${id(50)}`)],
    [['revoke', 'carol'], 4, /no user with an open login/],
    [['revoke', id(0), '--reason', 'stolen'], 0, /revoked login .*: 1 login, 1 live hop closed/],
    [
      ['reload'],
      1,
      /a\.cedar:3:7: no such target\n {4}got: "orders"\n.*fix: did you mean.*version v1 goes on/s,
    ],
    [['config', 'check'], 0, /in order: 2 policies, 1 target, 3 users/],
    [
      ['policy', 'explain', '--user', 'alice', '--target', 'orders-db', '--chain', 'bash, psql'],
      0,
      /allow.*\n.*alice \(engineers\)\n.*bash › psql[\s\S]*held by Hopline: app, from vault-kv/,
    ],
    [['policy', 'explain', '--user', 'bob', '--target', 'orders-db'], 1, /deny {2}by policy "base"/],
    [['status'], 2, /./],
  ];
  const all = await Promise.all(
    cases.map(async ([args, ...rest]) => [args, ...rest, await run(path, args)] as const),
  );
  for (const [args, code, said, ran] of all) {
    if (args[0] !== 'status') t.equal(ran.code, code, args.join(' '));
    else t.equal(ran.code, 1, 'a daemon that cannot say how it is is no good');
    t.match(ran.out + ran.err, said);
  }
  t.ok(revoked.some((one) => JSON.stringify(one) === JSON.stringify({ what: id(0), reason: 'stolen' })));
});

t.test('every command has help with examples', async (t) => {
  const commands = 'doctor status logins tree watch hops actions handoffs notices revoke reload'.split(' ');
  const all = [...commands, 'policy check', 'policy explain', 'config check'];
  // In one process: to start thirteen takes seconds.
  const program = `
    const { main } = await import(${JSON.stringify(new URL('../../src/cli/program.ts', import.meta.url).href)});
    for (const command of ${JSON.stringify(all)}) {
      const code = await main([...command.split(' '), '--help'], { version: '0' });
      console.log('--- ' + code);
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  for await (const chunk of child.stdout) out += chunk;
  const helps = out.split('--- 0\n').slice(0, -1);
  t.equal(helps.length, all.length);
  for (const [index, help] of helps.entries()) {
    t.match(help, /Examples:\n {2}\$ (sudo )?hopline /, all[index] ?? '');
    t.match(help, '--json');
  }
});

t.test('without a daemon', async (t) => {
  // A socket's path is short, and tap's own directories are not.
  const dir = mkdtempSync(join(tmpdir(), 'hopline-cli-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const away = await run(join(dir, 'none.sock'), ['tree']);
  t.equal(away.code, 3);
  t.match(
    away.err,
    /hoplined is not running \(no answer on .*none\.sock: ENOENT\): systemctl start hoplined/,
  );
  t.equal(away.out, '');
  mkdirSync(join(dir, 'policies'));
  writeFileSync(join(dir, 'hopline.yaml'), 'mode: enforced\n');
  const checked = await run(join(dir, 'none.sock'), ['config', 'check', dir]);
  t.equal(checked.code, 1);
  t.match(checked.out, /hopline\.yaml:1:7/);
  t.match(checked.err, 'reading');
  writeFileSync(join(dir, 'hopline.yaml'), 'mode: enforce\n');
  const fine = await run(join(dir, 'none.sock'), ['config', 'check', dir, '--json']);
  t.equal(fine.code, 0);
  t.equal(JSON.parse(fine.out).ok, true);
  writeFileSync(
    join(dir, 'policies', 'a.cedar'),
    'permit(principal, action == Action::"conect", resource);\n',
  );
  const policy = await run(join(dir, 'none.sock'), ['policy', 'check', dir]);
  t.equal(policy.code, 1);
  t.match(policy.out, /a\.cedar:1/);
});

t.test('a refusal of the daemon is said as it is', async (t) => {
  const { path } = await serving(t, {
    revoke: () => {
      throw new ControlError('refused', 'the disk is full: a revocation cannot be recorded\u001b[2J');
    },
  });
  const ran = await run(path, ['revoke', 'alice']);
  t.equal(ran.code, 1);
  t.equal(ran.err, 'hopline: the disk is full: a revocation cannot be recorded\\e[2J\n');
});
