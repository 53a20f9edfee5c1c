/** A login that Hopline holds: clients that have no password, against a real server and against those that lie. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { inspect } from 'node:util';
import t, { type Test } from 'tap';
import { Secret } from '../../../../src/core/secret.ts';
import type { TargetTls } from '../../../../src/core/target.ts';
import type { Decision } from '../../../../src/core/types.ts';
import { encode } from '../../../../src/protocols/postgres/encode.ts';
import { authentication, errorResponse } from '../../../../src/protocols/postgres/encode-backend.ts';
import { errorFields } from '../../../../src/protocols/postgres/error-fields.ts';
import { PROTOCOL_3_0 } from '../../../../src/protocols/postgres/startup.ts';
import { until } from '../../../until.ts';
import { openRaw } from '../raw.ts';
import { type Rig, rig } from '../rig.ts';
import { PASSWORD, startPostgres } from './server.ts';

t.setTimeout(120_000);
const server = await startPostgres();
t.teardown(() => server[Symbol.dispose]());
server.sql(`CREATE ROLE repl_user LOGIN REPLICATION PASSWORD '${PASSWORD}'`);

const NO_TLS: TargetTls = { mode: 'disable', ca: null, serverName: null };
const UNVERIFIED: TargetTls = { mode: 'require', ca: null, serverName: null };
const VERIFIED: TargetTls = { mode: 'verify-full', ca: server.authority, serverName: 'db1' };
const decision: Decision = {
  outcome: 'allow',
  policies: ['people-connect'],
  reason: 'allowed',
  observed: false,
  errors: [],
  version: 'test',
};

interface Holding extends Rig {
  readonly askedFor: string[];
  /** Every secret that was lent. */
  readonly lent: Secret[];
  refusals: number;
}

/** @param remote as if the server were on another host */
async function holding(
  t: Test,
  user: string,
  tls: TargetTls = VERIFIED,
  { password = PASSWORD, remote = true, port = server.port } = {},
): Promise<Holding> {
  const made = await rig(t, { port }, tls);
  const held = Object.assign(made, { askedFor: [] as string[], lent: [] as Secret[], refusals: 0 });
  if (remote) made.address = '10.0.0.1';
  made.credential = {
    ask: async (asked) => {
      held.askedFor.push(asked);
      const secret = new Secret(password);
      held.lent.push(secret);
      return { user, password: secret, source: 'file /etc/hopline/pw', decision };
    },
    refused: () => {
      held.refusals += 1;
    },
  };
  return held;
}

const as = (user: string, more = '') => `user=${user} dbname=postgres sslmode=disable ${more}`;
const secretless = (t: Test, made: Holding, ...said: string[]) => {
  t.ok(
    made.lent.every(({ cleared }) => cleared),
    'nothing of it is kept',
  );
  for (const text of [JSON.stringify(made.recorded), JSON.stringify(made.ends), ...said])
    t.notOk(text.includes(PASSWORD) || text.includes('wrong one'), 'and nothing of it is said');
};

const WAYS: [user: string, tls: TargetTls, method: string][] = [
  ['scram_user', NO_TLS, 'scram-sha-256'],
  ['scram_user', UNVERIFIED, 'scram-sha-256-plus'],
  ['scram_user', VERIFIED, 'scram-sha-256-plus'],
  ['md5_user', UNVERIFIED, 'md5'],
  ['plain_user', VERIFIED, 'password'],
  ['trusted_user', NO_TLS, 'trust'],
];

for (const [user, tls, method] of WAYS)
  t.test(`${user} by ${method}, tls ${tls.mode}`, async (t) => {
    const made = await holding(t, user, tls);
    const { out, err } = await made.psql('select current_user, session_user, 1;', '-w', as('alice'));
    t.equal(out, `${user}|${user}|1\n`, err);
    t.same(made.askedFor, ['alice']);
    t.match(made.recorded, [
      {
        ...{ kind: 'login', subject: `login as ${user}`, decision: { policies: ['people-connect'] } },
        detail: {
          database: 'postgres',
          databaseUser: user,
          asked: 'alice',
          credential: 'file /etc/hopline/pw',
        },
        result: { method },
      },
      { kind: 'query', detail: { databaseUser: user, database: 'postgres' } },
    ]);
    t.match(made.asked, [{ databaseUser: user }]);
    await until(() => made.ends.length === 1, 'the end');
    t.equal(made.ends[0]?.reason, null);
    secretless(t, made, out, err);
  });

