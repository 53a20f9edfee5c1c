/** Real clients and a real server: every message they exchange decodes, and is the same bytes when written again. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import t from 'tap';
import * as frontend from '../../../src/protocols/postgres/encode-frontend.ts';
import { errorReport } from '../../../src/protocols/postgres/error-fields.ts';
import type { BackendKeyData, CancelRequest } from '../../../src/protocols/postgres/messages.ts';
import { PROTOCOL_3_2 } from '../../../src/protocols/postgres/startup.ts';
import { clientEncoding } from '../../../src/protocols/postgres/text.ts';
import { PASSWORD, startServer } from './local-server.ts';
import { openPipe } from './pipe.ts';
import { openRaw, sum } from './raw.ts';
import { plain } from './wire.ts';

const server = startServer();
const pipe = await openPipe(server.path);
const files = mkdtempSync(join(tmpdir(), 'hopline-postgres-files-'));
t.teardown(async () => {
  await pipe[Symbol.asyncDispose]();
  server[Symbol.dispose]();
  rmSync(files, { recursive: true, force: true });
});

const ENV = { ...process.env, PGHOST: '127.0.0.1', PGPORT: String(pipe.port), PGDATABASE: 'postgres' };
const run = promisify(execFile);

/** Output and errors of psql with this input. */
async function psql(input: string, user = 'free'): Promise<string> {
  const child = spawn('psql', ['-XqAt', '-v', 'VERBOSITY=verbose', '-U', user], {
    env: { ...ENV, PGPASSWORD: PASSWORD, LC_ALL: 'C' },
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => output.push(text));
  }
  child.stdin.end(input);
  await once(child, 'close');
  return output.join('');
}

async function client(): Promise<pg.Client> {
  const made = new pg.Client({
    host: '127.0.0.1',
    port: pipe.port,
    user: 'scram',
    password: PASSWORD,
    database: 'postgres',
  });
  await made.connect();
  return made;
}

t.test('psql: rows, errors, notices, several statements, none, a cursor', async (t) => {
  const out = await psql(`
    select 1, 'two', null, repeat('x', 200000);
    select; ;
    create table person (id int primary key, name text not null, born date);
    insert into person values (1, 'Ada', '1815-12-10'), (2, 'Grace', null);
    select * from person \\; update person set name = upper(name) \\; select count(*) from person;
    insert into person values (1, 'Eve', null);
    do $$ begin raise notice 'noted' using detail = 'more', hint = 'try'; end $$;
    select 1/0;
    select * from nowhere;
    set client_encoding = 'LATIN1'; select 'é'; reset client_encoding;
    \\gset
    select $1::int as n \\gdesc
    \\set FETCH_COUNT 2
    select generate_series(1, 5);
  `);
  t.match(out, /23505: duplicate key value/);
  t.match(out, /NOTICE: {2}00000: noted\nDETAIL: {2}more\nHINT: {2}try/);
  t.match(out, /22012: division by zero/);
  const duplicate = pipe.seen
    .map(({ message }) => (message.name === 'ErrorResponse' ? errorReport(message.fields) : null))
    .find((report) => report?.code === '23505');
  t.match(duplicate, {
    severity: 'ERROR',
    localizedSeverity: 'ERROR',
    detail: 'Key (id)=(1) already exists.',
    schema: 'public',
    table: 'person',
    constraint: 'person_pkey',
    routine: '_bt_check_unique',
  });
  t.ok(pipe.names().has('EmptyQueryResponse'));
});

t.test('psql: COPY in and out, text and binary, and given up; large objects', async (t) => {
  const file = join(files, 'object');
  writeFileSync(file, Buffer.alloc(100_000, 7));
  const out = await psql(`
    create table pair (a int, b text);
    copy pair from stdin;
1\tone
2\t\\N
\\.
    copy pair to stdout;
    copy (select g, repeat('y', 5000) from generate_series(1, 50) g) to stdout (format binary) \\g ${join(files, 'binary')}
    \\copy pair from ${join(files, 'binary')} (format binary)
    select count(*) from pair;
    \\copy pair from program 'echo wrong; exit 3'
    copy pair from stdin;
no number\tx
\\.
    \\lo_import ${file}
    \\lo_export :LASTOID ${file}.copy
    \\lo_unlink :LASTOID
  `);
  t.match(out, /^1\tone\n2\t\\N\n52\n/);
  t.match(out, /invalid input syntax for type integer: "no number"/);
  for (const name of [
    'CopyInResponse',
    'CopyOutResponse',
    'CopyData',
    'CopyDone',
    'FunctionCall',
    'FunctionCallResponse',
  ])
    t.ok(pipe.names().has(name), name);
});

t.test('psql: every way to log in', async (t) => {
  for (const user of ['scram', 'md5', 'plain'])
    t.equal(await psql('select current_user;', user), `${user}\n`);
  for (const name of [
    'AuthenticationSASL',
    'AuthenticationSASLContinue',
    'AuthenticationSASLFinal',
    'AuthenticationMD5Password',
    'AuthenticationCleartextPassword',
    'SASLInitialResponse',
    'SASLResponse',
    'PasswordMessage',
    'SSLRequest',
  ])
    t.ok(pipe.names().has(name), name);
});

