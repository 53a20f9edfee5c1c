/**
 * Vault's API over TLS, with a KV secret and a database role whose logins are made in the PostgreSQL of this host and dropped
 * when they are revoked. Its secrets come in its standard input: {"token", "certificate", "key", "kv"}.
 * usage: vault.ts ADDRESS PORT
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fakeVault } from '../../credentials/fake-vault.ts';

const [host = '', port = ''] = process.argv.slice(2);
const { token, certificate, key, kv } = JSON.parse(readFileSync(0, 'utf8'));
const sql = (statements: string) =>
  execFileSync(
    'psql',
    ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-h', '/run/postgresql', '-U', 'postgres', 'orders'],
    {
      input: statements,
      encoding: 'utf8',
    },
  );

const vault = await fakeVault(
  { certificate, key },
  {
    host,
    port: Number(port),
    made: (user, password, until) => {
      sql(`create role "${user}" login password '${password}' valid until '${until.toISOString()}';
        grant select on orders to "${user}"`);
      console.log(`made ${user}`);
    },
    revoked: (user) => {
      sql(`revoke all on orders from "${user}"; drop role "${user}"`);
      console.log(`dropped ${user}`);
    },
  },
);
vault.token = token;
vault.roles.set('orders-ro', { ttl: 600, max: 3600, renewable: true });
vault.kv.set('secret/orders/app', kv);
console.log('vault listens');
