/** A PostgreSQL of Debian's on a unix socket in a directory of its own; a user for each way to give a password. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const VERSIONS = '/usr/lib/postgresql';

export const PASSWORD = 'correct horse';
/** A superuser who needs none, and one for each method that asks for a password. */
export const USERS = ['free', 'scram', 'md5', 'plain'] as const;

export interface LocalServer extends Disposable {
  /** The socket to connect to. */
  readonly path: string;
  /** Statements of a superuser: unaligned rows. */
  sql(statements: string): string;
}

function newestBin(): string {
  const version = readdirSync(VERSIONS)
    .map(Number)
    .sort((a, b) => b - a)[0];
  return join(VERSIONS, String(version), 'bin');
}

function asPostgres(command: string, ...args: string[]): void {
  const ran = spawnSync('runuser', ['-u', 'postgres', '--', command, ...args], {
    encoding: 'utf8',
    cwd: '/',
    // The server inherits pg_ctl's output: a pipe would never end.
    stdio: ['ignore', 'ignore', command.endsWith('pg_ctl') ? 'ignore' : 'pipe'],
  });
  if (ran.status !== 0) throw new Error(`${command}: ${ran.stderr}`);
}

export function startServer(): LocalServer {
  const bin = newestBin();
  const home = mkdtempSync(join(tmpdir(), 'hopline-postgres-'));
  const data = join(home, 'data');
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  chownSync(home, id('-u'), id('-g'));
  asPostgres(
    join(bin, 'initdb'),
    '-D',
    data,
    '-A',
    'trust',
    '-U',
    'free',
    '-E',
    'UTF8',
    '--locale=C',
    '--no-sync',
  );
  const settings = {
    listen_addresses: "''",
    unix_socket_directories: `'${home}'`,
    fsync: 'off',
    shared_buffers: '16MB',
    max_connections: 30,
    max_wal_senders: 2,
  };
  writeFileSync(
    join(data, 'postgresql.conf'),
    Object.entries(settings)
      .map(([name, value]) => `${name} = ${value}\n`)
      .join(''),
  );
  writeFileSync(
    join(data, 'pg_hba.conf'),
    [
      'all free trust',
      'replication free trust',
      'all scram scram-sha-256',
      'all md5 md5',
      'all plain password',
    ]
      .map((rule) => `local ${rule}\n`)
      .join(''),
  );
  asPostgres(join(bin, 'pg_ctl'), '-D', data, '-l', join(home, 'log'), '-w', 'start');
  const sql = (statements: string): string =>
    execFileSync('psql', ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-h', home, '-U', 'free', 'postgres'], {
      input: statements,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
  sql(`create role scram login superuser password '${PASSWORD}';
    create role plain login superuser password '${PASSWORD}';
    set password_encryption = md5; create role md5 login superuser password '${PASSWORD}';`);
  return {
    path: join(home, '.s.PGSQL.5432'),
    sql,
    [Symbol.dispose]() {
      asPostgres(join(bin, 'pg_ctl'), '-D', data, '-m', 'immediate', '-w', 'stop');
      rmSync(home, { recursive: true, force: true });
    },
  };
}
