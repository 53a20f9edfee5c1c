/** What is left of the server's words where they may quote masked values. */
import t from 'tap';
import { withheld } from '../../../../src/protocols/postgres/masked/withheld.ts';

const error = (code: string, message: string, more: object = {}) => ({
  severity: 'ERROR',
  code,
  message,
  ...more,
});
const SQL = 'select card::int, nope from public.customers';

t.test('kept: what the statement says itself', async (t) => {
  for (const [code, message] of [
    ['42703', 'column "nope" does not exist'],
    ['42P01', 'relation "public.customers" does not exist'],
    ['42601', 'syntax error at or near "from"'],
    ['57014', 'canceling statement due to user request'],
    ['25P02', 'current transaction is aborted, commands ignored until end of transaction block'],
  ] as const)
    t.match(withheld(error(code, message, { position: '8' }), SQL), { message, position: '8' });
});

t.test('withheld: what may be a value', async (t) => {
  for (const [code, message] of [
    ['22P02', 'invalid input syntax for type integer: "4111111111111111"'],
    ['22003', 'value "4111111111111111" is out of range for type integer'],
    ['42P01', 'relation "4111111111111111" does not exist'],
    ['42P01', 'Relation 4111111111111111 existiert nicht'],
    ['42704', 'Typ »4111111111111111« existiert nicht'],
    ['P0001', '4111111111111111'],
    ['XX000', '4111111111111111'],
  ] as const) {
    const shown = withheld(
      error(code, message, { detail: 'Key (card)=(4111111111111111)', where: '4111111111111111' }),
      SQL,
    );
    t.notMatch(JSON.stringify(shown), /4111/, message);
    t.match(shown, { code, hint: /withheld/ });
  }
});

t.test('names stay, values go', async (t) => {
  const shown = withheld(
    error('23505', 'duplicate key value violates unique constraint "customers_card_key"', {
      detail: 'Key (card)=(4111111111111111) already exists.',
      schema: 'public',
      table: 'customers',
      constraint: 'customers_card_key',
    }),
    null,
  );
  t.match(shown, {
    message:
      'duplicate key value violates a unique constraint (constraint "customers_card_key" of "customers")',
    constraint: 'customers_card_key',
  });
  t.notOk(shown.detail);
});

t.test('hints that name what the statement does not', async (t) => {
  const hint = 'Perhaps you meant to reference the column "customers.note".';
  const said = error('42703', 'column "nope" does not exist', { hint, position: '20' });
  t.equal(withheld(said, SQL).hint, hint, 'said while the statement was read');
  const ran = error('42P01', 'table "nope" does not exist', { hint });
  t.equal(withheld(ran, 'drop table nope').hint, undefined);
});

t.test('what a function was given is no name of the statement, though it stands there', async (t) => {
  const guess =
    "select ('rel_' || card)::regclass, 1 as rel_4, 2 as rel_5 /* rel_4 rel_5 */ from public.customers";
  for (const [code, message] of [
    ['42P01', 'relation "rel_4" does not exist'],
    ['3F000', 'schema "rel_4" does not exist'],
    ['42601', 'syntax error at or near "4"'],
    ['42703', 'column "rel_4" of relation "customers" does not exist'],
    ['3F000', 'schemat ”rel_4” existerar inte'],
  ] as const)
    t.notMatch(withheld(error(code, message), guess).message, /rel_4|"4/, message);
  const many =
    'alter table customers add constraint rel_4rel_5 check ((card)::regclass is not null), drop rel_4';
  t.notMatch(withheld(error('42P01', 'relation "rel_4" does not exist'), many).message, /rel_4/);
});

t.test('typos of statements that name things stay', async (t) => {
  for (const [statement, code, message] of [
    ['drop table nope, customers', '42P01', 'table "nope" does not exist'],
    ['alter table public.nope add column x int', '42P01', 'relation "public.nope" does not exist'],
    ['create index on nope (x)', '42P01', 'relation "nope" does not exist'],
    [
      'alter table customers drop column nope',
      '42703',
      'column "nope" of relation "customers" does not exist',
    ],
    ['create table "customers" (id int)', '42P07', 'relation "customers" already exists'],
    [
      'select * from customers for update nowait',
      '55P03',
      'could not obtain lock on row in relation "customers"',
    ],
    ['select * from customers', '42501', 'permission denied for table customers'],
  ] as const)
    t.equal(withheld(error(code, message), statement).message, message);
});
