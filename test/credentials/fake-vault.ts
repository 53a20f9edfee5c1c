/**
 * A server that speaks as much of Vault's documented HTTP API as Hopline asks for, errors included. The real one is not in
 * Debian 12, so what is proven against this is the documented API, not the product.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export const TOKEN = 'hvs.CAESIGeheimesToken';

interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

export interface FakeVault {
  readonly address: string;
  token: string;
  namespace: string | null;
  /** `MOUNT/PATH` → the newest version; null is a deleted one. */
  readonly kv: Map<string, Record<string, unknown> | null>;
  /** Roles of `database`: how long their leases are, and the longest that renewals make of them. Seconds. */
  readonly roles: Map<string, { ttl: number; max: number; renewable: boolean }>;
  /** Leases that were not revoked, by id. */
  readonly leases: Map<string, { role: string; user: string; made: number; ends: number }>;
  /** `METHOD PATH` of each request. */
  readonly requests: string[];
  /** Answers in place of the API, while it is set. */
  answer: ((request: IncomingMessage) => Answer | 'hang' | 'reset' | 'half' | null) | null;
  close(): void;
}

export interface FakeVaultOptions {
  readonly host?: string;
  readonly port?: number;
  /** A login was made, as the database's plugin makes it. */
  made?(user: string, password: string, until: Date): void;
  /** It was revoked. */
  revoked?(user: string): void;
}

export async function fakeVault(
  tls: { certificate: string; key: string } | null = null,
  options: FakeVaultOptions = {},
): Promise<FakeVault> {
  const { host = '127.0.0.1', port: wanted = 0 } = options;
  const listener: RequestListener = (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      vault.requests.push(`${request.method} ${request.url}`);
      const instead = vault.answer?.(request) ?? null;
      if (instead === 'hang') return;
      if (instead === 'reset') return void request.socket.resetAndDestroy();
      if (instead === 'half') {
        response.writeHead(200, { 'Content-Length': '1000' });
        response.write('{"data":', () => request.socket.destroy());
        return;
      }
      const {
        status,
        body = '',
        headers = {},
      }: Answer = instead ?? api(request, Buffer.concat(parts).toString());
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
      response.end(body);
    });
  };
  const server: Server =
    tls === null
      ? createServer(listener)
      : createTlsServer({ cert: tls.certificate, key: tls.key }, listener);
  server.listen(wanted, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const vault: FakeVault = {
    address: `http${tls === null ? '' : 's'}://${host}:${port}`,
    token: TOKEN,
    namespace: null,
    kv: new Map(),
    roles: new Map(),
    leases: new Map(),
    requests: [],
    answer: null,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };

  const errors = (status: number, ...texts: string[]) => ({
    status,
    body: JSON.stringify({ errors: texts }),
  });
  const json = (value: object) => ({
    status: 200,
    body: JSON.stringify({ request_id: randomUUID(), ...value }),
  });

  function api(request: IncomingMessage, body: string): Answer {
    if (request.headers['x-vault-token'] !== vault.token) return errors(403, 'permission denied');
    if ((request.headers['x-vault-namespace'] ?? null) !== vault.namespace) return errors(404);
    const path = decodeURIComponent(request.url ?? '');
    const [, mount = '', rest = ''] = /^\/v1\/([^/]+)\/data\/(.+)$/.exec(path) ?? [];
    if (mount !== '') {
      const data = vault.kv.get(`${mount}/${rest}`);
      if (data === undefined) return errors(404);
      const metadata = {
        version: 3,
        destroyed: false,
        deletion_time: data === null ? '2026-01-01T00:00:00Z' : '',
      };
      if (data === null) return { status: 404, body: JSON.stringify({ data: { data: null, metadata } }) };
      return json({ lease_id: '', renewable: false, lease_duration: 0, data: { data, metadata } });
    }
    const role = /^\/v1\/database\/creds\/([^/]+)$/.exec(path)?.[1];
    if (role !== undefined) return creds(role);
    const { lease_id = '', increment = 0 } = JSON.parse(body === '' ? '{}' : body) as {
      lease_id?: string;
      increment?: number;
    };
    const lease = vault.leases.get(lease_id);
    if (path === '/v1/sys/leases/renew') {
      if (lease === undefined) return errors(400, 'lease not found');
      const { max, renewable } = vault.roles.get(lease.role) ?? { max: 0, renewable: false };
      if (!renewable) return errors(400, 'lease is not renewable');
      lease.ends = Math.min(Date.now() + increment * 1000, lease.made + max * 1000);
      const lease_duration = Math.max(0, (lease.ends - Date.now()) / 1000);
      return json({ lease_id, renewable: true, lease_duration, data: null });
    }
    if (path === '/v1/sys/leases/revoke') {
      if (lease !== undefined) options.revoked?.(lease.user);
      vault.leases.delete(lease_id);
      return { status: 204 };
    }
    return errors(404);
  }

  function creds(role: string) {
    const rule = vault.roles.get(role);
    if (rule === undefined) return errors(400, `unknown role: ${role}`);
    const lease_id = `database/creds/${role}/${randomUUID()}`;
    const username = `v-token-${role}-${vault.leases.size}-${randomUUID().slice(0, 8)}`;
    const password = `Geheim-${randomUUID()}`;
    const ends = Date.now() + rule.ttl * 1000;
    vault.leases.set(lease_id, { role, user: username, made: Date.now(), ends });
    options.made?.(username, password, new Date(ends));
    return json({
      lease_id,
      renewable: rule.renewable,
      lease_duration: rule.ttl,
      data: { username, password },
    });
  }
  return vault;
}
