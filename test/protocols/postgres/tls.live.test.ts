/** Clients that want TLS get it, with the server's own way of logging in, as if nobody were in between. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { MaskKey } from '../../../src/masking/key.ts';
import { until } from '../../until.ts';
import { PASSWORD, startPostgres } from './auth/server.ts';
import { maskingOf } from './masked/setting.ts';
import { rig } from './rig.ts';

t.setTimeout(120_000);
const server = await startPostgres();
t.teardown(() => server[Symbol.dispose]());
const directory = t.testdir({});

/** What psql says in one connection, whose password is in a file. */
async function ask(made: Awaited<ReturnType<typeof rig>>, user: string, settings: string) {
  const passfile = join(directory, 'pgpass');
  writeFileSync(passfile, `*:*:*:*:${PASSWORD.replaceAll(':', '\\:')}\n`, { mode: 0o600 });
  return made.psql(
    'select current_user, ssl from pg_stat_ssl where pid = pg_backend_pid();',
    `host=127.0.0.1 port=${made.port} user=${user} dbname=postgres passfile=${passfile} ${settings}`,
  );
}

for (const user of ['scram_user', 'md5_user', 'plain_user'])
  for (const sslmode of ['disable', 'prefer', 'require'])
    t.test(`${user}, sslmode=${sslmode}`, async (t) => {
      const made = await rig(t, server);
      const { out, err } = await ask(made, user, `sslmode=${sslmode}`);
      t.equal(out, `${user}|t\n`, `the way to the server is encrypted in any case ${err}`);
      t.equal(made.ends.length <= 1, true, 'at the first try');
      t.equal(JSON.stringify(made.recorded).includes(PASSWORD), false, 'no password is on record');
    });

t.test('a client that verifies the server sees the authority of this host', async (t) => {
  const made = await rig(t, server);
  const good = await ask(made, 'scram_user', `sslmode=verify-full sslrootcert=${made.authority}`);
  t.equal(good.out, 'scram_user|t\n', good.err);
  const root = join(directory, 'other.crt');
  writeFileSync(root, server.authority);
  const bad = await ask(made, 'scram_user', `sslmode=verify-full sslrootcert=${root}`);
  t.match(bad.err, /certificate verify failed/);
});

t.test('the server is verified where the target says so', async (t) => {
  const ca = server.authority;
  const trusted = await rig(t, server, { mode: 'verify-full', ca, serverName: null });
  const good = await ask(trusted, 'scram_user', 'sslmode=require');
  t.equal(good.out, 'scram_user|t\n', good.err);
  const named = await rig(t, server, { mode: 'verify-full', ca, serverName: 'other.example' });
  t.match((await ask(named, 'scram_user', 'sslmode=disable')).err, /FATAL: {2}Hopline: .*other\.example/);
  const stranger = await rig(t, server, { mode: 'verify-ca', ca: null, serverName: null });
  t.match((await ask(stranger, 'scram_user', 'sslmode=disable')).err, /FATAL: {2}Hopline: /);
});

t.test('records are no longer than the server’s own, which libpq reads in one go', async (t) => {
  const made = await rig(t, server);
  made.masking = maskingOf(new MaskKey(Buffer.alloc(16, 1)), {}, { detectors: ['iban'] });
  const lengths: number[] = [];
  const between = createServer((client) => {
    const upstream = connect(made.port, '127.0.0.1');
    client.pipe(upstream).on('error', () => {});
    upstream.pipe(client).on('error', () => {});
    let waiting = Buffer.alloc(0);
    let answered = false;
    upstream.on('data', (chunk: Buffer) => {
      // The S that answers SSLRequest; then records, each of which says its length (RFC 8446 section 5.1).
      waiting = Buffer.concat([waiting, answered ? chunk : chunk.subarray(1)]);
      answered = true;
      while (waiting.length >= 5 && waiting.length >= 5 + waiting.readUInt16BE(3)) {
        lengths.push(waiting.readUInt16BE(3));
        waiting = waiting.subarray(5 + waiting.readUInt16BE(3));
      }
    });
  }).listen(0, '127.0.0.1');
  await once(between, 'listening');
  t.teardown(() => between.close());
  const { port } = between.address() as AddressInfo;
  const { out, err } = await made.psql(
    "select repeat('x', 6400) from generate_series(1, 1000)",
    `host=127.0.0.1 port=${port} user=scram_user password='${PASSWORD}' dbname=postgres sslmode=require`,
  );
  t.equal(out.length, 6_401_000, err);
  t.ok(lengths.reduce((sum, length) => sum + length, 0) > 6_400_000, 'all of it was counted');
  t.ok(
    Math.max(...lengths) <= 8192 + 256,
    `${Math.max(...lengths)} bytes at most, with what encryption adds`,
  );
});

t.test('a wrong password is refused in the words of the server', async (t) => {
  const made = await rig(t, server);
  for (const sslmode of ['disable', 'require']) {
    const { err } = await made.psql(
      '',
      `host=127.0.0.1 port=${made.port} user=scram_user password=wrong dbname=postgres sslmode=${sslmode}`,
    );
    t.match(err, /password authentication failed for user "scram_user"/);
  }
});

t.test('what is ended in the midst is told why, and closed, not reset', async (t) => {
  const made = await rig(t, server);
  made.recordings.kept = 1;
  made.recordings.ready = false;
  for (const ssl of [false, { rejectUnauthorized: false }]) {
    const client = await made.client({ user: 'scram_user', password: PASSWORD, ssl });
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
    const errors: string[] = [];
    stream.on('error', (error) => errors.push(error.message));
    const closed = new Promise((resolve) => stream.once('close', resolve));
    const asked = client.query("select repeat('x', 1000) from generate_series(1, 20000)");
    asked.catch(() => {});
    const count = made.recordings.all.length;
    const one = await until(() => made.recordings.all[count], 'a recording');
    // So much comes that no more of it is read.
    await new Promise((resolve) => setTimeout(resolve, 100));
    one.writer.failed('the disk is full');
    await t.rejects(asked, { message: /Hopline: .*the disk is full/ });
    await closed;
    t.same(errors, []);
  }
});
