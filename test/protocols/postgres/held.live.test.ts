/** Statements that wait for a person's yes, with real clients and a real server between which they wait. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import pg from 'pg';
import t, { type Test } from 'tap';
import * as send from '../../../src/protocols/postgres/encode-frontend.ts';
import type { BackendMessage } from '../../../src/protocols/postgres/messages.ts';
import { until } from '../../until.ts';
import { startServer } from './local-server.ts';
import { openRaw, sum } from './raw.ts';
import { type Rig, rig } from './rig.ts';

t.setTimeout(180_000);
const server = startServer();
t.teardown(() => server[Symbol.dispose]());
server.sql('create table orders (id int primary key, customer text)');

const ASKS = /^(?:drop|truncate)$/;

/** A room in which tables are dropped and emptied by a yes of dba's, and a table of its own for each test. */
async function asking(t: Test): Promise<Rig> {
  const made = await rig(t, server);
  made.ask = ({ verb }) => (ASKS.test(String(verb)) ? 'dba' : null);
  return made;
}

let tables = 0;
function table(): string {
  const name = `t${++tables}`;
  server.sql(`create table ${name} (n int); insert into ${name} values (1)`);
  return name;
}

const there = (name: string) => server.sql(`select to_regclass('${name}') is not null`) === 't\n';
/** What the server was given to parse, plan or run since it started, other than by this test itself. */
const seen = (word: string) =>
  server.sql(
    `select count(*) from pg_stat_activity where query like '%${word}%' and pid <> pg_backend_pid()`,
  );

/** psql that goes on while the test answers. */
function psql(t: Test, port: number, sql: string, ...args: string[]) {
  const env = {
    ...process.env,
    PGHOST: '127.0.0.1',
    PGPORT: String(port),
    PGUSER: 'free',
    PGDATABASE: 'postgres',
  };
  const child = spawn('psql', ['-XqAt', ...args], { env });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (said.out += chunk));
  child.stderr.on('data', (chunk) => (said.err += chunk));
  child.stdin.end(sql);
  t.teardown(() => child.kill('SIGKILL'));
  return { child, said, code: once(child, 'close').then(([code]) => code as number) };
}

t.test('psql: told by whom and under which number, and it runs after the yes', async (t) => {
  const made = await asking(t);
  const name = table();
  const { said, code } = psql(
    t,
    made.port,
    `select 1; drop table ${name}; select 2`,
    '-v',
    'VERBOSITY=verbose',
  );
  const one = await made.waiting(1);
  await until(() => said.err.includes('NOTICE'), 'the notice');
  t.match(
    said.err,
    /NOTICE: {2}00000: Hopline: held for approval 17: needs approval by dba; hopline approve 17\nHINT: {2}It waits 15 min for a member of dba to answer\./,
  );
  t.equal(said.out, '1\n', 'what came before has run');
  t.equal(seen(name), '0\n', 'the server has not seen it');
  t.match(made.recorded[one.action - 1], {
    subject: `drop ${name}`,
    detail: { statement: `drop table ${name}` },
    decision: { outcome: 'approve' },
    result: null,
  });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  one.answer({ outcome: 'approved', by: 'bob', reason: 'as agreed' });
  t.equal(await code, 0);
  t.equal(said.out, '1\n2\n');
  t.equal(there(name), false);
  t.match(made.recorded[one.action - 1], {
    decisions: [{ outcome: 'allow', reason: 'allowed; approval 17 was given by bob: as agreed' }],
    result: { tag: 'DROP TABLE' },
  });
  t.ok(Number(made.recorded[one.action - 1]?.result?.milliseconds) < 1000, 'its own time, not the person’s');
});

t.test('denied, out of time, and the session goes on', async (t) => {
  const made = await asking(t);
  const name = table();
  const { said, code } = psql(
    t,
    made.port,
    `drop table ${name}; drop table ${name}; select 2`,
    '-v',
    'VERBOSITY=verbose',
  );
  (await made.waiting(1)).answer({ outcome: 'denied', by: 'bob', reason: 'not on a Friday' });
  (await made.waiting(2)).answer({ outcome: 'expired', reason: 'nobody answered within 15 min' });
  t.equal(await code, 0);
  t.equal(said.out, '2\n');
  t.match(
    said.err,
    /ERROR: {2}42501: Hopline: approval 17 was denied by bob: not on a Friday \(needs approval by dba\)\n/,
  );
  t.match(said.err, /HINT: {2}Policy held\. The session goes on/);
  t.match(said.err, /ERROR: {2}42501: Hopline: approval 18 ran out: nobody answered within 15 min/);
  t.equal(there(name), true);
  t.match(made.recorded[0], { decisions: [{ outcome: 'deny' }], result: { error: 'denied' } });
});