t.test('node-postgres: parameters, names, portals, errors, notifications', async (t) => {
  const one = await client();
  const two = await client();
  const { rows } = await one.query('select $1::int as n, $2::text as t, $3::bytea as b', [
    7,
    null,
    Buffer.from([0, 255]),
  ]);
  t.same(rows, [{ n: 7, t: null, b: Buffer.from([0, 255]) }]);
  for (let n = 0; n < 3; n += 1)
    t.same((await one.query({ name: 'named', text: 'select $1::int + 1 as n', values: [n] })).rows, [
      { n: n + 1 },
    ]);
  const cursor = await one.query({ text: 'select generate_series(1, 100) as n', rows: 7 } as pg.QueryConfig);
  t.equal(cursor.rows.length, 100);
  await t.rejects(one.query('select $1::int', ['x']), { code: '22P02' });
  await one.query('select 1 where false');
  await one.query({ name: 'nothing', text: '' });
  await one.query('insert into person values ($1, $2)', [10, 'Barbara']);
  const { promise, resolve } = Promise.withResolvers<pg.Notification>();
  two.on('notification', resolve);
  await two.query('listen jobs');
  await one.query("select pg_notify('jobs', 'done ✓')");
  t.match(await promise, { channel: 'jobs', payload: 'done ✓' });
  await Promise.all([one.end(), two.end()]);
  for (const name of [
    'Parse',
    'Bind',
    'Describe',
    'Execute',
    'Sync',
    'PortalSuspended',
    'NoData',
    'NotificationResponse',
    'Terminate',
  ])
    t.ok(pipe.names().has(name), name);
});

t.test('a cancel is a connection of its own, with the key of the one that it means', async (t) => {
  const child: ChildProcess = spawn('psql', ['-XqAt', '-U', 'free', '-c', 'select pg_sleep(60)'], {
    env: ENV,
    stdio: 'pipe',
  });
  const errors: string[] = [];
  child.stderr?.on('data', (text: Buffer) => errors.push(text.toString()));
  const sleeping = () =>
    server.sql("select count(*) from pg_stat_activity where query = 'select pg_sleep(60)'").trim();
  while (sleeping() !== '1') await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGINT');
  await once(child, 'close');
  t.match(errors.join(''), /canceling statement due to user request/);
  const messages = pipe.seen.map(({ message }) => message);
  const { processId, secretKey } = messages.find(({ name }) => name === 'CancelRequest') as CancelRequest;
  const keys = messages.filter((message): message is BackendKeyData => message.name === 'BackendKeyData');
  t.same(keys.find((key) => key.processId === processId)?.secretKey, secretKey);
});

t.test('pgbench: simple, extended and prepared', async (t) => {
  const script = join(files, 'script');
  writeFileSync(script, '\\set n random(1, 100)\nselect :n::int + 1;\n');
  const bench = ['-n', '-f', script, '-c', '2', '-t', '50', '-U', 'free'];
  for (const mode of ['simple', 'extended', 'prepared']) {
    const { stdout } = await run('pgbench', [...bench, '-M', mode], { env: ENV });
    t.match(stdout, /number of transactions actually processed: 100\/100/, mode);
  }
});

t.test('protocol 3.2 and extensions that this server does not know', async (t) => {
  const { socket, until } = openRaw(pipe.port, PROTOCOL_3_2, [
    { name: 'database', value: 'postgres' },
    { name: '_pq_.unheard', value: '1' },
  ]);
  const messages = await until('ReadyForQuery');
  t.same(
    messages.find(({ name }) => name === 'NegotiateProtocolVersion'),
    { name: 'NegotiateProtocolVersion', version: 0x30000, unrecognizedOptions: ['_pq_.unheard'] },
  );
  socket.end();
});

