/** A PostgreSQL 15 of Debian's on loopback, with TLS, one user for each way to log in, and a certificate of our own authority. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAuthority } from '../../../../src/tls/ca.ts';
import { Mint } from '../../../../src/tls/mint.ts';
import { freePort } from '../../../free-port.ts';

const BIN = '/usr/lib/postgresql/15/bin';
export const PASSWORD = 'Pw of eléphants, 漢字 =1';

/** User and what pg_hba.conf asks of it. */
export const USERS = { scram_user: 'scram-sha-256', md5_user: 'md5', plain_user: 'password' } as const;

export interface PostgresServer extends Disposable {
  readonly port: number;
  /** PEM of what its certificate is verified against. */
  readonly authority: string;
  /** Statements of a superuser, on the unix socket. */
  sql(statements: string): string;
  /** What `cert_user` logs in with, PEM. */
  readonly clientCertificate: { readonly certificate: string; readonly key: string };
  /** Another certificate from the next connection on, PEM. */
  certificate(shown: { readonly certificate: string; readonly key: string }): void;
}

function postgres(command: string, ...args: string[]): string {
  const ran = spawnSync('runuser', ['-u', 'postgres', '--', join(BIN, command), ...args], {
    encoding: 'utf8',
    cwd: '/',
    // The server inherits stdout of pg_ctl: a pipe would stay open.
    stdio: ['ignore', command === 'pg_ctl' ? 'ignore' : 'pipe', 'pipe'],
  });
  if (ran.status !== 0) throw new Error(`${command}: ${ran.stderr}`);
  return ran.stdout;
}

export async function startPostgres(): Promise<PostgresServer> {
  const home = mkdtempSync(join(tmpdir(), 'hopline-pg-'));
  const [data, port] = [join(home, 'data'), await freePort()];
  const { uid, gid } = account();
  const authority = await openAuthority({ directory: join(home, 'ca'), host: 'test' });
  const own = (name: string, text: string, mode = 0o600) => {
    writeFileSync(join(home, name), text, { mode });
    chownSync(join(home, name), uid, gid);
  };
  const show = (shown: { readonly certificate: string; readonly key: string }) => {
    own('server.crt', shown.certificate);
    own('server.key', shown.key);
  };
  chownSync(home, uid, gid);
  const [clientCrt, clientKey] = [join(home, 'client.crt'), join(home, 'client.key')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
  const request = [
    'req',
    '-x509',
    ...curve,
    '-subj',
    '/CN=cert_user',
    '-keyout',
    clientKey,
    '-out',
    clientCrt,
  ];
  execFileSync('openssl', request, { stdio: 'pipe' });
  const clientCertificate = {
    certificate: readFileSync(clientCrt, 'utf8'),
    key: readFileSync(clientKey, 'utf8'),
  };
  chownSync(clientCrt, uid, gid);
  show(await new Mint({ authority }).mint({ names: ['127.0.0.1', 'db1'] }));
  postgres(
    'initdb',
    '-D',
    data,
    '-A',
    'trust',
    '-U',
    'postgres',
    '--no-sync',
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
  );
  const settings = {
    port,
    listen_addresses: "'127.0.0.1'",
    unix_socket_directories: `'${home}'`,
    ssl: 'on',
    ssl_cert_file: `'${join(home, 'server.crt')}'`,
    ssl_key_file: `'${join(home, 'server.key')}'`,
    ssl_ca_file: `'${join(home, 'client.crt')}'`,
    fsync: 'off',
    shared_buffers: '16MB',
    max_connections: 20,
  };
  const rules = Object.entries(USERS).map(([user, method]) => `host all ${user} 127.0.0.1/32 ${method}`);
  const cert = 'hostssl all cert_user 127.0.0.1/32 cert';
  own(
    'data/postgresql.conf',
    Object.entries(settings)
      .map(([name, value]) => `${name} = ${value}\n`)
      .join(''),
  );
  const trust = 'host all trusted_user 127.0.0.1/32 trust';
  const rest = 'host all all 127.0.0.1/32 scram-sha-256';
  own('data/pg_hba.conf', ['local all all trust', ...rules, cert, trust, rest, ''].join('\n'));
  postgres('pg_ctl', '-D', data, '-l', join(home, 'log'), '-w', 'start');
  const sql = (statements: string) =>
    execFileSync('psql', ['-XqAt', '-h', home, '-p', String(port), '-U', 'postgres', '-d', 'postgres'], {
      input: statements,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  for (const [user, method] of Object.entries(USERS)) {
    const encryption = method === 'md5' ? 'md5' : 'scram-sha-256';
    sql(`SET password_encryption = '${encryption}'; CREATE ROLE ${user} LOGIN PASSWORD '${PASSWORD}';`);
  }
  sql('CREATE ROLE cert_user LOGIN; CREATE ROLE trusted_user LOGIN;');
  return {
    port,
    authority: authority.certificate,
    clientCertificate,
    sql,
    certificate(shown) {
      show(shown);
      // A reload is a signal: the postmaster has it read when the next connection comes, or shortly after.
      const before = sql('SELECT pg_conf_load_time()');
      while (
        sql('SELECT pg_reload_conf(); SELECT pg_sleep(0.05); SELECT pg_conf_load_time()').includes(
          before.trim(),
        )
      );
    },
    [Symbol.dispose]() {
      postgres('pg_ctl', '-D', data, '-m', 'immediate', '-w', 'stop');
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function account(): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
