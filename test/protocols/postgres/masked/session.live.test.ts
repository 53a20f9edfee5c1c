/** What masking does in a session beside the ways: what is observed, found by content, unreadable, too long, changed by others. */
import t from 'tap';
import { MaskKey } from '../../../../src/masking/key.ts';
import { startServer } from '../local-server.ts';
import { rig } from '../rig.ts';
import { leaked, MASKED, maskingOf, SCHEMA } from './setting.ts';

t.setTimeout(120_000);
const server = startServer();
t.teardown(() => server[Symbol.dispose]());
server.sql(SCHEMA);
const key = new MaskKey(Buffer.from('0123456789abcdef'));

t.test('observed: shown, and told', async (t) => {
  const made = await rig(t, server);
  made.masking = maskingOf(key, MASKED, { observed: true });
  const { out } = await made.psql(
    'select card from customers order by id; create temp table t as select card from customers;',
  );
  t.equal(out, '4111111111111111\n5500005555555559\n');
  t.match(made.recorded[0]?.detail, { wouldMask: ['public.customers.card'] });
  t.equal(made.recorded[1]?.decision.outcome, 'allow');
});

t.test('where values are looked at and none is masked, errors of COPY are the server’s', async (t) => {
  const made = await rig(t, server);
  made.masking = maskingOf(key, MASKED, { detectors: ['iban'] });
  const { err } = await made.psql('create temp table t (n int);\ncopy t from stdin;\nx\n\\.\n');
  t.match(err, /invalid input syntax for type integer: "x"\nCONTEXT: {2}COPY t, line 1, column n: "x"/);
  const masked = await made.psql('copy customers (id) from stdin;\nx\n\\.\n');
  t.match(masked.err, /a value is no valid input of the type/);
});

t.test('the record tells what was masked', async (t) => {
  const made = await rig(t, server);
  made.masking = maskingOf(key);
  await made.psql('select card, name from customers; select name from customers;');
  t.match(made.recorded[0]?.detail, { masked: ['public.customers.card'] });
  t.notOk(made.recorded[1]?.detail.masked);
});

t.test('forms', async (t) => {
  const made = await rig(t, server);
  made.masking = maskingOf(key, {
    'public.customers.card': 'hash',
    'public.customers.email': 'email',
    'public.customers.name': 'first1',
    'public.customers.born': 'null',
  });
  const { out } = await made.psql('select card, email, name, born, ssn from customers where id = 1');
  t.match(out, /^[0-9a-f]{16}\|a\*\*\*@example\.org\|A\*\*\*\|\|987654321012\n$/);
  t.equal((await made.psql('select card, email, name, born, ssn from customers where id = 1')).out, out);
});

t.test('what is found by content', async (t) => {
  server.sql(
    "create table notes (id int, note text); insert into notes values (1, 'card 4111 1111 1111 1111 of Anna'), (2, 'B-123456')",
  );
  const made = await rig(t, server);
  made.masking = maskingOf(
    key,
    {},
    {
      detectors: ['card'],
      patterns: [{ name: 'badge', pattern: 'B-[0-9]{6}' }],
      reveal: ({ tags }) => ({
        mask: (tags as string[]).some((tag) => /card|badge/.test(tag)) ? 'full' : null,
      }),
    },
  );
  const { out } = await made.psql('select * from notes order by id');
  t.equal(out, '1|card *** of Anna\n2|***\n');
  const copied = await made.psql(
    'copy notes to stdout; copy (select note, id from notes order by id) to stdout csv',
  );
  t.equal(copied.out, '1\tcard *** of Anna\n2\t***\ncard *** of Anna,1\n***,2\n', copied.err);
});

t.test('a catalogue that cannot be read: nothing is shown, and said why', async (t) => {
  const made = await rig(t, server);
  made.masking = maskingOf(key);
  const { out, err } = await made.psql(
    'set statement_timeout = 1; select pg_sleep(0); select card from customers; select name from customers; set statement_timeout = 0; select card from customers where id = 1',
  );
  t.equal(leaked(Buffer.from(out)), null);
  if (err !== '')
    t.match(err, /cannot be told from masked values: the catalogue of the database cannot be read/);
  t.match(out, /\*\*\*1111\n$/, 'and again when it can');
});

t.test('another session changes the database', async (t) => {
  const made = await rig(t, server);
  made.masking = maskingOf(key);
  const client = await made.client();
  await client.query('select card from customers');
  server.sql('create view late as select card as c, id from customers');
  const late = await client.query('select c, id from late where id = 2');
  t.match(JSON.stringify(late.rows), /^\[\{"c":"\*\*\*(?:5559)?","id":(?:2|null)\}\]$/);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const again = await client.query('select c, id from late where id = 2');
  t.same(again.rows, [{ c: '***5559', id: 2 }], 'what is not known is looked for');
  server.sql("alter table customers add column more text default '4111111111111111'");
  await t.rejects(client.query('select * from customers'), /the server gives 9 columns where 8 were traced/);
  server.sql('alter table customers drop column more; drop view late');
});

