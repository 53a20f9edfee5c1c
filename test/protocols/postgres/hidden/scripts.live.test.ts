/** Through the room, statement by statement and all in one message: it has not happened, and the client was told. */
import t from 'tap';
import { startServer } from '../local-server.ts';
import { rig } from '../rig.ts';
import { SCRIPTS } from './scripts.ts';
import { forbids, restore, SCHEMA, stateOf } from './setting.ts';

t.setTimeout(600_000);
const server = startServer();
t.teardown(() => server[Symbol.dispose]());
server.sql(SCHEMA);

/**
 * Data of a copy can't be in the message itself, psql's own argument can't be that long, and a setting that decides how
 * strings are read does so from the next message on.
 */
const fits = (script: string): boolean =>
  script.length < 100_000 && !script.includes('stdin') && !script.includes('standard_conforming_strings');

for (const way of ['statement by statement', 'in one message']) {
  t.test(way, async (t) => {
    const made = await rig(t, server);
    made.deny = forbids;
    // What harmless statements of the scripts have made is there twice otherwise.
    restore(server);
    const before = stateOf(server);
    for (const [name, script] of Object.entries(SCRIPTS)) {
      const single = way === 'in one message';
      if (single && !fits(script)) continue;
      const { out, err } = await (single
        ? made.psql('', '-c', script)
        : made.psql(`${script};\n`, '-v', 'VERBOSITY=terse'));
      const after = stateOf(server);
      t.equal(after, before, `${name}: nothing has happened`);
      t.match(err, /Hopline: /, `${name}: the client is told`);
      t.notMatch(out, /^boss$/m, name);
      if (after !== before) restore(server);
    }
    t.ok(Object.keys(SCRIPTS).length >= 60, `${Object.keys(SCRIPTS).length} ways`);
  });
}

/** What is there before anybody comes: a statement tells only the name that it goes by. */
const BENEATH = `
  create view door as select * from precious;
  create view instead as select 1 as n;
  create function wipe() returns int language sql as 'delete from precious returning 1';
  create function wiping() returns trigger language plpgsql as 'begin delete from precious; return new; end';
  create trigger wipes instead of insert on instead for each row execute function wiping();
  create table bell (n int);
  create trigger rings after insert on bell for each row execute function wiping();
  create table ruled (n int);
  create rule wipes as on insert to ruled do also delete from precious;
  insert into parent values (1), (2);`;

t.test('what is beneath a name is reached by that name', async (t) => {
  const made = await rig(t, server);
  server.sql(BENEATH);
  const named = new Set<unknown>(['door', 'instead', 'wipe', 'bell', 'ruled', 'parent']);
  made.deny = ({ tables, functions }) =>
    [...(tables as string[]), ...(functions as string[])].some((name) => named.has(name.split('.').at(-1)))
      ? 'named'
      : null;
  const before = stateOf(server);
  for (const script of [
    'delete from door',
    'update public.door set v = null',
    'insert into instead values (1)',
    'select wipe()',
    'select 1 where public."wipe"() = 1',
    'insert into bell values (1)',
    'copy ruled from stdin;\n1\n\\.\n',
    'insert into ruled select 1',
    'delete from parent where id = 1',
    'create index on safe ((wipe()))',
    "create function other() returns int language sql as 'select wipe()'",
  ]) {
    const { err } = await made.psql(`${script};\n`);
    t.match(err, /Hopline: named/, script);
  }
  t.equal(stateOf(server), before, 'nothing has happened');
});