t.test('Ctrl-C withdraws it, as PostgreSQL cancels', async (t) => {
  const made = await asking(t);
  const name = table();
  const { child, said, code } = psql(
    t,
    made.port,
    `begin; drop table ${name}; select 1; rollback; select 2`,
    '-v',
    'VERBOSITY=verbose',
  );
  const one = await made.waiting(1);
  await until(() => said.err.includes('NOTICE'), 'the notice');
  child.kill('SIGINT');
  await until(() => one.ended, 'its end');
  t.match(one.ended, { outcome: 'withdrawn', reason: 'the client cancelled it' });
  await code;
  t.match(said.err, /ERROR: {2}57014: canceling statement due to user request\n/);
  t.equal(there(name), true);
  t.match(made.recorded.find(({ kind }) => kind === 'cancel')?.result, { withdrawn: true });
  t.match(made.recorded[one.action - 1]?.result, { error: { code: '57014' } });
});

t.test('after a cancel the transaction is failed, and the session is there', async (t) => {
  const made = await asking(t);
  const name = table();
  const client = await made.client();
  await client.query('begin');
  const dropped = client.query(`drop table ${name}`);
  dropped.catch(() => {});
  await made.waiting(1);
  const other = new pg.Client({ host: '127.0.0.1', port: made.port });
  const active = client as unknown as { _getActiveQuery?(): unknown; activeQuery: unknown };
  (other as unknown as { cancel(client: unknown, query: unknown): void }).cancel(
    client,
    active._getActiveQuery?.() ?? active.activeQuery,
  );
  await t.rejects(dropped, { code: '57014', message: 'canceling statement due to user request' });
  await t.rejects(client.query('select 1'), { code: '25P02' });
  await client.query('rollback');
  t.same((await client.query('select 1 as a')).rows, [{ a: 1 }]);
  t.equal(there(name), true);
});

t.test('a cancel with another key, and one while nothing waits, do nothing to it', async (t) => {
  const made = await asking(t);
  const first = await made.client();
  const second = await made.client();
  const name = table();
  const dropped = first.query(`drop table ${name}`);
  const one = await made.waiting(1);
  const other = new pg.Client({ host: '127.0.0.1', port: made.port });
  const cancel = (client: pg.Client, query: unknown) =>
    (other as unknown as { cancel(client: unknown, query: unknown): void }).cancel(client, query);
  const sleeping = second.query('select pg_sleep(30)');
  sleeping.catch(() => {});
  await until(() => seen('pg_sleep(30)') === '1\n', 'the server runs it');
  const active = second as unknown as { _getActiveQuery?(): unknown; activeQuery: unknown };
  cancel(second, active._getActiveQuery?.() ?? active.activeQuery);
  await t.rejects(sleeping, { code: '57014' }, 'the server cancelled the other session');
  t.equal(one.ended, null);
  one.answer({ outcome: 'approved', by: 'bob' });
  await dropped;
  t.equal(there(name), false);
});

t.test('a client that goes away withdraws it', async (t) => {
  const made = await asking(t);
  const name = table();
  for (const how of ['SIGKILL', 'SIGTERM'] as const) {
    const { child } = psql(t, made.port, `drop table ${name}`);
    const one = await made.waiting(made.held.length + 1);
    child.kill(how);
    await until(() => one.ended, 'its end');
    t.match(one.ended, { outcome: 'withdrawn', reason: /^(?:the client went away|reset by the client)/ });
    const ends = made.ends.length;
    await until(() => made.ends.length > ends || made.ends.length === made.held.length, 'the end of the hop');
    t.match(made.recorded[one.action - 1]?.result, { error: /client/ });
  }
  t.equal(there(name), true);
});