t.test('many sessions share what is known', async (t) => {
  const made = await rig(t, server);
  made.masking = maskingOf(key);
  const outs = await Promise.all(
    Array.from({ length: 8 }, () => made.psql('select card from customers where id = 2')),
  );
  for (const { out } of outs) t.equal(out, '***5559\n');
});

t.test('a row that is too long to be masked ends the connection, not the worker', async (t) => {
  server.sql("insert into parts values (50, repeat('9', 3000000))");
  const made = await rig(t, server);
  made.masking = maskingOf(key);
  const { out, err } = await made.psql(
    'select id from parts where id = 50; select secret from parts where id = 50; select 1',
  );
  t.equal(out, '50\n');
  t.match(err, /Hopline: a row of \d+ bytes, where \d+ can be masked, cannot be shown/);
  t.match(made.ends[0]?.reason, /a row of/);
  server.sql('delete from parts where id = 50');
});

t.test('a constraint that is checked at the end', async (t) => {
  server.sql(
    "create table late_keys (card text unique deferrable initially deferred); insert into late_keys values ('4111111111111111')",
  );
  const made = await rig(t, server);
  made.masking = maskingOf(key, { ...MASKED, 'public.late_keys.card': 'full' });
  const { err } = await made.psql(
    "begin; insert into late_keys values ('4111' || '111111111111'); commit;",
    '-v',
    'VERBOSITY=verbose',
  );
  t.match(err, /23505/);
  t.notMatch(err, /411111111111/);
});

t.test('an error too long to be kept is not passed on', async (t) => {
  server.sql("update customers set notes = to_jsonb(repeat('73517351', 200000)) where id = 1");
  const made = await rig(t, server);
  made.masking = maskingOf(key);
  const { out, err } = await made.psql("select (notes #>> '{}')::int from customers where id = 1; select 7");
  t.equal(out, '7\n');
  t.match(err, /ERROR: {2}the server reported an error/);
  t.ok(err.length < 1000, `${err.length} characters`);
  server.sql("update customers set notes = '{}' where id = 1");
});

t.test('a replica sees everything, so nobody is one for whom something is masked', async (t) => {
  const made = await rig(t, server);
  made.masking = maskingOf(key);
  const { err, code } = await made.psql('IDENTIFY_SYSTEM', '-d', 'dbname=postgres replication=database');
  t.not(code, 0);
  t.match(err, /some are masked for you/);
});

t.test('what is read in the midst of a transaction is not what is there at its end', async (t) => {
  const other = await rig(t, server);
  other.masking = maskingOf(key, { 'public.customers.email': 'full' });
  const client = await other.client();
  await client.query('begin');
  await client.query('create view changing as select name as c from customers');
  await client.query('select c from changing');
  await client.query('create or replace view changing as select card as c from customers');
  await client.query('commit');
  const made = await rig(t, server);
  made.masking = maskingOf(key);
  const { out } = await made.psql('select c from changing');
  t.equal(leaked(Buffer.from(out)), null);
  server.sql('drop view changing');
});

t.test('another server behind the same address, made in the same steps', async (t) => {
  const [first, second] = ['name', 'card'].map((column) => {
    const one = startServer();
    t.teardown(() => one[Symbol.dispose]());
    one.sql(SCHEMA.replace('card as number from', `${column} as number from`));
    return one;
  }) as [typeof server, typeof server];
  for (const one of [first, second]) {
    const made = await rig(t, one);
    made.masking = maskingOf(key);
    const { out } = await made.psql('select number from cards order by cid');
    t.match(out, one === first ? /^Anna\nBert\n$/ : /^\*\*\*1111\n\*\*\*5559\n$/);
  }
});

t.test('a client that wants the bytes of another encoding as they are', async (t) => {
  server.sql("create database latin encoding 'LATIN1' template template0 locale 'C'");
  const made = await rig(t, server);
  made.masking = maskingOf(key, { 'public.Ã©.card': 'full' });
  const ask = async (encoding: string, sql: string): Promise<string> => {
    const { out } = await made.psql(`set client_encoding = '${encoding}'; ${sql}`, '-d', 'latin');
    return out;
  };
  await ask('UTF8', 'create table "Ã©" (card text); insert into "Ã©" values (\'4111111111111111\')');
  t.equal(await ask('UTF8', 'select card from "Ã©"'), '***\n');
  // The same bytes, which the server does not convert; the catalogue is read anew, for others too.
  t.equal(await ask('SQL_ASCII', 'create table z (); select card from "é"'), '***\n');
  t.equal(await ask('UTF8', 'select card from "Ã©"'), '***\n');
});

