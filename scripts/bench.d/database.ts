/** A database of the benchmark's own on db1, and pgbouncer in front of it: what Hopline is measured beside. */
import { join } from 'node:path';
import type { Lab } from './lab.ts';

/** One HOST:PORT of each way from the bastion, by what `etc/targets.yaml` says of it. */
export const WAYS = {
  direct: '10.96.0.1:5433',
  pgbouncer: '10.77.0.11:6432',
  hopline: '10.97.0.1:5433',
} as const;
export const MASKED = '10.97.0.2:5433';
/** Another pgbouncer, on db1: a client that has no transaction costs the server no process there. */
export const IDLE = '10.97.0.3:6432';

const DATA = '/var/lib/postgresql/bench';
const CONF = join(import.meta.dirname, 'etc');
/** Accounts of pgbench, at a scale of 10. */
const SCHEMA = `
create role bench login superuser;
create database bench owner bench;
\\connect bench
create table people (id int primary key, name text, email text, card text, note text);
insert into people select n, 'person ' || n, 'person' || n || '@example.com', '4111111111' || lpad(n::text, 6, '0'),
  repeat(md5(n::text), 2) from generate_series(1, 10000) n;
vacuum analyze people;
`;

/** Starts what does not run yet. */
export async function startDatabase(lab: Lab): Promise<void> {
  await lab.exec('db1', ['ip', 'route', 'replace', 'local', '10.96.0.0/15', 'dev', 'lo']);
  await lab.exec('bastion1', ['ip', 'route', 'replace', '10.96.0.0/15', 'via', '10.77.0.20']);
  const bin = (
    await lab.exec('db1', ['sh', '-c', 'ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1'])
  ).stdout.trim();
  const script = `
    set -e
    cd /
    [ ! -e ${DATA}/postmaster.pid ] || exit 0
    ${bin}/initdb -D ${DATA} -U postgres --auth=trust --no-sync -E UTF8 --locale=C.UTF-8 >/dev/null
    echo 'host all all 0.0.0.0/0 trust' >>${DATA}/pg_hba.conf
    ${bin}/pg_ctl -D ${DATA} -w -s -l ${DATA}/log start -o "-c listen_addresses=* -c port=5433 -c fsync=off \\
      -c unix_socket_directories=${DATA} -c max_connections=300 -c shared_buffers=256MB -c autovacuum=off"
    ${bin}/psql -q -v ON_ERROR_STOP=1 -h ${DATA} -p 5433 -U postgres -f - postgres
    pgbench -i -q -s 10 -h ${DATA} -p 5433 -U bench bench 2>/dev/null`;
  const become = ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups'];
  await lab.exec('db1', [...become, 'sh', '-c', script], { input: SCHEMA });
  await pooler(lab, 'bastion1', WAYS.direct, 'session');
  await pooler(lab, 'db1', '127.0.0.1:5433', 'transaction');
}

/** pgbouncer on 6432 of every address. @param server HOST:PORT */
async function pooler(
  lab: Lab,
  host: string,
  server: string,
  mode: 'session' | 'transaction',
): Promise<void> {
  const [address, port] = server.split(':');
  const script = `
    set -e
    install -d -o postgres -g postgres /run/bench-pgbouncer
    cd /run/bench-pgbouncer
    [ ! -e pid ] || exit 0
    sed -e 's/@HOST@/${address}/' -e 's/@PORT@/${port}/' -e 's/@MODE@/${mode}/' '${CONF}/pgbouncer.ini' >ini
    echo '"bench" ""' >users
    ulimit -n "$(ulimit -Hn)"
    pgbouncer -q -d -u postgres ini`;
  await lab.exec(host, ['sh', '-c', script]);
}

/** Processes of pgbouncer on a host. */
export async function poolerPid(lab: Lab, host: string): Promise<number> {
  return Number((await lab.exec(host, ['cat', '/run/bench-pgbouncer/pid'])).stdout);
}