t.test('every client’s TLS is as without it', async (t) => {
  const made = await holding(t, 'scram_user');
  for (const settings of ['sslmode=require', `sslmode=verify-ca sslrootcert=${made.authority}`]) {
    const { out, err } = await made.psql('select 5', '-w', `user=alice dbname=postgres ${settings}`);
    t.equal(out, '5\n', `${settings} ${err}`);
  }
  const client = await made.client({ user: 'alice' });
  t.same((await client.query('select current_user')).rows, [{ current_user: 'scram_user' }], 'node-postgres');
});

t.test('in clear, or as MD5, only where nobody else can read it', async (t) => {
  const refused: [user: string, tls: TargetTls, words: RegExp][] = [
    ['plain_user', UNVERIFIED, /FATAL: {2}Hopline: the server asks for the password in clear/],
    ['plain_user', NO_TLS, /FATAL: {2}Hopline: the server asks for the password in clear/],
    ['md5_user', NO_TLS, /FATAL: {2}Hopline: the server asks for the password as MD5/],
  ];
  for (const [user, tls, words] of refused) {
    const made = await holding(t, user, tls);
    const { err } = await made.psql('select 1', '-w', as('alice'));
    t.match(err, words, `${user} ${tls.mode}`);
    t.match(made.recorded, [{ kind: 'login', result: { error: /^the server asks for/ } }]);
    t.match(made.ends, [{ reason: /^the server asks for/ }]);
    secretless(t, made, err);
    const local = await holding(t, user, NO_TLS, { remote: false });
    t.equal((await local.psql('select 1', '-w', as('alice'))).out, '1\n', 'but on this host');
  }
});

t.test('a password that is wrong: told whose it is, and that the person did nothing', async (t) => {
  for (const user of ['scram_user', 'md5_user', 'plain_user']) {
    const made = await holding(t, user, VERIFIED, { password: 'wrong one' });
    const { err, code } = await made.psql('select 1', '-w', '-v', 'VERBOSITY=verbose', as('alice'));
    t.equal(code, 2);
    t.match(
      err,
      new RegExp(
        `FATAL: {2}Hopline: the server does not take the login that Hopline holds for db: password authentication failed for user "${user}"`,
      ),
    );
    t.match(err, new RegExp(`HINT: {2}It was ${user}, from file /etc/hopline/pw: tell whoever keeps it\\.`));
    t.equal(made.refusals, 1, 'it is not lent again');
    t.match(made.recorded, [
      { result: { error: `the server ended it: password authentication failed for user "${user}" (28P01)` } },
    ]);
    t.match(made.ends, [{ reason: /^the server ended it: .*\(28P01\)$/ }]);
    secretless(t, made, err);
  }
});

t.test('what is no matter of the login is told in the words of the server', async (t) => {
  const made = await holding(t, 'scram_user');
  const { err } = await made.psql('select 1', '-w', 'user=alice dbname=nope sslmode=disable');
  t.match(err, /FATAL: {2}database "nope" does not exist/);
  t.equal(made.refusals, 0);
});

t.test('no login to be had', async (t) => {
  const made = await holding(t, 'scram_user');
  made.credential = {
    ask: () => Promise.reject(new Error('cannot ask Vault at https://vault:8200: nothing listens there')),
    refused: () => {},
  };
  const { err } = await made.psql('select 1', '-w', as('alice'));
  t.match(
    err,
    /FATAL: {2}Hopline: no login to db: cannot ask Vault at https:\/\/vault:8200: nothing listens there/,
  );
  t.match(made.ends, [{ reason: /^no login to db: cannot ask Vault/ }]);
  t.same(made.recorded, []);
});

t.test('nothing is asked for a server that is not reached', async (t) => {
  const made = await holding(t, 'scram_user', { ...VERIFIED, serverName: 'other.example' });
  const { err } = await made.psql('select 1', '-w', as('alice'));
  t.match(err, /FATAL: {2}Hopline: .*other\.example/);
  t.same(made.askedFor, []);
});

t.test('the rest of the startup is as it was', async (t) => {
  const made = await holding(t, 'scram_user');
  const settings = as('alice', "application_name=mine options='-c work_mem=123kB -c search_path=x'");
  const { out } = await made.psql(
    'show work_mem; show search_path; show application_name; show client_encoding',
    '-w',
    settings,
  );
  t.equal(out, '123kB\nx\nmine\nUTF8\n');
});