t.test('a value has one hash, in rows and copies, whatever the encoding is', async (t) => {
  const made = await rig(t, server);
  made.masking = maskingOf(key, { 'public.orders.item': 'hash' });
  server.sql("insert into orders values (12, 1, 'Müller', 1)");
  const item = 'select item from orders where id = 12';
  const { out } = await made.psql(
    ['UTF8', 'LATIN1', 'WIN1252', 'EUC_JIS_2004']
      .map((encoding) => `set client_encoding = '${encoding}'; ${item}; copy (${item}) to stdout;`)
      .join('\n'),
  );
  const shown = out.trim().split('\n');
  t.equal(shown.length, 8);
  t.match(shown[0], /^[0-9a-f]{16}$/);
  // Of the last one nobody here knows which characters its bytes are.
  t.same(new Set(shown.slice(0, 6)), new Set([shown[0]]), out);
  t.same(new Set(shown.slice(6)), new Set(['***']), out);
  server.sql('delete from orders where id = 12');
});

t.test('a write that runs functions may change the path for what comes behind it', async (t) => {
  const made = await rig(t, server);
  made.masking = maskingOf(key);
  server.sql(`
    create function turn(text, text default '') returns boolean language plpgsql immutable as
      'begin perform set_config(''search_path'', ''public'', false); return true; end';
    create function turned(text) returns text language plpgsql immutable as
      'begin perform set_config(''search_path'', ''public'', false); return $1; end';
    create operator ~~~~ (leftarg = text, rightarg = text, function = turn);
    create domain turning as text check (turn(value));
    create table acts_domain (v turning);
    create domain turning_too as turning;
    create type with_turning as (v turning_too);
    create table acts_nested (v with_turning[]);
    create table acts_check (v text check (turn(v)));
    create table acts_operator (v text check (v operator(public.~~~~) ''));
    create table acts_default (v text, w text default turned(''));
    create table acts_index (v text);
    create index on acts_index (turned(v));
    create table acts_parted (v text) partition by list (turned(v));
    create table acts_part partition of acts_parted for values in ('x');
  `);
  for (const table of ['domain', 'nested', 'check', 'operator', 'default', 'index', 'parted', 'part']) {
    const { out } = await made.psql(
      `set search_path = other; insert into public.acts_${table} (v) values (${table === 'nested' ? 'array[row($$x$$)::public.with_turning]' : '$$x$$'})\\; select '>' || card from customers;`,
    );
    t.equal(leaked(Buffer.from(out)), null, `${table}: ${out}`);
  }
  server.sql(
    'drop table acts_nested, acts_domain, acts_check, acts_operator, acts_default, acts_index, acts_parted; drop type with_turning; drop domain turning_too; drop domain turning; drop operator ~~~~ (text, text); drop function turn; drop function turned',
  );
});

t.test('a second session cannot make of what the first one knows something else', async (t) => {
  const made = await rig(t, server);
  made.masking = maskingOf(key);
  const [first, second] = [await made.client(), await made.client()];
  server.sql('create table known (id int, secret text)');
  for (const steps of [
    ['alter table known inherit people', 'insert into known select id, secret from people'],
    [
      'drop table known',
      'create table known () inherits (people)',
      'insert into known select id, secret from people',
    ],
    [
      'alter table parts attach partition known for values from (500) to (600)',
      'update parts set id = 500 where id = 1',
    ],
    [
      'drop table known',
      'create table known partition of parts for values from (500) to (600)',
      'update parts set id = 500 where id = 1',
    ],
  ]) {
    await first.query('select secret from known');
    for (const step of steps) await second.query(step).catch(() => null);
    const { rows } = await first
      .query("select secret || '' as secret from known")
      .catch(() => ({ rows: [] }));
    t.equal(leaked(Buffer.from(JSON.stringify(rows))), null, steps.join('; '));
    server.sql(
      'update parts set id = 1 where id = 500; drop table if exists known; create table known (id int, secret text)',
    );
  }
  server.sql('drop table known');
});

t.test('nor what a statement calls otherwise than by name', async (t) => {
  const made = await rig(t, server);
  made.masking = maskingOf(key);
  server.sql(`
    create function turn(text, text default '') returns boolean language plpgsql as
      'begin perform set_config(''search_path'', ''public'', false); return true; end';
    create operator ~~~~ (leftarg = text, rightarg = text, function = turn);
    create domain turning as text check (turn(value));
  `);
  const where = "where card like '4%' and 'a' operator(public.~~~~) ''";
  for (const first of [
    `select id from public.customers ${where}`,
    `update public.customers set name = name ${where}`,
    `copy (select id from public.customers ${where}) to stdout`,
    "select id, 'x'::public.turning from public.customers where card like '4%'",
    "select 'x'::public.turning",
  ]) {
    const { out } = await made.psql(
      `set search_path = other; ${first}\\; select '>' || card from customers;`,
    );
    t.equal(leaked(Buffer.from(out)), null, `${first}: ${out}`);
  }
  server.sql('drop domain turning; drop operator ~~~~ (text, text); drop function turn');
});