t.test('a server that goes away withdraws it', async (t) => {
  const made = await asking(t);
  const name = table();
  const client = await made.client();
  const { rows } = await client.query('select pg_backend_pid() as pid');
  const dropped = client.query(`drop table ${name}`);
  const one = await made.waiting(1);
  server.sql(`select pg_terminate_backend(${rows[0].pid})`);
  await t.rejects(dropped, { code: '57P01' });
  await until(() => one.ended, 'its end');
  t.match(one.ended, { outcome: 'withdrawn', reason: 'the server went away' });
  t.equal(there(name), true);
});

t.test('several statements in one message: decided, then held, then sent', async (t) => {
  const made = await asking(t);
  made.deny = ({ verb }) => (verb === 'delete' ? 'no' : null);
  const [one, two] = [table(), table()];
  const client = await made.client();
  const done = client.query(
    `insert into orders values (1, 'é'); drop table ${one}; insert into orders values (2, 'b'); drop table ${two}`,
  );
  const first = await made.waiting(1);
  t.equal(server.sql('select count(*) from orders'), '0\n', 'nothing of the message has been sent');
  t.equal(made.held.length, 1);
  first.answer({ outcome: 'approved', by: 'bob' });
  (await made.waiting(2)).answer({ outcome: 'approved', by: 'bob' });
  await done;
  t.same([there(one), there(two), server.sql('select count(*) from orders')], [false, false, '2\n']);
  t.same(
    made.recorded.map(({ result }) => result?.tag),
    ['INSERT 0 1', 'DROP TABLE', 'INSERT 0 1', 'DROP TABLE'],
  );

  const three = table();
  const refused = client.query(
    `insert into orders values (3, 'c'); drop table ${three}; insert into orders values (4, 'd')`,
  );
  refused.catch(() => {});
  (await made.waiting(3)).answer({ outcome: 'denied', by: 'bob', reason: 'no' });
  await t.rejects(refused, { code: '42501', message: /denied by bob/ });
  t.same(
    [there(three), server.sql('select count(*) from orders')],
    [true, '2\n'],
    'one implicit transaction',
  );

  await t.rejects(client.query(`drop table ${three}; delete from orders`), {
    code: '42501',
    message: 'Hopline: no',
  });
  t.equal(made.held.length, 3, 'nobody is asked where it is denied anyway');
  t.ok(
    made.recorded.every(({ result }) => result !== null),
    'each has its end',
  );
});

t.test('decided again at the time of the answer', async (t) => {
  const made = await asking(t);
  const name = table();
  const client = await made.client();
  const dropped = client.query(`select 1; drop table ${name}`);
  dropped.catch(() => {});
  const one = await made.waiting(1);
  made.deny = ({ verb }) => (verb === 'drop' ? 'drops are over' : null);
  one.answer({ outcome: 'approved', by: 'bob' });
  await t.rejects(dropped, {
    code: '42501',
    message: /^Hopline: drops are over; approval 17 was given by bob/,
  });
  made.deny = () => null;
  const again = client.query(`select 1; drop table ${name}`);
  again.catch(() => {});
  const two = await made.waiting(2);
  made.deny = ({ verb }) => (verb === 'select' ? 'no selects' : null);
  two.answer({ outcome: 'approved', by: 'bob' });
  await t.rejects(again, { message: 'Hopline: no selects' }, 'of the others in the message too');
  made.deny = () => null;
  made.ask = ({ verb }) => (verb === 'drop' ? 'dba' : null);
  const third = client.query(`drop table ${name}`);
  const three = await made.waiting(3);
  made.ask = ({ verb }) => (verb === 'drop' ? 'security' : null);
  three.answer({ outcome: 'approved', by: 'bob' });
  const four = await made.waiting(4);
  t.equal(four.decision.reason, 'needs approval by security', 'another group is asked by then');
  four.answer({ outcome: 'approved', by: 'carol' });
  await third;
  t.equal(there(name), false);
});

