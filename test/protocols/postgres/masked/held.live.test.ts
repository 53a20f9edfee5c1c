/** What waits for a person is masked by what is true when it goes on, not by what was true when it came. */
import t from 'tap';
import { MaskKey } from '../../../../src/masking/key.ts';
import { startServer } from '../local-server.ts';
import { type Rig, rig } from '../rig.ts';
import { leaked, maskingOf, SCHEMA } from './setting.ts';

t.setTimeout(120_000);
const server = startServer();
t.teardown(() => server[Symbol.dispose]());
server.sql(SCHEMA);
const key = new MaskKey(Buffer.from('0123456789abcdef'));

async function asking(t: Parameters<typeof rig>[0]): Promise<Rig> {
  const made = await rig(t, server);
  made.masking = maskingOf(key);
  made.ask = ({ reads }) =>
    (reads as string[]).some((name) => /^(?:customers|swapped\d)$/.test(name)) ? 'dba' : null;
  return made;
}

const yes = async (made: Rig, count: number): Promise<void> =>
  (await made.waiting(count)).answer({ outcome: 'approved', by: 'bob' });

t.test('simple, extended, by cursor and by prepared statement', async (t) => {
  const made = await asking(t);
  const client = await made.client();
  const simple = client.query('select id, card from customers order by id');
  await yes(made, 1);
  t.same((await simple).rows[0], { id: 1, card: '***1111' });
  t.match(made.recorded[0]?.result, { masked: ['public.customers.card'], rows: 2 });
  const extended = client.query('select id, card, email from customers where id = $1', [1]);
  await yes(made, 2);
  const [row] = (await extended).rows;
  t.equal(leaked(Buffer.from(JSON.stringify(row))), null);
  t.equal(row.id, 1);
  const several = client.query(
    'begin; declare c cursor for select card from customers order by id; fetch 1 from c; commit',
  );
  await yes(made, 3);
  await yes(made, 4);
  const results = (await several) as unknown as { rows: unknown[] }[];
  t.equal(leaked(Buffer.from(JSON.stringify(results))), null);
  t.same(results[2]?.rows, [{ card: '***1111' }]);
  const named = { name: 'p', text: 'select card from customers where id = $1' };
  for (const count of [5, 6]) {
    const prepared = client.query({ ...named, values: [2] });
    await yes(made, count);
    t.same((await prepared).rows, [{ card: '***5559' }]);
  }
  t.ok(
    made.recorded.every(({ result }) => result !== null),
    'each has its end',
  );
});

t.test('another table comes to the name while it waits', async (t) => {
  const made = await asking(t);
  const client = await made.client();
  for (const [name, condition, values] of [
    ['swapped1', '', undefined],
    ['swapped2', ' where $1 = 1', [1]],
  ] as const) {
    server.sql(`create table ${name} (id int, card text); insert into ${name} values (1, 'nothing')`);
    await client.query('select 1');
    const count = made.held.length + 1;
    const asked = client.query(`select card from ${name}${condition}`, values as unknown as unknown[]);
    await made.waiting(count);
    server.sql(
      `alter table ${name} rename to ${name}_; create view ${name} as select id, card from customers`,
    );
    // Longer than what is known of a database holds.
    await new Promise((resolve) => setTimeout(resolve, 10_500));
    await yes(made, count);
    const said = await asked.then(
      ({ rows }) => JSON.stringify(rows),
      (error: Error) => error.message,
    );
    t.equal(leaked(Buffer.from(said)), null, said);
  }
});
