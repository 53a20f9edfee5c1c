import t from 'tap';
import { until } from '../../until.ts';
import { startServer } from './local-server.ts';
import { rig } from './rig.ts';

t.setTimeout(120_000);
const server = startServer();
t.teardown(() => server[Symbol.dispose]());
server.sql(
  'create table orders (id int primary key, customer text); insert into orders select n, n::text from generate_series(1, 1000) n',
);
server.sql('create table salaries (id int, amount int); insert into salaries values (1, 10)');

t.test('psql: statements are recorded with what became of them', async (t) => {
  const made = await rig(t, server);
  const { out, err } = await made.psql(
    'select count(*) from orders; select id from orders where id < 3; select nope from orders;',
  );
  t.equal(out, '1000\n1\n2\n');
  t.match(err, /column "nope" does not exist/);
  t.same(made.subjects(), ['select orders', 'select orders', 'select orders']);
  t.match(made.recorded[0], {
    kind: 'query',
    detail: {
      database: 'postgres',
      databaseUser: 'free',
      statement: 'select count(*) from orders',
      reads: ['orders'],
    },
    result: { tag: 'SELECT 1', rows: 1 },
  });
  t.match(made.recorded[1]?.result, { rows: 2 });
  t.match(made.recorded[2]?.result, { error: { code: '42703' } });
});

t.test('what is denied never arrives, and the session goes on', async (t) => {
  const made = await rig(t, server);
  made.deny = ({ tables }) => ((tables as string[]).includes('salaries') ? 'salaries are not yours' : null);
  const { out, err, code } = await made.psql(
    'select 1; delete from salaries; select 2',
    '-v',
    'VERBOSITY=verbose',
  );
  t.equal(code, 0);
  t.equal(out, '1\n2\n');
  t.match(err, /ERROR: {2}42501: Hopline: salaries are not yours\n[\s\S]*HINT: {2}Policy rule\./);
  t.notMatch(err, /denied by Hopline/);
  t.equal(server.sql('select count(*) from salaries'), '1\n');
  t.match(made.recorded[1], {
    subject: 'delete salaries',
    decision: { outcome: 'deny' },
    result: { error: 'denied' },
  });
});

t.test('a transaction fails as PostgreSQL would fail it', async (t) => {
  const made = await rig(t, server);
  made.deny = ({ tables }) => ((tables as string[]).includes('salaries') ? 'no' : null);
  const { out, err } = await made.psql(
    "begin; insert into orders values (2000, 'x'); select * from salaries; select 1; commit; select count(*) from orders where id = 2000",
  );
  t.match(err, /Hopline: no[\s\S]*current transaction is aborted/);
  t.equal(out, '0\n', 'rolled back');
  t.match(made.recorded.at(-2), { subject: 'commit', result: { tag: 'ROLLBACK' } });
});

t.test('several statements in one message', async (t) => {
  const made = await rig(t, server);
  made.deny = ({ verb }) => (verb === 'delete' ? 'no' : null);
  const client = await made.client();
  await t.rejects(
    client.query(
      "insert into orders values (3000, 'é'); delete from orders; insert into orders values (3001, 'y')",
    ),
    { code: '42501', message: 'Hopline: no' },
  );
  t.equal(server.sql('select count(*) from orders where id >= 3000'), '0\n', 'one implicit transaction');
  t.match(made.recorded[0], { result: { tag: 'INSERT 0 1' } }, 'what stands before it has run');
  t.same((await client.query('select 1 as a')).rows, [{ a: 1 }]);
  await t.rejects(client.query("begin; insert into orders values (3002, 'z'); commit; delete from orders"), {
    code: '42501',
  });
  t.equal(
    server.sql('select count(*) from orders where id >= 3000'),
    '1\n',
    'what was committed before stays',
  );
});

t.test('the extended protocol', async (t) => {
  const made = await rig(t, server);
  made.deny = ({ tables, unconditional }) =>
    (tables as string[]).includes('salaries') ? 'no salaries' : unconditional ? 'no condition' : null;
  const client = await made.client();
  const { rows } = await client.query('select customer from orders where id = $1', [7]);
  t.same(rows, [{ customer: '7' }]);
  t.match(made.recorded[0], { detail: { parameters: ['7'] }, result: { rows: 1, tag: 'SELECT 1' } });
  await t.rejects(client.query('select * from salaries where id = $1', [1]), {
    code: '42501',
    message: 'Hopline: no salaries',
  });
  await t.rejects(client.query({ name: 'wipe', text: 'delete from orders' }), {
    message: 'Hopline: no condition',
  });
  t.same((await client.query({ name: 'one', text: 'select 1 as a' })).rows, [{ a: 1 }]);
  t.same(
    (await client.query({ name: 'one', text: 'select 1 as a' })).rows,
    [{ a: 1 }],
    'prepared once, run twice',
  );
  t.equal(made.subjects().filter((subject) => subject === 'select').length, 2);
  await client.query('begin');
  await t.rejects(client.query('select $1::int from salaries', [1]), { message: 'Hopline: no salaries' });
  await t.rejects(client.query('select $1::int', [1]), { code: '25P02' }, 'the transaction is failed');
  await client.query('rollback');
  t.ok(
    made.recorded.every(({ result }) => result !== null),
    'each has its end',
  );
});