t.test('the extended protocol: asked at Execute, with the parameters', async (t) => {
  const made = await rig(t, server);
  made.ask = ({ verb, tables }) =>
    verb === 'delete' && (tables as string[]).includes('orders') ? 'dba' : null;
  server.sql("delete from orders; insert into orders values (7, 'x'), (8, 'y')");
  const client = await made.client();
  const deleted = client.query('delete from orders where id = $1 returning customer', [7]);
  const one = await made.waiting(1);
  t.match(made.recorded[one.action - 1], { detail: { parameters: ['7'] }, decision: { outcome: 'approve' } });
  t.equal(seen('returning customer'), '0\n');
  t.equal(server.sql('select count(*) from orders'), '2\n');
  one.answer({ outcome: 'approved', by: 'bob' });
  t.same((await deleted).rows, [{ customer: 'x' }]);
  t.match(made.recorded[one.action - 1], { result: { tag: 'DELETE 1', rows: 1 } });

  const refused = client.query('delete from orders where id = $1', [8]);
  refused.catch(() => {});
  (await made.waiting(2)).answer({ outcome: 'denied', by: 'bob', reason: 'no' });
  await t.rejects(refused, { code: '42501', message: /denied by bob: no/ });
  t.same((await client.query('select $1::int as a', [1])).rows, [{ a: 1 }], 'the session goes on');

  const named = { name: 'wipe', text: 'delete from orders where id = $1' };
  for (const outcome of ['denied', 'approved'] as const) {
    const wiped = client.query({ ...named, values: [8] });
    wiped.catch(() => {});
    const next = await made.waiting(made.held.length + 1);
    next.answer({ outcome, by: 'bob', reason: 'r' });
    if (outcome === 'denied') await t.rejects(wiped, { code: '42501' });
    else t.equal((await wiped).rowCount, 1);
  }
  const prepared = client.query({ ...named, values: [9] });
  (await made.waiting(made.held.length + 1)).answer({ outcome: 'approved', by: 'bob' });
  t.equal((await prepared).rowCount, 0, 'prepared before: Bind and Execute alone');
  await client.query('begin');
  const inside = client.query('delete from orders where id = $1', [1]);
  inside.catch(() => {});
  (await made.waiting(made.held.length + 1)).answer({ outcome: 'denied', by: 'bob', reason: 'no' });
  await t.rejects(inside, { code: '42501' });
  await t.rejects(client.query('select $1::int', [1]), { code: '25P02' }, 'the transaction is failed');
  await client.query('rollback');
  t.ok(
    made.recorded.every(({ result }) => result !== null),
    'each has its end',
  );
});

/** Names of what the server answers up to ReadyForQuery, with the codes of errors. */
function told(messages: readonly BackendMessage[]): string {
  return messages
    .filter(({ name }) => name !== 'ParameterStatus')
    .map((message) => {
      if (message.name !== 'ErrorResponse') return message.name;
      return `Error ${message.fields.find(({ type }) => type === 'C')?.value}`;
    })
    .join(' ');
}

async function raw(t: Test, made: Rig) {
  const connection = openRaw(made.port, 0x30000, [{ name: 'database', value: 'postgres' }]);
  t.teardown(() => connection.socket.destroy());
  await connection.until('ReadyForQuery');
  return connection;
}

t.test(
  'the extended protocol: what is only prepared goes on, and is asked about when it is to run',
  async (t) => {
    const made = await asking(t);
    const name = table();
    const connection = await raw(t, made);
    const text = `drop table ${name}`;
    connection.send((out) => {
      send.parse(out, 'd', text);
      send.describe(out, 'S', 'd');
      send.sync(out);
    });
    t.equal(
      told(await connection.until('ReadyForQuery')),
      'ParseComplete ParameterDescription NoData ReadyForQuery',
    );
    connection.send((out) => {
      send.parse(out, 'e', text);
      send.flush(out);
    });
    t.equal(told(await connection.until('ParseComplete')), 'ParseComplete');
    connection.send((out) => {
      send.sync(out);
    });
    await connection.until('ReadyForQuery');
    t.equal(made.held.length, 0);
    connection.send((out) => {
      send.bind(out, { portal: '', statement: 'd' });
      send.execute(out, '', 0);
      send.sync(out);
    });
    const one = await made.waiting(1);
    t.equal(told(await connection.until('NoticeResponse')), 'NoticeResponse');
    one.answer({ outcome: 'approved', by: 'bob' });
    t.equal(told(await connection.until('ReadyForQuery')), 'BindComplete CommandComplete ReadyForQuery');
    t.equal(there(name), false);
  },
);

