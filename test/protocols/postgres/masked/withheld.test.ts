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
  const shown = withheld(
    error('42703', 'column "nope" does not exist', {
      hint: 'Perhaps you meant to reference the column "customers.note".',
    }),
    SQL,
  );
  t.equal(shown.hint, undefined);
});
