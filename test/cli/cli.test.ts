import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn as spawnTerminal } from 'node-pty';
import t, { type Test } from 'tap';
import type { Handlers } from '../../src/api/connection.ts';
import { ControlError } from '../../src/api/protocol.ts';
import { ControlServer } from '../../src/api/server.ts';
import { storeHandlers } from '../../src/api/store.ts';
import { WatchHub } from '../../src/api/watch.ts';
import { allow, hop, id, process as image, login, T0, temporaryStore } from '../store/seed.ts';

const ENTRY = new URL('../../src/hopline.ts', import.meta.url).pathname;

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(socket: string, args: readonly string[], env: Record<string, string> = {}) {
  return spawn(process.execPath, [ENTRY, ...args], {
    env: { PATH: process.env.PATH ?? '', TZ: 'UTC', HOPLINE_SOCKET: socket, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function run(socket: string, args: readonly string[], env?: Record<string, string>): Promise<Ran> {
  const child = start(socket, args, env);
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, out, err };
}

const problem = {
  file: '/etc/hopline/policies/a.cedar',
  line: 3,
  column: 7,
  path: '',
  message: 'no such target',
  expected: 'a name from targets.yaml',
  got: '"orders"',
  hint: 'did you mean "orders-db"?',
};

async function serving(t: Test, over: Handlers = {}) {
  const s = temporaryStore();
  const { writer, reader } = s.store;
  writer.batch(() => {
    writer.insertLogin(login({ tty: 'pts/3' }));
    writer.insertLogin(login({ id: id(50), user: 'bob', started: T0 + 50_000_000, ended: T0 + 60_000_000 }));
    writer.insertProcess(image({ argv: ['bash', '-c', 'printf "\u001b[31m"\n'] }));
    writer.insertHop(hop());
    writer.insertHop(
      hop({
        id: id(51),
        login: null,
        process: null,
        decision: { ...allow, outcome: 'deny', reason: 'no login' },
      }),
    );
    writer.insertNotice({ at: T0, kind: 'gap', login: null, count: 2, detail: 'two events\nlost' });
    writer.insertHandoff({
      kind: 'tmux',
      login: id(0),
      process: 1,
      toLogin: id(50),
      toPid: 8,
      via: '@x',
      at: T0,
    });
  });
  const hub = new WatchHub();
  const path = join(mkdtempSync(join(tmpdir(), 'hopline-cli-')), 'c.sock');
  const revoked: unknown[] = [];
  const server = new ControlServer(
    { path },
    {
      ...storeHandlers(reader),
      watch: hub.handler,
      revoke: (params) => {
        revoked.push(params);
        const found = reader.resolve(params.what);
        return { type: found.type, logins: found.type === 'login' ? [found.login.id] : [], hops: [id(5)] };
      },
      reload: () => ({ ok: false, version: 'v1', problems: [problem] }),
      'config.check': () => ({ ok: true, problems: [], warnings: [], policies: 2, targets: 1, users: 3 }),
      'policy.explain': (params) => ({
        decision: { ...allow, outcome: params.user === 'bob' ? 'deny' : 'allow', reason: 'by policy "base"' },
        route: { action: 'inspect', target: 'orders-db' },
        destination: { address: '10.77.0.20', port: 5432 },
        user: params.user ?? null,
        groups: ['engineers'],
        chain: params.chain ?? [],
        policies: { base: 'permit(principal, action, resource);' },
      }),
      ...over,
    },
  );
  await server.listen();
  t.teardown(async () => {
    await server.close();
    s[Symbol.dispose]();
    rmSync(join(path, '..'), { recursive: true });
  });
  return { path, hub, writer, server, revoked };
}

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
    [['config', 'check'], 0, /in order: 2 policy files, 1 target, 3 users/],
    [
      ['policy', 'explain', '--user', 'alice', '--target', 'orders-db', '--chain', 'bash, psql'],
      0,
      /allow.*\n.*alice \(engineers\)\n.*bash › psql/,
    ],
    [['policy', 'explain', '--user', 'bob', '--target', 'orders-db'], 1, /deny {2}by policy "base"/],
    [['status'], 2, /./],
  ];
  for (const [args, code, said] of cases) {
    const ran = await run(path, args);
    if (args[0] !== 'status') t.equal(ran.code, code, args.join(' '));
    else t.equal(ran.code, 1, 'a daemon that cannot say how it is is no good');
    t.match(ran.out + ran.err, said);
  }
  t.strictSame(revoked.at(-1), { what: id(0), reason: 'stolen' });
});

