// What people have for PostgreSQL, unchanged, from the bastion: with SCRAM and TLS that is verified on both ways, each prints
// through the proxy what it prints on a host without one, and the record has every statement that the server had.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { ActionJson } from '../../src/api/json.ts';
import {
  hopline,
  lab,
  labName,
  labUp,
  mark,
  PYTHON,
  programs,
  type Said,
  service,
  ssh,
  until,
  waitForLogin,
} from './support.ts';

t.setTimeout(1_200_000);
t.jobs = 2;

interface Client {
  readonly name: string;
  readonly command: string;
  /** Programs in the chains of its connections. */
  readonly programs: readonly string[];
  /** Databases that it wants beside its own, empty. */
  readonly empty?: number;
  /** Enough of what it prints to know that it went to its end. */
  readonly says: RegExp;
  /** Statements at least. */
  readonly statements: number;
  /** Those of WAYS that let it; else all. */
  readonly ways?: readonly (keyof typeof WAYS)[];
}

const node = `${process.execPath} --disable-warning=ExperimentalWarning --no-deprecation`;
const python = (name: string, says: RegExp, statements: number): Client => ({
  ...{ name, says, statements, programs: [`${PYTHON} ${name}.py`] },
  command: `python3 ${name}.py`,
});
const CLIENTS: readonly Client[] = [
  {
    ...{ name: 'psql', command: './psql.sh', programs: ['psql'], statements: 250 },
    says: /== a cancelled statement\n[\s\S]*57014|canceling statement[\s\S]*password authentication failed/,
  },
  {
    // Detectors look at rows of 1 MiB at most.
    ...{ name: 'a row of 20 MB', programs: ['psql'], statements: 1, ways: ['reports'] },
    command: `psql -XAtc "select repeat('0123456789', 2000000)" | sha256sum`,
    says: /^4c550a10397d9dcfe320a47fd0c892cef2c8af4e6ab4df691955e99286a2ac81 /,
  },
  {
    ...{
      name: 'dump',
      command: './dump.sh',
      programs: ['pg_dump', 'pg_restore', 'psql'],
      empty: 4,
      statements: 400,
    },
    says: /(?:== restored from \w+ into another database\nstatus 0\nits dump is the same\n){4}1\n$/,
  },
  {
    ...{ name: 'pgbench', command: './pgbench.sh', programs: ['pgbench', 'psql'], statements: 6000 },
    says: /(?:[\s\S]*actually processed: 1000\/1000){3}[\s\S]*pipeline\.sql\n.*\nquery mode: prepared\n[\s\S]*100\/100\n/,
  },
  {
    ...{ name: 'node-postgres', command: `${node} node-postgres.ts`, programs: ['node node-postgres.ts'] },
    ...{ says: /\npool \[0,2,4,.*\ncopy is not/, statements: 240 },
  },
  {
    ...{ name: 'postgres.js', command: `${node} postgres-js.ts`, programs: ['node postgres-js.ts'] },
    ...{ says: /\npool \[0,1,.*\nnever prepared \[1,2,.*\n$/, statements: 480 },
  },
  python('psycopg_sync', /\n-- cancel\n.*57014.*\na "name"\n.*\n$/, 190),
  python('psycopg_async', /things heard\n.*57014.*\n\(2,\)\n$/, 120),
  python('psycopg_2', /\['QueryCanceled'[\s\S]*RealDictRow/, 60),
  python('asyncpg_', /cancelled TimeoutError\n1\n\[0, 2, 4,/, 100),
];

/** Through the proxy: a target of which nothing is masked, and one whose columns have tags and whose values are looked at. */
const WAYS = { reports: 'reports-db', db1: 'orders-db' } as const;
type Way = keyof typeof WAYS | 'direct';

const PASSWORD = `Pw-${randomBytes(9).toString('hex')}`;
const PLACE = `${programs}/clients`;

async function sql(database: string, statements: string): Promise<string> {
  const superuser = ['exec', 'db1', '--', 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-h', '/run/postgresql'];
  const { out, err, code } = await lab([...superuser, '-U', 'postgres', '-d', database], {
    input: statements,
  });
  if (code !== 0) throw new Error(err);
  return out;
}

t.before(async () => {
  await labUp();
  await sql(
    'postgres',
    `drop database if exists clients_seed;
    do $$ begin if not exists (select from pg_roles where rolname = 'clients') then create role clients login; end if; end $$;
    alter role clients password '${PASSWORD}';
    create database clients_seed owner clients;`,
  );
  await sql('clients_seed', `set role clients;\n${readFileSync(`${PLACE}/seed.sql`, 'utf8')}`);
});

/** Its own databases for each run, of which the server logs every statement; they are named for the run. */
async function databases(t: Test, client: Client, word: string): Promise<string[]> {
  const own = `clients_${word}`;
  const all = [own, ...Array.from({ length: client.empty ?? 0 }, (_, n) => `${own}_${n}`)];
  for (const name of all) {
    await sql(
      'postgres',
      `create database ${name} owner clients template ${name === own ? 'clients_seed' : 'template0'}`,
    );
    await sql('postgres', `alter database ${name} set log_statement = 'all'`);
    t.teardown(() => sql('postgres', `drop database ${name} with (force)`));
  }
  return all;
}

async function runs(
  t: Test,
  client: Client,
  way: Way,
  word: string,
): Promise<{ said: Said; databases: readonly string[] }> {
  const [own = '', ...empty] = await databases(t, client, word);
  const authority = way === 'direct' ? '/etc/ssl/certs/ca-certificates.crt' : '/run/hopline/ca.crt';
  const settings = {
    ...{
      PGHOST: way === 'direct' ? 'reports' : way,
      PGUSER: 'clients',
      PGPASSWORD: PASSWORD,
      PGDATABASE: own,
    },
    ...{ PGSSLMODE: 'verify-full', PGSSLROOTCERT: authority, NODE_EXTRA_CA_CERTS: authority },
    ...{ LC_ALL: 'C.UTF-8', TZ: 'Etc/UTC' },
  };
  const set = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  const command = `: ${word}; cd ${PLACE} && ${[...set, client.command, ...empty].join(' ')}`;
  const options = { timeoutMs: 240_000 };
  const said =
    way === 'direct'
      ? service('laptop', command, 'alice', options)
      : ssh('alice', 'bastion1', command, options);
  return { said: await said, databases: [own, ...empty] };
}

/**
 * Without what differs from one database to another, and without what stands between statements. Where values are looked at,
 * COPY is told the encoding that it has anyway, and the record has it as the server did.
 */
const plain = (statement: string) =>
  statement
    .replace(/^(?:\s*--.*(?:\n|$))+/, '')
    .replace(/clients_m[0-9a-f]{12}/g, 'DATABASE')
    .replace(/\b[0-9A-F]{8}-[0-9A-F]{8}-\d+\b/g, 'SNAPSHOT')
    .replace(/'\d_[\w+/=]+_[\w+/=]+'/, 'XID')
    .replace(/\b\d{4,}\b/g, 'N')
    .replace(/,?\s+ENCODING 'UTF8'(?=\)?\s*;?\s*$)/, '')
    .replace(/[\s;]+/g, '');

/** The messages that a server's log has of databases: what was run, and what failed before it was. */
function logged(names: readonly string[]): string[] {
  const log = readFileSync(`/run/hopline-${labName}/db1/log`, 'utf8');
  const found: string[] = [];
  const last = new Map<string, string>();
  for (const [entry] of log.matchAll(/^\d{4}-.*(?:\n\t.*)*/gm)) {
    const [, pid = '', database = '', kind = '', rest = ''] =
      /^\S+ \S+ \S+ \[(\d+)\] (\S+) (\w+): {2}([\s\S]*)$/.exec(entry.replaceAll('\n\t', '\n')) ?? [];
    if (!names.includes(database)) continue;
    const ran = /^(?:statement|execute (?!fetch from)[^:]*): ([\s\S]*)$/.exec(
      kind === 'LOG' ? rest : '',
    )?.[1];
    const called = /^fastpath function call: .* \(OID (\d+)\)$/.exec(rest)?.[1];
    const text =
      ran ??
      (called === undefined ? null : `function ${called}`) ??
      (kind === 'STATEMENT' && last.get(pid) !== rest ? rest : null);
    if (text === null) continue;
    found.push(text);
    last.set(pid, text);
  }
  return found;
}

async function actionsOf(
  t: Test,
  client: Client,
  word: string,
  way: keyof typeof WAYS,
): Promise<ActionJson[]> {
  const login = await waitForLogin(
    'bastion1',
    word,
    ({ hops }) => hops.length > 0 && hops.every(({ ended }) => ended !== null),
  );
  const chains = new Set(login.hops.map(({ chain }) => chain.at(-1) ?? ''));
  t.same([...chains].sort(), [...client.programs].sort(), 'programs in the chains');
  for (const { target, decision, protocol } of login.hops)
    t.match(
      { target, decision, protocol },
      { target: WAYS[way], protocol: 'postgres', decision: { outcome: 'allow' } },
    );
  const count = login.hops.reduce((sum, hop) => sum + hop.actions, 0);
  const actions = await until(async () => {
    const { out } = await hopline('bastion1', ['actions', '--login', login.id, '--limit', '20000', '--json']);
    const found = JSON.parse(out) as ActionJson[];
    return found.length >= count && found.every(({ ended }) => ended !== null) ? found : null;
  }, 'every action with its end');
  t.equal(actions.length, count, 'as many as the tree says');
  t.ok(actions.every((action) => action.login === login.id && action.decision.outcome === 'allow'));
  return actions;
}

/** Every message of the server's log is made of recorded statements, each of which is of one message. */
function isWhole(
  t: Test,
  messages: readonly string[],
  statements: readonly { text: string; skipped: boolean }[],
): void {
  const left = new Map<string, number>();
  for (const each of statements.map(({ text }) => plain(text))) left.set(each, (left.get(each) ?? 0) + 1);
  const take = (each: string) => {
    const count = left.get(each) ?? 0;
    if (count > 0) left.set(each, count - 1);
    return count > 0;
  };
  const lost: string[] = [];
  for (const message of messages.map(plain)) {
    if (message === '' || take(message)) continue;
    let rest = message;
    while (rest !== '') {
      let end = rest.length;
      while (end > 0 && !take(rest.slice(0, end))) end -= 1;
      if (end === 0) break;
      rest = rest.slice(end);
    }
    if (rest !== '') lost.push(rest.slice(0, 300));
  }
  t.same(lost, [], 'nothing of what the server had is missing in the record');
  // What stands behind an error in a pipeline the server does not look at: it is on record as that.
  for (const { text, skipped } of statements) if (skipped) take(plain(text));
  const more = [...left]
    .filter(([text, count]) => text !== '' && count > 0)
    .map(([text]) => text.slice(0, 300));
  t.same(more, [], 'and nothing is in the record that the server had not');
}

for (const client of CLIENTS)
  t.test(client.name, { buffered: true }, async (t) => {
    const first = mark();
    const direct = await runs(t, client, 'direct', first);
    t.match(direct.said.out, client.says, direct.said.err);
    const had = logged(direct.databases);
    t.ok(had.length >= client.statements, `${had.length} messages without Hopline`);
    for (const way of client.ways ?? (['reports', 'db1'] as const))
      await t.test(`through ${WAYS[way]}`, async (t) => {
        const word = mark();
        const { said } = await runs(t, client, way, word);
        t.equal(said.out.replaceAll(word, first), direct.said.out, 'it prints the same');
        t.equal(said.err.replaceAll(word, first), direct.said.err);
        t.equal(said.code, direct.said.code);
        const actions = await actionsOf(t, client, word, way);
        const statements = actions.flatMap(({ detail, result }) =>
          typeof detail.statement === 'string'
            ? [{ text: detail.statement, skipped: result?.error === 'skipped after an error' }]
            : [],
        );
        t.comment(`${actions.length} actions, ${statements.length} statements`);
        isWhole(t, had, statements);
      });
  });
