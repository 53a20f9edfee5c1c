/** What is not masked works for a person with masks as it does without, errors too. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import t, { type Test } from 'tap';
import { MaskKey } from '../../../../src/masking/key.ts';
import { bind, execute, parse, query, sync } from '../../../../src/protocols/postgres/encode-frontend.ts';
import { PROTOCOL_3_0 } from '../../../../src/protocols/postgres/startup.ts';
import type { Writer } from '../../../../src/protocols/postgres/writer.ts';
import { startServer } from '../local-server.ts';
import { openRaw, sum } from '../raw.ts';
import { type Rig, rig } from '../rig.ts';
import { COMMANDS, QUESTIONS, REFUSED, RESTORE, WORK } from './ordinary.ts';
import { maskingOf, SCHEMA } from './setting.ts';

t.setTimeout(600_000);
const server = startServer();
t.teardown(() => server[Symbol.dispose]());
server.sql(SCHEMA);
const key = new MaskKey(Buffer.from('0123456789abcdef'));

async function masked(t: Test): Promise<Rig> {
  const made = await rig(t, server);
  made.masking = maskingOf(key);
  return made;
}

interface Ran {
  readonly out: string;
  readonly err: string;
}

/** @param port null: of the server itself */
async function run(port: number | null, command: string, args: string[], input = ''): Promise<Ran> {
  const where =
    port === null ? { PGHOST: dirname(server.path) } : { PGHOST: '127.0.0.1', PGPORT: String(port) };
  const env = { ...process.env, PGUSER: 'free', PGDATABASE: 'postgres', ...where };
  const child = spawn(command, args, { env });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  child.stdin.end(input);
  await once(child, 'close');
  return { out: bare(out), err: bare(err) };
}

/** Without what differs from one connection, or one dump, to the next. */
const bare = (text: string): string =>
  text.replace(/(?:via socket|on host|at port).*/g, '').replace(/^\\(?:un)?restrict .*/gm, '');

for (const [what, list] of [
  ['commands of psql', COMMANDS],
  ['questions of programs', QUESTIONS],
  ['work', WORK],
] as const)
  t.test(what, async (t) => {
    const { port } = await masked(t);
    for (const sql of list) {
      const text = sql.startsWith('\\') ? sql : `${sql};`;
      const plain = await run(null, 'psql', ['-XqAt'], text);
      if (list === WORK) server.sql(RESTORE);
      t.same(await run(port, 'psql', ['-XqAt'], text), plain, sql);
      if (list === WORK) server.sql(RESTORE);
    }
  });

t.test('what cannot be known to be a mistake says what it may be', async (t) => {
  const { psql } = await masked(t);
  for (const [sql, words] of REFUSED) t.match((await psql(`${sql};`)).err, words, sql);
});

t.test('pg_dump', async (t) => {
  const { port } = await masked(t);
  for (const args of [['-s'], ['-t', 'orders'], ['-a', '-t', 'orders', '--inserts'], ['-s', '-Fc']]) {
    const there = [...args, ...(args.includes('-Fc') ? ['-f', '/dev/null'] : [])];
    t.same(await run(port, 'pg_dump', there), await run(null, 'pg_dump', there), args.join(' '));
  }
});

t.test('batches, as drivers send them', async (t) => {
  const made = await masked(t);
  const raw = openRaw(made.port, PROTOCOL_3_0, [{ name: 'database', value: 'postgres' }]);
  t.teardown(() => raw.socket.destroy());
  await raw.until('ReadyForQuery');
  const step = (out: Writer, sql: string, ...parameters: string[]): void => {
    parse(out, '', sql);
    bind(out, { portal: '', statement: '', parameters: parameters.map((each) => Buffer.from(each)) });
    execute(out, '');
  };
  const again = (out: Writer, ...parameters: string[]): void => {
    bind(out, {
      ...{ portal: '', statement: 'many' },
      parameters: parameters.map((each) => Buffer.from(each)),
    });
    execute(out, '');
  };
  for (let round = 0; round < 3; round += 1) {
    raw.send((out) => {
      step(out, 'begin');
      parse(out, 'many', 'insert into copies (id, value) values ($1, $2)');
      for (let n = 0; n < 20; n += 1) again(out, String(n), 'x');
      step(out, 'select id, name, card from customers where id = $1', '1');
      step(out, 'update copies set value = $1', 'y');
      step(out, 'select count(*) from copies');
      step(out, 'commit');
      step(out, 'delete from copies');
      sync(out);
    });
    const messages = await raw.until('ReadyForQuery');
    t.notMatch(sum(messages), /ErrorResponse/);
    t.equal(messages.filter(({ name }) => name === 'CommandComplete').length, 26);
    raw.send((out) => query(out, 'deallocate many'));
    await raw.until('ReadyForQuery');
  }
});
