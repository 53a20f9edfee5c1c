import { once } from 'node:events';
import { spawn as spawnTerminal } from 'node-pty';
import t from 'tap';
import { hop, id, process as image, login, T0 } from '../store/seed.ts';
import { ENTRY, serving, start } from './serving.ts';

t.setTimeout(180_000);

t.test('watch: lines for people, JSON lines for programs, and the daemon’s end', async (t) => {
  const { path, hub, server } = await serving(t);
  const lines = start(path, ['watch']);
  const json = start(path, ['watch', '--json']);
  let text = '';
  let objects = '';
  lines.stdout.on('data', (chunk) => {
    text += chunk;
  });
  json.stdout.on('data', (chunk) => {
    objects += chunk;
  });
  await Promise.all([once(lines.stderr, 'data'), once(json.stderr, 'data')]);
  t.equal(hub.size, 2);
  hub.publish('login', login());
  hub.publish('process', image({ argv: ['curl', '\u001b[2J'] }));
  hub.publish('hop', hop());
  hub.publish('process-exit', image({ exited: T0 + 5, exitCode: 1 }));
  hub.publish('notice', { id: 1, at: T0, kind: 'loss', login: null, count: 4, detail: 'ring buffer' });
  const closed = Promise.all([once(lines, 'close'), once(json, 'close')]);
  await server.close();
  const [[code]] = await closed;
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
    [[], { NO_COLOR: '1' }],
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
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [code] = await exited;
  t.equal(code, 0);
});

function storeHop() {
  return { ...hop(), started: '2026-01-01T00:00:00.000Z', ended: null };
}
