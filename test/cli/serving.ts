import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { Handlers } from '../../src/api/connection.ts';
import { ControlServer } from '../../src/api/server.ts';
import { storeHandlers } from '../../src/api/store.ts';
import { WatchHub } from '../../src/api/watch.ts';
import { allow, hop, id, process as image, login, T0, temporaryStore } from '../store/seed.ts';

export const ENTRY = join(import.meta.dirname, '../../src/hopline.ts');

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export function start(socket: string, args: readonly string[], env: Record<string, string> = {}) {
  return spawn(process.execPath, [ENTRY, ...args], {
    env: {
      PATH: process.env.PATH ?? '',
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '',
      TZ: 'UTC',
      HOPLINE_SOCKET: socket,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export async function run(
  socket: string,
  args: readonly string[],
  env?: Record<string, string>,
): Promise<Ran> {
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

export async function serving(t: Test, over: Handlers = {}) {
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
    const query = { hop: id(5), kind: 'query', decision: allow };
    const statement = 'select *\n  from orders -- \u001b[31m';
    writer.insertAction({
      ...query,
      ...{ seq: 1, at: T0 + 6, subject: 'select orders', detail: JSON.stringify({ statement }) },
    });
    writer.insertActionEnd(id(5), 1, { at: T0 + 8, detail: '{"rows":3,"milliseconds":1.25}' });
    writer.insertAction({
      ...query,
      ...{ seq: 2, at: T0 + 9, subject: 'drop orders', detail: '{"statement":"drop table orders"}' },
      decision: { ...allow, outcome: 'deny', reason: 'no drops' },
    });
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
        const logins = found.type === 'login' ? [found.login.id] : [];
        return { type: found.type, logins, hops: [id(5)], silenced: [], open: [], hosts: [] };
      },
      reload: () => ({ ok: false, version: 'v1', problems: [problem], warnings: [], restart: [] }),
      'config.check': () => ({ ok: true, problems: [], warnings: [], policies: 2, targets: 1, users: 3 }),
      'policy.explain': (params) => ({
        decision: { ...allow, outcome: params.user === 'bob' ? 'deny' : 'allow', reason: 'by policy "base"' },
        route: { action: 'inspect', target: 'orders-db' },
        destination: { address: '10.77.0.20', port: 5432 },
        user: params.user ?? null,
        groups: ['engineers'],
        chain: params.chain ?? [],
        held: { by: 'settings', user: 'app', source: 'vault-kv', refused: null },
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
  return { path, hub, writer, reader, server, revoked };
}
