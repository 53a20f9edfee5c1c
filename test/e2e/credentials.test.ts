// Logins that Hopline holds: people without a password, and a password that is nowhere.
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import t, { type Test } from 'tap';
import type { ActionJson } from '../../src/api/json.ts';
import {
  exclusively,
  FAMILIES,
  type Family,
  gate,
  hopline,
  IPV4,
  lab,
  labName,
  labUp,
  mark,
  notices,
  openGate,
  programs,
  rootOf,
  service,
  ssh,
  start,
  until,
  waitForHop,
} from './support.ts';
import { etc, HOST, under } from './under.ts';

t.before(labUp);
t.setTimeout(1_200_000);

const VAULT_PORT = 8201;
const PASSWORD = `Pw-${randomBytes(12).toString('hex')}`;
const TOKEN = `hvs.${randomBytes(12).toString('hex')}`;
const KEYS = `/run/hopline-${labName}/keys`;

const sql = async (statements: string) => {
  const { out, err, code } = await service(
    'db1',
    `psql -XqAt -h /run/postgresql -U postgres orders <<'SQL'\n${statements}\nSQL`,
  );
  if (code !== 0) throw new Error(err);
  return out;
};

/** targets.yaml with this as the credential of orders-db. */
const credential = (text: string) => (targets: string) =>
  `vaults:\n  lab: {address: "https://db1.lab:${VAULT_PORT}", token_file: secrets/token, ca: secrets/ca.crt, timeout: 2s}\n` +
  targets.replace('    protocol: postgres\n', `    protocol: postgres\n    credential: ${text}\n`);

const psql = (family: Family, word: string, command: string, settings = '') =>
  ssh(
    'alice',
    HOST,
    `: ${word}; psql -XAtq -h ${family.address('db1')} -d orders ${settings} -c "${command}"`,
    {
      family,
    },
  );

const WHO = 'select current_user, count(*) from orders';

async function actionsOf(hop: string): Promise<ActionJson[]> {
  return until(async () => {
    const { out } = await hopline(HOST, ['actions', '--hop', hop, '--json']);
    const found = (JSON.parse(out) as ActionJson[]).reverse();
    return found.length >= 2 && found.every(({ ended }) => ended !== null) ? found : null;
  }, `the actions of ${hop}`);
}

/** Processes of the daemon: the supervisor, its workers, the tripwire. */
async function daemonPids(): Promise<number[]> {
  const { out } = await hopline(HOST, ['status', '--json']);
  const { pid } = JSON.parse(out) as { pid: number };
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [[Number(name), Number(/\) . (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))?.[1])]];
      } catch {
        return [];
      }
    });
  return [pid, ...parents.filter(([, parent]) => parent === pid).map(([child]) => child as number)];
}