t.test('a database that is not named is that of whom the client asked for', async (t) => {
  const made = await holding(t, 'scram_user');
  const raw = openRaw(made.port, PROTOCOL_3_0, [{ name: 'user', value: 'postgres' }]);
  await raw.until('ReadyForQuery');
  raw.socket.destroy();
  t.match(made.recorded, [
    { detail: { asked: 'postgres', database: 'postgres', databaseUser: 'scram_user' } },
  ]);
});

t.test('a cancel reaches the backend', async (t) => {
  const made = await holding(t, 'scram_user');
  const client = await made.client({ user: 'alice' });
  const running = client.query('select pg_sleep(60)');
  await until(
    () =>
      server
        .sql(
          "select count(*) from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active' and pid <> pg_backend_pid()",
        )
        .trim() === '1',
    'the query',
  );
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
  const { connect } = await import('node:net');
  const request = Buffer.alloc(16);
  for (const [at, value] of [16, 80877102, processID, secretKey].entries())
    request.writeInt32BE(value, at * 4);
  connect(made.port, '127.0.0.1').end(request);
  await t.rejects(running, { code: '57014' });
  t.same(made.askedFor, ['alice'], 'which needs no login');
});

t.test('replication is decided as whom the server sees', async (t) => {
  const made = await holding(t, 'repl_user');
  const ask = () => made.psql('IDENTIFY_SYSTEM', '-w', as('alice', 'replication=database'));
  t.match((await ask()).out, /^\d+\|/);
  t.match(made.asked[0], { verb: 'replication', databaseUser: 'repl_user', database: 'postgres' });
  made.deny = ({ verb }) => (verb === 'replication' ? 'no replicas' : null);
  const { err } = await ask();
  t.match(err, /FATAL: {2}Hopline: no replicas/);
  t.match(made.recorded.at(-2), { kind: 'login', result: { error: 'the connection ended first' } });
  secretless(t, made, err);
});

/** A server of one answer to each message that it gets. */
async function lying(t: Test, ...answers: Buffer[]): Promise<number> {
  const sockets: Socket[] = [];
  const listener = createServer((socket) => {
    sockets.push(socket);
    let turn = 0;
    socket.on('error', () => {});
    socket.on('data', () => {
      const answer = answers[turn++];
      if (answer !== undefined) socket.write(answer);
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  return (listener.address() as AddressInfo).port;
}

const error = (message: string) =>
  encode(errorResponse, errorFields({ severity: 'FATAL', code: '28P01', message }));
const clear = encode(authentication, { name: 'AuthenticationCleartextPassword' });
const ok = encode(authentication, { name: 'AuthenticationOk' });
const sasl = encode(authentication, { name: 'AuthenticationSASL', mechanisms: ['SCRAM-SHA-256'] });

t.test('servers that lie', async (t) => {
  const cases: [what: string, answers: Buffer[], told: RegExp][] = [
    [
      'the password in an error',
      [clear, error(`not ${PASSWORD}!`)],
      /no login to db: the server’s answer has the secret in it/,
    ],
    ['in without a proof', [sasl, ok], /the server sent AuthenticationOk where it may not come/],
    ['rows', [Buffer.from('D\0\0\0\x06\0\0', 'latin1')], /before it has let us in/],
    ['an error of a gigabyte', [Buffer.from('E\x3f\xff\xff\xff', 'latin1')], /a length of 1073741823/],
    ['no PostgreSQL', [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')], /a length of/],
  ];
  for (const [what, answers, told] of cases) {
    const port = await lying(t, ...answers);
    const made = await holding(t, 'u', NO_TLS, { port, remote: false });
    const { err } = await made.psql('select 1', '-w', as('alice'));
    t.match(err, told, what);
    t.match(made.recorded, [{ kind: 'login', result: { error: told } }], what);
    secretless(t, made, err, inspect(made.ends));
  }
});

t.test('ended from above while the server thinks', async (t) => {
  const made = await holding(t, 'u', NO_TLS, { port: await lying(t), remote: false });
  const said = made.psql('select 1', '-w', as('alice'));
  await until(() => made.lent.length === 1, 'the login');
  await new Promise((resolve) => setTimeout(resolve, 50));
  made.close();
  await said;
  await until(() => made.ends.length === 1, 'the end');
  secretless(t, made);
});