t.test('the extended protocol: a pipeline stops where a statement waits', async (t) => {
  const made = await asking(t);
  const name = table();
  const connection = await raw(t, made);
  const run = (out: Parameters<typeof send.sync>[0], text: string) => {
    send.parse(out, '', text);
    send.bind(out, { portal: '', statement: '' });
    send.describe(out, 'P', '');
    send.execute(out, '', 0);
  };
  connection.send((out) => {
    run(out, 'select 1');
    run(out, `drop table ${name}`);
    run(out, 'select 2');
    send.sync(out);
  });
  (await made.waiting(1)).answer({ outcome: 'approved', by: 'bob' });
  const fine = told(await connection.until('ReadyForQuery')).replace('NoticeResponse ', '');
  const rows = 'ParseComplete BindComplete RowDescription DataRow CommandComplete';
  t.equal(fine, `${rows} ParseComplete BindComplete NoData CommandComplete ${rows} ReadyForQuery`);
  const other = table();
  connection.send((out) => {
    run(out, 'select 1');
    run(out, `drop table ${other}`);
    run(out, 'select 2');
    send.sync(out);
  });
  (await made.waiting(2)).answer({ outcome: 'denied', by: 'bob', reason: 'no' });
  const refused = told(await connection.until('ReadyForQuery')).replace('NoticeResponse ', '');
  t.equal(refused, `${rows} Error 42501 ReadyForQuery`, 'what follows is skipped');
  t.equal(there(other), true);
  connection.send((out) => {
    run(out, 'select nope');
    run(out, `drop table ${other}`);
    send.sync(out);
  });
  const last = await Promise.race([made.waiting(3), connection.until('ReadyForQuery')]);
  if (!Array.isArray(last)) {
    last.answer({ outcome: 'approved', by: 'bob' });
    t.match(told(await connection.until('ReadyForQuery')), /Error 42703.* ReadyForQuery$/);
  }
  t.equal(there(other), true, 'skipped after an error');
  connection.send((out) => {
    run(out, 'select 3');
    send.sync(out);
  });
  t.equal(
    told(await connection.until('ReadyForQuery')),
    `${rows} ReadyForQuery`,
    'answers belong to their messages',
  );
  t.ok(
    made.recorded.every(({ result }) => result !== null),
    'each has its end',
  );
});

t.test('the extended protocol: a Bind that no Execute follows is not planned', async (t) => {
  const made = await rig(t, server);
  server.sql(`create sequence planned; create function plan() returns int language sql immutable
    as 'select nextval(''planned'')::int'`);
  made.ask = ({ functions }) => ((functions as string[]).includes('plan') ? 'dba' : null);
  const connection = await raw(t, made);
  connection.send((out) => {
    send.parse(out, '', 'select plan()');
    send.bind(out, { portal: '', statement: '' });
    send.flush(out);
    send.sync(out);
  });
  t.equal(told(await connection.until('ReadyForQuery')), 'Error 42501 ReadyForQuery');
  t.equal(server.sql('select is_called from planned'), 'f\n');
  t.match(made.recorded, [
    { decision: { outcome: 'deny', reason: /send its Execute right behind its Bind/ } },
  ]);
});

t.test('after an error the server skips, whenever the rest is sent', async (t) => {
  const made = await rig(t, server);
  const connection = await raw(t, made);
  connection.send((out) => {
    send.parse(out, '', 'select nope');
    send.flush(out);
  });
  await connection.until('ErrorResponse');
  connection.send((out) => {
    send.parse(out, '', 'select 1');
    send.bind(out, { portal: '', statement: '' });
    send.execute(out, '', 0);
    send.query(out, 'select 2');
    send.sync(out);
  });
  t.equal(sum(await connection.until('ReadyForQuery')), 'ReadyForQuery');
  connection.send((out) => send.query(out, 'select 3'));
  await connection.until('ReadyForQuery');
  await until(() => made.recorded.every(({ result }) => result !== null), 'the ends');
  t.match(made.recorded.slice(-1), [
    { detail: { statement: 'select 3' }, result: { rows: 1, tag: 'SELECT 1' } },
  ]);
  t.match(made.recorded[0]?.result, { error: 'skipped after an error' });
});