t.test('every command has help with examples', async (t) => {
  const commands = 'doctor status logins tree watch hops handoffs notices revoke reload'
    .split(' ')
    .map((one) => [one]);
  for (const words of [...commands, ['policy', 'check'], ['policy', 'explain'], ['config', 'check']]) {
    const { code, out } = await run('/nowhere', [...words, '--help']);
    t.equal(code, 0);
    t.match(out, /Examples:\n {2}\$ (sudo )?hopline /, words.join(' '));
    t.match(out, '--json');
  }
});

t.test('without a daemon', async (t) => {
  const dir = t.testdir();
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

t.test('watch: lines for people, JSON lines for programs, and the daemon’s end', async (t) => {
  const { path, hub, server } = await serving(t);
  const lines = start(path, ['watch']);
  const json = start(path, ['watch', '--json']);
  await Promise.all([once(lines.stderr, 'data'), once(json.stderr, 'data')]);
  t.equal(hub.size, 2);
  let text = '';
  let objects = '';
  lines.stdout.on('data', (chunk) => {
    text += chunk;
  });
  json.stdout.on('data', (chunk) => {
    objects += chunk;
  });
  hub.publish('login', login());
  hub.publish('process', image({ argv: ['curl', '\u001b[2J'] }));
  hub.publish('hop', hop());
  hub.publish('process-exit', image({ exited: T0 + 5, exitCode: 1 }));
  hub.publish('notice', { id: 1, at: T0, kind: 'loss', login: null, count: 4, detail: 'ring buffer' });
  await server.close();
  const [[code]] = await Promise.all([once(lines, 'close'), once(json, 'close')]);
  t.equal(code, 3);
  const types = objects
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).type);
  t.strictSame(types, ['login', 'process', 'hop', 'process-exit', 'notice']);
  const said = text.trim().split('\n');
  t.equal(said.length, 5);
  t.match(said[1], /exec .* 4000 {2}curl \$'\\e\[2J'/);
  t.match(said[2], /hop .*→ orders-db 10\.77\.0\.20:5432 postgres {2}allow/);
  t.match(said[4], /notice {4}loss 4 {2}ring buffer/);
});

t.test('on a terminal: colours, and lines that fit', async (t) => {
  const { path } = await serving(t);
  const shown = async (args: string[], env: Record<string, string>) => {
    const terminal = spawnTerminal(process.execPath, [ENTRY, ...args], {
      cols: 80,
      env: {
        PATH: process.env.PATH ?? '',
        HOPLINE_SOCKET: path,
        TERM: 'xterm',
        LANG: 'C.UTF-8',
        TZ: 'UTC',
        ...env,
      },
    });
    let text = '';
    terminal.onData((data) => {
      text += data;
    });
    await new Promise<void>((resolve) => terminal.onExit(() => resolve()));
    return text;
  };
  t.match(await shown(['tree', id(0)], {}), '\u001b[1malice\u001b[22m');
  for (const [args, env] of [
    [['--no-color'], {}],
    [[], { NO_COLOR: '1' }],
    [[], { TERM: 'dumb' }],
    [['--json'], {}],
  ] as [string[], Record<string, string>][]) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the test
    t.notMatch(await shown(['tree', id(0), ...args], env), /\u001b\[/, JSON.stringify([args, env]));
  }
});

t.test('a reader that leaves early is no failure', async (t) => {
  const { path } = await serving(t, {
    hops: () => Array.from({ length: 20_000 }, () => storeHop()),
  });
  const child = start(path, ['hops']);
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [code] = await once(child, 'exit');
  t.equal(code, 0);
});

function storeHop() {
  return { ...hop(), started: '2026-01-01T00:00:00.000Z', ended: null };
}

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
