// Statements to a PostgreSQL: under the login and chain that sent them, decided before the server sees them.
import t, { type Test } from 'tap';
import type { ActionJson } from '../../src/api/json.ts';
import { isHop, isLoginOf } from './assertions.ts';
import { FAMILIES, type Family, hopline, IPV4, labUp, mark, ssh, until, waitForHop } from './support.ts';

t.before(labUp);
t.jobs = 4;

const CA = '/run/hopline/ca.crt';

async function actionsOf(hop: string, count: number): Promise<ActionJson[]> {
  return until(async () => {
    const { out } = await hopline('bastion1', ['actions', '--hop', hop, '--json']);
    const found = (JSON.parse(out) as ActionJson[]).reverse();
    return found.length >= count && found.every(({ ended }) => ended !== null) ? found : null;
  }, `${count} actions of ${hop}`);
}

const psql = (family: Family, word: string, settings: string, ...commands: readonly string[]) =>
  ssh(
    'alice',
    'bastion1',
    `psql -XAtq 'host=${family.address('db1')} user=alice dbname=orders application_name=${word} ${settings}' ` +
      commands.map((sql) => `-c "${sql}"`).join(' '),
    { family },
  );

async function found(t: Test, family: Family, word: string) {
  const one = await waitForHop('bastion1', word, ({ ended }) => ended !== null);
  isLoginOf(t, one.login, { user: 'alice', client: family.address('laptop') });
  isHop(t, one, {
    chain: ['bash', 'perl psql', 'psql'],
    address: family.address('db1'),
    port: 5432,
    target: 'orders-db',
    protocol: 'postgres',
  });
  return one;
}

for (const family of FAMILIES) {
  t.test(`statements are actions of the hop, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    const said = await psql(
      family,
      word,
      '',
      'select count(*) from orders',
      'select nope',
      'drop table orders',
      'select 7',
    );
    t.equal(said.out, '1000\n7\n');
    t.match(said.err, /column "nope" does not exist/, 'the server’s own words');
    t.match(
      said.err,
      /ERROR: {2}Hopline: no-drops forbids drop on orders-db for alice: Tables are dropped by migrations\./,
    );
    t.match(said.err, /HINT: {2}Policy no-drops\./);
    const { hop, login } = await found(t, family, word);
    const actions = await actionsOf(hop.id, 4);
    t.same(
      actions.map(({ subject, decision, login: of }) => [subject, decision.outcome, of === login.id]),
      [
        ['select orders', 'allow', true],
        ['select', 'allow', true],
        ['drop orders', 'deny', true],
        ['select', 'allow', true],
      ],
    );
    t.match(actions[0], {
      kind: 'query',
      detail: { database: 'orders', statement: 'select count(*) from orders' },
      result: { rows: 1 },
    });
    t.match(actions[1]?.result, { error: { code: '42703' } });
    t.same(actions[2]?.decision.policies, ['no-drops']);
    const later = await waitForHop('bastion1', word, ({ actions: count }) => count === 4);
    t.equal(later.hop.actions, 4, 'the tree has their number');
  });

  t.test(`TLS as the client wants it, ${family.name}`, { buffered: true }, async (t) => {
    for (const settings of ['sslmode=disable', 'sslmode=require', `sslmode=verify-ca sslrootcert=${CA}`]) {
      const word = mark();
      const { out, err } = await psql(
        family,
        word,
        settings,
        'select ssl from pg_stat_ssl where pid = pg_backend_pid()',
      );
      t.equal(out, 't\n', `${settings}: the way to the server is encrypted ${err}`);
      await found(t, family, word);
    }
  });
}

t.test('a name in the certificate', { buffered: true }, async (t) => {
  const word = mark();
  const settings = `host=db1 user=alice dbname=orders sslmode=verify-full sslrootcert=${CA}`;
  const { out, err } = await ssh('alice', 'bastion1', `: ${word}; psql -XAtq '${settings}' -c 'select 5'`);
  t.equal(out, '5\n', err);
});

t.test('a dump, and copying in and out', { buffered: true }, async (t) => {
  const word = mark();
  const { out, code } = await ssh(
    'alice',
    'bastion1',
    `: ${word}; pg_dump -h db1 -U alice -t orders orders | grep -c '^[0-9]'; psql -XAtq -h db1 -U alice orders -c 'copy orders to stdout' | wc -l`,
  );
  t.equal(code, 0);
  t.match(out, /^\d{3,}\n1000\n$/);
});

t.test('masked columns never reach the bastion', { buffered: true }, async (t) => {
  const word = mark();
  const { out, err } = await psql(
    IPV4,
    word,
    '',
    'select * from customers order by id',
    'select upper(email) from customers where id = 1',
    'create temp table mine as select card from customers',
    'select card::int from customers',
    'select id, name from customers order by id',
  );
  t.match(
    out,
    /^1\|Anna\|\*\*\*1111\|\*\*\*\|pays by .*\n2\|Bert\|\*\*\*5559\|\*\*\*\|pays by card\n\*\*\*\n1\|Anna\n2\|Bert\n$/,
  );
  t.match(
    err,
    /create is refused: it could show masked values: public\.customers\.card would be stored in mine/,
  );
  t.match(err, /a value is (?:out of the range|no valid input) of the type/);
  t.notMatch(out + err, /4111111|anna@/i);
  const { hop } = await found(t, IPV4, word);
  const actions = await actionsOf(hop.id, 5);
  t.match(actions[0]?.detail, { masked: ['public.customers.card', 'public.customers.email'] });
  t.match(actions[2], { decision: { outcome: 'deny' } });
  t.notMatch(JSON.stringify(actions), /4111111|anna@/i, 'nor the record');
});