t.test('what our encoders write, the server understands', async (t) => {
  const { socket, send, until } = openRaw(pipe.port, 0x30000, [{ name: 'database', value: 'postgres' }]);
  await until('ReadyForQuery');
  send((out) => {
    frontend.parse(out, 's', 'select $1::int + $2::int as n', [23, 0]);
    frontend.describe(out, 'S', 's');
    frontend.bind(out, {
      portal: 'p',
      statement: 's',
      parameterFormats: [1, 0],
      parameters: [Buffer.from([0, 0, 0, 40]), Buffer.from('2')],
      resultFormats: [1],
    });
    frontend.describe(out, 'P', 'p');
    frontend.execute(out, 'p', 0);
    frontend.close(out, 'P', 'p');
    frontend.close(out, 'S', 's');
    frontend.flush(out);
    frontend.sync(out);
  });
  const messages = await until('ReadyForQuery');
  t.equal(
    sum(messages),
    'ParseComplete ParameterDescription RowDescription BindComplete RowDescription DataRow CommandComplete ' +
      'CloseComplete CloseComplete ReadyForQuery',
  );
  const row = messages.find((message) => message.name === 'DataRow');
  t.same(row && plain(row), { name: 'DataRow', columns: [Buffer.from([0, 0, 0, 42])] });
  send((out) =>
    frontend.functionCall(out, {
      objectId: 1397,
      argumentFormats: [1],
      arguments: [Buffer.from([255, 255, 255, 249])],
      resultFormat: 1,
    }),
  );
  t.same((await until('ReadyForQuery'))[0], {
    name: 'FunctionCallResponse',
    value: Buffer.from([0, 0, 0, 7]),
  });
  send((out) => frontend.query(out, 'copy pair from stdin'));
  await until('CopyInResponse');
  send((out) => {
    frontend.copyData(out, Buffer.from('8\teight\n'));
    frontend.copyFail(out, 'enough');
  });
  const failed = (await until('ReadyForQuery'))[0];
  t.match(failed?.name === 'ErrorResponse' && errorReport(failed.fields), {
    code: '57014',
    message: 'COPY from stdin failed: enough',
  });
  send((out) => frontend.terminate(out));
  await once(socket, 'close');
});

t.test('the server tells names apart by their first 63 bytes', async (t) => {
  const { socket, send, until } = openRaw(pipe.port, 0x30000, [{ name: 'database', value: 'postgres' }]);
  await until('ReadyForQuery');
  const long = 'n'.repeat(63);
  send((out) => {
    frontend.parse(out, `${long}one`, "select 'parsed as one'");
    frontend.bind(out, { portal: `${long}p`, statement: `${long}other` });
    frontend.execute(out, `${long}q`);
    frontend.sync(out);
  });
  t.equal(
    sum(await until('ReadyForQuery')),
    'ParseComplete BindComplete DataRow CommandComplete ReadyForQuery',
  );
  socket.end();
});

t.test('replication: CopyBoth', async (t) => {
  const { socket, send, until } = openRaw(pipe.port, 0x30000, [{ name: 'replication', value: 'true' }]);
  await until('ReadyForQuery');
  send((out) => frontend.query(out, 'IDENTIFY_SYSTEM'));
  const row = (await until('ReadyForQuery')).find((message) => message.name === 'DataRow');
  const position = row?.columns.value(2)?.toString();
  send((out) => frontend.query(out, `START_REPLICATION PHYSICAL ${position}`));
  t.same((await until('CopyBothResponse')).at(-1), {
    name: 'CopyBothResponse',
    format: 0,
    columnFormats: [],
  });
  send((out) => frontend.copyDone(out));
  t.match(sum(await until('ReadyForQuery')), /CopyDone (CommandComplete )+ReadyForQuery$/);
  socket.end();
});

t.test('text in other encodings is what the server reads, or none', async (t) => {
  const single = [
    'LATIN1',
    'LATIN2',
    'LATIN3',
    'LATIN4',
    'LATIN5',
    'LATIN6',
    'LATIN7',
    'LATIN8',
    'LATIN9',
    'LATIN10',
  ];
  const names = [
    ...single,
    ...['ISO_8859_5', 'ISO_8859_6', 'ISO_8859_7', 'ISO_8859_8', 'KOI8R', 'KOI8U', 'WIN866', 'WIN874'],
    ...['WIN1250', 'WIN1251', 'WIN1252', 'WIN1253', 'WIN1254', 'WIN1255', 'WIN1256', 'WIN1257', 'WIN1258'],
    ...['EUC_CN', 'EUC_JP', 'EUC_KR', 'GBK', 'SJIS'],
  ];
  server.sql(`create function converted(b bytea, e name) returns text language plpgsql immutable as
    $$ begin return encode(convert_to(convert_from(b, e), 'UTF8'), 'hex'); exception when others then return '-'; end $$`);
  const lines = server.sql(`
    select e, encode(b, 'hex'), converted(b, e) from unnest('{${names}}'::name[]) e, lateral (
      select set_byte('\\x00', 0, x) from generate_series(1, 255) x union all
      select set_byte(set_byte('\\x0000', 0, x), 1, y) from generate_series(128, 255) x, generate_series(1, 255) y
      where e ~ '^(EUC|GB|SJIS)') s(b)`);
  let compared = 0;
  for (const line of lines.trimEnd().split('\n')) {
    const [name = '', bytes = '', converted = ''] = line.split('|');
    const text = clientEncoding(name).text(Buffer.from(bytes, 'hex'));
    if (converted === '-' || text === null) continue;
    compared += 1;
    const want = Buffer.from(converted, 'hex').toString();
    if (text !== want) t.equal(text, want, `${name} ${bytes}`);
  }
  t.ok(compared > 50_000, `${compared} sequences are the same`);
});

t.test('all of it decoded, and was written again as it was', async (t) => {
  t.same(
    pipe.wrong.map((line) => line.slice(0, 200)),
    [],
  );
  t.ok(pipe.seen.length > 2000, `${pipe.seen.length} messages`);
});