t.test('PREPARE and EXECUTE, cursors, and what cannot be shown whole', async (t) => {
  const made = await asking(t);
  const name = table();
  const client = await made.client();
  made.ask = ({ verb, known }) => (verb === 'drop' || !known ? 'dba' : null);
  const unshown = { code: '42501', message: /cannot be asked for: it is too long to be shown/ };
  await t.rejects(client.query(`drop /* ${'x'.repeat(70_000)} */ table ${name}`), unshown);
  await t.rejects(client.query(`drop /* ${'x'.repeat(1_200_000)} */ table ${name}`), unshown);
  for (const length of [70_000, 1_200_000])
    await t.rejects(
      client.query({ name: 'long', text: `drop /* ${'x'.repeat(length)} */ table ${name}` }),
      unshown,
    );
  made.ask = ({ verb }) => (verb === 'delete' ? 'dba' : null);
  await t.rejects(client.query('delete from orders where customer = $1', ['x'.repeat(1_200_000)]), {
    code: '42501',
    message: /cannot be asked for: its parameters are too long to be shown/,
  });
  t.same((await client.query('select $1::int as a', [1])).rows, [{ a: 1 }]);
  t.same([made.held.length, there(name)], [0, true]);
  made.ask = ({ writes }) => ((writes as string[]).includes('orders') ? 'dba' : null);
  await client.query('prepare w as select 1').catch(() => {});
  const prepare = client.query('prepare wipe as delete from orders');
  const first = await Promise.race([prepare.then(() => null), made.waiting(1)]);
  if (first !== null) {
    first.answer({ outcome: 'approved', by: 'bob' });
    await prepare;
  }
  const count = made.held.length;
  const executed = client.query('execute wipe');
  (await made.waiting(count + 1)).answer({ outcome: 'approved', by: 'bob' });
  t.equal((await executed).command, 'DELETE');
});

t.test('what is read after a yes is recorded as policies say', async (t) => {
  const made = await rig(t, server);
  made.ask = ({ reads }) => ((reads as string[]).includes('ledger') ? 'dba' : null);
  made.record = ({ verb }) => (verb === 'select' ? 2 : null);
  server.sql('create table ledger (n int); insert into ledger select generate_series(1, 5)');
  const client = await made.client();
  for (const [condition, values] of [
    ['', undefined],
    [' where $1 = 1', [1]],
  ] as const) {
    const asked = client.query(`select n from ledger${condition}`, values as unknown as unknown[]);
    const one = await made.waiting(made.held.length + 1);
    one.answer({ outcome: 'approved', by: 'bob' });
    t.equal((await asked).rows.length, 5);
    t.match(made.recorded[one.action - 1]?.result, { rows: 5, recorded: 2 });
  }
});

t.test('others go on, and idle limits do not count', async (t) => {
  const made = await rig(t, server, undefined, { limitIdleMs: 1500 });
  made.ask = ({ verb }) => (ASKS.test(String(verb)) ? 'dba' : null);
  const name = table();
  const first = await made.client();
  const dropped = first.query(`drop table ${name}`);
  const one = await made.waiting(1);
  const second = await made.client();
  for (let n = 0; n < 20; n += 1) {
    t.same((await second.query('select 1 as a')).rows, [{ a: 1 }]);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  one.answer({ outcome: 'approved', by: 'bob' });
  await dropped;
  t.equal(there(name), false);
  await until(() => made.ends.length === 2, 'idle ends');
  t.match(made.ends[0]?.reason, /^idle for/, 'afterwards they count again');
});

t.test('what a client sends behind it waits, within bounds', async (t) => {
  const made = await asking(t);
  const name = table();
  const connection = await raw(t, made);
  connection.send((out) => send.query(out, `drop table ${name}`));
  const one = await made.waiting(1);
  const text = `select length('${'x'.repeat(100_000)}')`;
  for (let n = 0; n < 300; n += 1) connection.send((out) => send.query(out, text));
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.ok(connection.socket.writableLength > 0, 'the client is not read on and on');
  one.answer({ outcome: 'approved', by: 'bob' });
  for (let n = 0; n < 301; n += 1) await connection.until('ReadyForQuery');
  t.equal(made.recorded.length, 301);
  t.equal(there(name), false);
});