t.test('a policy that changes holds for what was prepared before', async (t) => {
  const made = await rig(t, server);
  const client = await made.client();
  const prepared = { name: 'later', text: 'select amount from salaries' };
  t.equal((await client.query(prepared)).rows.length, 1);
  made.deny = ({ tables }) => ((tables as string[]).includes('salaries') ? 'not any more' : null);
  await t.rejects(client.query(prepared), { code: '42501', message: 'Hopline: not any more' });
  t.same((await client.query('select 1 as a')).rows, [{ a: 1 }]);
});

t.test('names of SQL and of messages are the same names', async (t) => {
  const made = await rig(t, server);
  made.deny = ({ tables, known }) =>
    (tables as string[]).includes('salaries') ? 'no salaries' : known ? null : 'unknown';
  const { err, out } = await made.psql(
    `prepare fine as select 1; execute fine; execute nothing;
     declare c cursor with hold for select id from orders order by id; fetch 2 from c; deallocate fine; execute fine;`,
  );
  t.equal(out, '1\n1\n2\n');
  t.equal(err.match(/Hopline: unknown/g)?.length, 2, 'never prepared, and no more');
  made.deny = () => null;
  const client = await made.client();
  await client.query('prepare hidden as select amount from salaries');
  made.deny = ({ tables }) => ((tables as string[]).includes('salaries') ? 'no salaries' : null);
  await t.rejects(client.query('execute hidden'), { message: 'Hopline: no salaries' });
});

t.test('copy, notices, notifications, errors of the server and large results pass unchanged', async (t) => {
  const made = await rig(t, server);
  const { out } = await made.psql(
    `create table copied (n int, t text);
copy copied from stdin;
1\tone
2\ttwo
\\.
copy copied to stdout; do $$ begin raise notice 'hello'; end $$; listen x; notify x, 'y'; select repeat('x', 3000000);`,
  );
  t.match(out, /^1\tone\n2\ttwo\n/);
  t.equal(out.match(/x{3000000}/)?.length, 1);
  t.match(
    made.recorded.find(({ subject }) => subject.startsWith('copy')),
    { result: { tag: 'COPY 2', rows: 2 } },
  );
});

t.test('a cancel reaches the statement that it is meant for', async (t) => {
  const made = await rig(t, server);
  const client = await made.client();
  const asked = client.query('select pg_sleep(30)');
  asked.catch(() => {});
  const running =
    "select count(*) from pg_stat_activity where state = 'active' and query = 'select pg_sleep(30)'";
  await until(() => server.sql(running) === '1\n', 'the server runs it');
  const other = new (client.constructor as typeof import('pg').Client)({
    host: '127.0.0.1',
    port: made.port,
  });
  (other as unknown as { cancel(client: unknown, query: unknown): void }).cancel(
    client,
    (client as unknown as { _getActiveQuery?(): unknown; activeQuery: unknown }).activeQuery,
  );
  await t.rejects(asked, { code: '57014' });
  t.match(
    made.recorded.find(({ kind }) => kind === 'cancel'),
    { subject: /^cancel of server process \d+$/ },
  );
});

t.test('a replica is decided as a whole', async (t) => {
  const made = await rig(t, server);
  made.deny = ({ verb }) => (verb === 'replication' ? 'no copies' : null);
  const { err, code } = await made.psql('IDENTIFY_SYSTEM;', 'replication=database dbname=postgres');
  t.equal(code, 2);
  t.match(err, /FATAL: {2}Hopline: no copies/);
  t.match(made.recorded, [{ kind: 'replication', decision: { outcome: 'deny' } }]);
  made.deny = () => null;
  t.match((await made.psql('IDENTIFY_SYSTEM;', 'replication=database dbname=postgres')).out, /^\d+\|/);
  t.equal((await made.psql('select 1', 'replication=off dbname=postgres')).out, '1\n');
  t.equal(made.recorded.filter(({ kind }) => kind === 'replication').length, 2);
});

t.test('becoming another role as the session begins is decided as SET ROLE is', async (t) => {
  const made = await rig(t, server);
  made.deny = ({ role }) => (role === undefined ? null : `you are not ${role}`);
  for (const options of [
    '-c role=scram',
    '--role=scram',
    '-crole=sc\\\\ram',
    '-c ROLE=scram -c work_mem=1MB',
    '-c session-authorization=scram',
  ]) {
    const { err, code } = await made.psql('select 1', '-d', `dbname=postgres options='${options}'`);
    t.not(code, 0, options);
    t.match(err, /Hopline: you are not scram/, options);
  }
  t.match(made.recorded[0], {
    subject: 'set role',
    decision: { outcome: 'deny' },
    result: { error: 'denied' },
  });
  const { out } = await made.psql(
    'select 1',
    '-d',
    "dbname=postgres options='-c work_mem=1MB -c search_path=x'",
  );
  t.equal(out, '1\n');
  made.deny = () => null;
  const free = await made.psql('select current_user', '-d', "dbname=postgres options='-c role=scram'");
  t.equal(free.out, 'scram\n');
});