/** Whether a process has one of the texts somewhere in its memory. */
function remembers(pid: number, ...texts: string[]): boolean {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const [, from = '', to = ''] = /^([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \S+ *(?!\[v)/.exec(line) ?? [];
      if (from === '') continue;
      const bytes = Buffer.alloc(Number(BigInt(`0x${to}`) - BigInt(`0x${from}`)));
      try {
        readSync(memory, bytes, 0, bytes.length, BigInt(`0x${from}`));
      } catch {
        // It was unmapped meanwhile, or is a device's.
        continue;
      }
      if (texts.some((text) => bytes.includes(text))) return true;
    }
    return false;
  } finally {
    closeSync(memory);
  }
}

/** Everything that is kept, said or shown. */
async function nowhere(t: Test, ...secrets: string[]): Promise<void> {
  const state = `${rootOf(HOST)}/var/lib/hopline`;
  const places = new Map<string, Buffer>();
  for (const name of readdirSync(state).filter((each) => each.startsWith('hopline.db')))
    places.set(name, readFileSync(`${state}/${name}`));
  places.set('the log', readFileSync(`${rootOf(HOST)}/var/log/hoplined.log`));
  for (const args of [['actions'], ['hops'], ['notices'], ['tree', '--all']])
    places.set(args.join(' '), Buffer.from((await hopline(HOST, [...args, '--json'])).out));
  const pids = await daemonPids();
  t.ok(pids.length >= 3, 'supervisor, workers, tripwire');
  for (const pid of pids) {
    for (const file of ['environ', 'cmdline'])
      places.set(`${pid} ${file}`, readFileSync(`/proc/${pid}/${file}`));
    t.match(
      readFileSync(`/proc/${pid}/limits`, 'utf8'),
      /^Max core file size +[01] +[01] /m,
      `${pid} dumps no core`,
    );
  }
  for (const [place, bytes] of places)
    for (const secret of secrets)
      for (const text of [secret, Buffer.from(secret).toString('base64')])
        t.notOk(bytes.includes(text), `${place} has none of it`);
}

t.test('bastion2 with a login for orders-db', async (t) => {
  await exclusively(HOST, async () => {
    await sql(
      `drop role if exists holder; create role holder login password '${PASSWORD}'; grant select on orders to holder`,
    );
    mkdirSync(etc('secrets'), { recursive: true, mode: 0o700 });
    const secret = (name: string, text: string) =>
      writeFileSync(etc(`secrets/${name}`), text, { mode: 0o600 });
    secret('holder', `${PASSWORD}\n`);
    secret('token', TOKEN);
    secret('ca.crt', readFileSync(`${KEYS}/ca.crt`, 'utf8'));
    t.teardown(async () => {
      rmSync(etc('secrets'), { recursive: true, force: true });
      await sql('revoke all on orders from holder; drop role holder');
    });

    await under(t, { 'targets.yaml': credential('{file: secrets/holder, user: holder}') }, async () => {
      for (const family of FAMILIES)
        await t.test(`psql as it always was, ${family.name}`, async (t) => {
          const word = mark();
          const { out, err } = await psql(family, word, WHO);
          t.equal(out, 'holder|1000\n', err);
          const { hop, login } = await waitForHop(HOST, word, ({ ended }) => ended !== null);
          t.equal(hop.endReason, null);
          t.match(await actionsOf(hop.id), [
            {
              ...{ kind: 'login', subject: 'login as holder', login: login.id },
              detail: {
                asked: 'alice',
                database: 'orders',
                databaseUser: 'holder',
                credential: 'file /etc/hopline/secrets/holder',
              },
              result: { method: 'scram-sha-256-plus' },
              decision: { policies: ['engineers-connect'] },
            },
            { kind: 'query', subject: 'select orders', detail: { databaseUser: 'holder' } },
          ]);
        });

      await t.test('pg_dump, and a cancel', async (t) => {
        const dump = await ssh('alice', HOST, 'pg_dump -w -h db1 -t orders orders | grep -c "^[0-9]"');
        t.match(dump.out, /^1000\n$/, dump.err);
        const word = mark();
        const cancel = `psql -X -h db1 -d orders -c "select '${word}', pg_sleep(60)" & ${gate(word)}; kill -INT $!; wait`;
        const cancelled = ssh('alice', HOST, cancel, { timeoutMs: 120_000 });
        const running = `select count(*) from pg_stat_activity where state = 'active' and query like '%${word}%' and pid <> pg_backend_pid()`;
        await until(async () => (await sql(running)) === '1\n', 'the server runs it');
        openGate(HOST, word);
        t.match((await cancelled).err, /canceling statement due to user request/);
      });

      await t.test('policy sees who it really is, and explains who it will be', async (t) => {
        const { out } = await hopline(HOST, [
          'policy',
          'explain',
          '--user',
          'alice',
          '--target',
          'orders-db',
        ]);
        t.match(out, /held by Hopline: holder, from file/);
      });

      await t.test('the password is nowhere', async (t) => {
        await nowhere(t, PASSWORD);
        for (const pid of await daemonPids())
          t.notOk(
            remembers(pid, PASSWORD, Buffer.from(PASSWORD).toString('base64')),
            `nor in the memory of ${pid}`,
          );
        t.ok(remembers(process.pid, PASSWORD), 'where it would be found');
      });

      await t.test('a password that the server does not take', async (t) => {
        secret('holder', `${PASSWORD}x`);
        const word = mark();
        const { err, code } = await psql(IPV4, word, WHO);
        t.equal(code, 2);
        t.match(
          err,
          /FATAL: {2}Hopline: the server does not take the login that Hopline holds for orders-db: password authentication failed for user "holder"/,
        );
        const { hop } = await waitForHop(HOST, word, ({ ended }) => ended !== null);
        t.match(hop.endReason, /password authentication failed for user "holder" \(28P01\)/);
        const log = () => readFileSync(`${rootOf(HOST)}/var/log/hoplined.log`, 'utf8');
        const told = new RegExp(`"hop":"${hop.id}".*did not take the login`);
        await until(() => told.test(log()), 'the log has it').catch(() => {});
        t.match(log(), told);
        secret('holder', PASSWORD);
        t.equal((await psql(IPV4, mark(), WHO)).out, 'holder|1000\n', 'the file is read anew');
      });

      await t.test('a file that others may read', async (t) => {
        chmodSync(etc('secrets/holder'), 0o644);
        const checked = await hopline(HOST, ['config', 'check']);
        t.match(checked.out, /targets\.yaml:\d+:\d+: targets\.orders-db\.credential\.file: others may read/);
        t.match(checked.out, /fix: sudo chmod 600 \/etc\/hopline\/secrets\/holder/);
        const { err } = await psql(IPV4, mark(), WHO);
        t.match(
          err,
          /FATAL: {2}Hopline: no login to orders-db: others may read or write \/etc\/hopline\/secrets\/holder: chmod 600/,
        );
        chmodSync(etc('secrets/holder'), 0o600);
      });
    });

    const observed = {
      'targets.yaml': credential('{file: secrets/holder, user: holder}'),
      'hopline.yaml': (text: string) => text.replace('mode: enforce', 'mode: observe'),
      'policies/lab.cedar': (text: string) =>
        `${text}\n@id("no-db") forbid (principal, action == Action::"connect", resource == Target::"orders-db");\n`,
    };
    await under(t, observed, async () => {
      await t.test(
        'observe: what policy would deny passes as it came, without a login of ours',
        async (t) => {
          t.equal((await psql(IPV4, mark(), WHO)).out, 'alice|1000\n');
          t.match((await psql(IPV4, mark(), WHO, '-w -U holder')).err, /no password supplied/);
        },
      );
    });

    await t.test('Vault', async (t) => {
      const kv = { username: 'holder', password: PASSWORD };
      const [certificate, key] = ['crt', 'key'].map((kind) => readFileSync(`${KEYS}/db1.${kind}`, 'utf8'));
      const input = JSON.stringify({ token: TOKEN, certificate, key, kv });
      const serve = async (t: Test) => {
        const vault = start(t, [
          ...['exec', 'db1', '--', 'node', '--disable-warning=ExperimentalWarning'],
          ...[`${programs}/vault.ts`, IPV4.address('db1'), String(VAULT_PORT)],
        ]);
        vault.write(`${input}\n`);
        vault.end();
        await vault.until(/vault listens/);
        return vault;
      };
      const before = (await notices(HOST)).length;
      const roles = () => sql("select rolname from pg_roles where rolname like 'v-token-%'");
      const vault = await serve(t);

      await under(t, { 'targets.yaml': credential('{vault: lab, kv: orders/app}') }, async () => {
        t.equal((await psql(IPV4, mark(), WHO)).out, 'holder|1000\n', 'a secret that is kept there');
      });

      await under(t, { 'targets.yaml': credential('{vault: lab, database: orders-ro}') }, async () => {
        const word = mark();
        const { out, err } = await psql(IPV4, word, WHO);
        t.match(out, /^v-token-orders-ro-[^|]*\|1000\n$/, err);
        const { hop } = await waitForHop(HOST, word, ({ ended }) => ended !== null);
        t.match((await actionsOf(hop.id))[0], {
          detail: { asked: 'alice', credential: 'vault database/creds/orders-ro' },
        });
        const again = await psql(FAMILIES[1] as Family, mark(), WHO);
        t.equal(again.out, out, 'one login for all while it is good');
        t.match((await psql(IPV4, mark(), 'delete from orders')).err, /permission denied for table orders/);
        t.match(await roles(), /^v-token-orders-ro-.*\n$/);
        const made = /Geheim-[0-9a-f-]+/.exec(vault.said());
        t.equal(made, null, 'the test itself does not know it');
        await nowhere(t, TOKEN, PASSWORD, 'Geheim-');
      });
      await until(async () => (await roles()) === '', 'a login that no target has any more is given back');

      await under(t, { 'targets.yaml': credential('{vault: lab, database: orders-ro}') }, async () => {
        t.match((await psql(IPV4, mark(), WHO)).out, /^v-token-/);
        t.not(await roles(), '');
        t.equal((await lab(['daemon', HOST, 'restart'], { timeoutMs: 120_000 })).code, 0);
        t.equal(await roles(), '', 'given back when the daemon stops');
        t.match((await psql(IPV4, mark(), WHO)).out, /^v-token-/);
        await vault.stop();
        t.match((await psql(IPV4, mark(), WHO)).out, /^v-token-/, 'Vault is away, and what is lent is good');
        t.equal((await lab(['daemon', HOST, 'restart'], { timeoutMs: 120_000 })).code, 0);
        const word = mark();
        const { err } = await psql(IPV4, word, WHO);
        t.match(
          err,
          new RegExp(
            `FATAL: {2}Hopline: no login to orders-db: cannot ask Vault at https://db1\\.lab:${VAULT_PORT}: nothing listens there`,
          ),
        );
        const { hop } = await waitForHop(HOST, word, ({ ended }) => ended !== null);
        t.match(hop.endReason, /cannot ask Vault/);
        const open = () => sql("select count(*) from pg_stat_activity where client_addr = '10.77.0.12'");
        // The server's own processes end a moment after their connections.
        await until(async () => (await open()) === '0\n', 'nothing is left open').catch(() => {});
        t.equal(await open(), '0\n', 'nothing is left open');
      });
      await sql(`do $$ declare r text; begin for r in select rolname from pg_roles where rolname like 'v-token-%' loop
        execute format('revoke all on orders from %I', r); execute format('drop role %I', r); end loop; end $$`);

      const own = (await notices(HOST)).slice(0, -before || undefined);
      t.same(
        own.filter(({ kind }) => kind === 'tripwire').map(({ detail }) => detail),
        [],
        'the daemon’s own connections are known',
      );
    });
  });
});
