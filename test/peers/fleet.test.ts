// Hosts of a fleet over real TLS: who is let in, what is asked of whom, who is down and back again.
import { createServer, connect as dial, type Server } from 'node:net';
import { connect } from 'node:tls';
import t, { type Test } from 'tap';
import type { Endpoint } from '../../src/core/types.ts';
import { PeerError } from '../../src/peers/connection.ts';
import { askToJoin } from '../../src/peers/dial.ts';
import { Fleet } from '../../src/peers/fleet.ts';
import { Listener } from '../../src/peers/listen.ts';
import type { FleetConfig, FromPeers } from '../../src/peers/messages.ts';
import { PROTOCOL, type Request } from '../../src/peers/protocol.ts';
import { until } from '../until.ts';
import { authority } from './authority.ts';

const HOP = 'CR6CGPN97F01';
const LOGIN = 'CR6CGPN97F02';

/** A free port of loopback. */
async function port(): Promise<Endpoint> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: free } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return { address: '127.0.0.1', port: free };
}

function host(t: Test, config: FleetConfig) {
  const told: FromPeers[] = [];
  const asked: { host: string | null; request: Request }[] = [];
  const fleet = new Fleet({
    tell: (message) => told.push(message),
    answer: async (from, request) => {
      asked.push({ host: from, request });
      if (request.method === 'resolve') return { hop: HOP, depth: 1, revoked: false, source: null };
      if (request.method === 'join') return { certificate: 'PEM', members: [] };
      throw new Error('no such hop');
    },
  });
  t.teardown(() => fleet.configure({ ...config, listen: null, members: [], removed: ['a', 'b', 'c'] }));
  fleet.configure(config);
  const state = (of: string) =>
    told.filter((one) => (one.type === 'up' || one.type === 'down') && one.host === of).at(-1);
  return {
    ...{ fleet, told, asked },
    up: (of: string) => until(() => state(of)?.type === 'up', `${of} up at ${config.host}`),
    down: (of: string, why: RegExp) =>
      until(
        () => {
          const last = state(of);
          return last?.type === 'down' && why.test(last.reason);
        },
        `${of} down at ${config.host}, ${why}: ${JSON.stringify(state(of))}`,
      ),
  };
}

const resolve = {
  method: 'resolve',
  params: {
    ...{ login: LOGIN, agoMs: 5, handle: null, nat: false },
    ...{ client: { address: '192.0.2.1', port: 40_000 }, server: { address: '192.0.2.2', port: 22 } },
  },
} as const;

t.test('two hosts ask each other over one connection, whoever began it', async (t) => {
  const of = await authority();
  const at = await port();
  const a = host(t, await of.of('a', { listen: at, advertised: at }));
  const b = host(t, await of.of('b', { members: [{ host: 'a', endpoint: at }] }));
  await Promise.all([a.up('b'), b.up('a')]);
  t.match(
    a.told.find(({ type }) => type === 'up'),
    {
      hello: { host: 'b', addresses: ['192.0.2.1'], endpoint: null },
    },
  );
  t.same(await b.fleet.ask('a', resolve), { hop: HOP, depth: 1, revoked: false, source: null });
  t.same(await a.fleet.ask('b', resolve), { hop: HOP, depth: 1, revoked: false, source: null });
  t.strictSame(a.asked[0], { host: 'b', request: resolve });
  await t.rejects(b.fleet.ask('a', { method: 'child', params: { hop: HOP, login: LOGIN } }), {
    message: 'no such hop',
    refused: true,
  });
  await t.rejects(b.fleet.ask('c', resolve), { message: 'c is not in the fleet', refused: false });
});

t.test('a third is known to all by being known to one', async (t) => {
  const of = await authority();
  const [first, second] = [await port(), await port()];
  const a = host(t, await of.of('a', { listen: first, advertised: first }));
  const b = host(
    t,
    await of.of('b', { listen: second, advertised: second, members: [{ host: 'a', endpoint: first }] }),
  );
  await a.up('b');
  const c = host(t, await of.of('c', { members: [{ host: 'a', endpoint: first }] }));
  await Promise.all([c.up('b'), b.up('c')]);
});

t.test('one that went is down, with the reason, and asked again when it is back', async (t) => {
  const of = await authority();
  const at = await port();
  const config = await of.of('a', { listen: at, advertised: at });
  const b = host(t, await of.of('b', { members: [{ host: 'a', endpoint: at }] }));
  await b.down('a', /nothing listens there/);
  await t.rejects(b.fleet.ask('a', resolve), { message: /nothing listens there/, refused: false });
  host(t, config);
  await b.up('a');
});

t.test('whose certificate does not hold is refused, and told why', async (t) => {
  const of = await authority();
  const other = await authority();
  const at = await port();
  const hours = (n: number) => new Date(Date.now() + n * 3_600_000);
  const a = host(t, await of.of('a', { listen: at, advertised: at }));
  const member = { members: [{ host: 'a', endpoint: at }] };
  const refused = (why: RegExp) =>
    until(() => a.told.some((one) => one.type === 'trouble' && why.test(one.message)), `${why}`);

  await t.test('of another fleet', async (t) => {
    const b = host(t, { ...(await other.of('b', member)), ca: of.ca });
    await refused(/^a host at 127.0.0.1 was refused: its certificate is not of this fleet/);
    await b.down('a', /^it says: this host's certificate is not of its fleet: its authority is another$/);
  });
  await t.test('of another fleet, and not valid yet: the name on it is nobody’s', async (t) => {
    a.told.splice(0);
    host(t, { ...(await other.of('b', member, { notBefore: hours(2), notAfter: hours(4) })), ca: of.ca });
    await refused(
      /^a host at 127.0.0.1 was refused: its certificate is not of this fleet: its authority is another$/,
    );
  });
  await t.test('not valid yet: a clock is wrong', async (t) => {
    const b = host(t, await of.of('b', member, { notBefore: hours(2), notAfter: hours(4) }));
    await refused(
      /^b at .* was refused: its certificate is not valid before \d{4}-[\d-]+T[\d:]+Z: a clock is wrong, there or here$/,
    );
    await b.down(
      'a',
      /^it says: this host's certificate is not valid before \d{4}\S+Z, and there it is \d{4}\S+Z: a clock is wrong, there or here$/,
    );
  });
  await t.test('ended', async (t) => {
    const b = host(t, await of.of('b', member, { notBefore: hours(-4), notAfter: hours(-2) }));
    await refused(
      /^b at .* was refused: its certificate ended on \d{4}\S+Z: a clock is wrong, .* join again$/,
    );
    await b.down('a', /^it says: this host's certificate ended on \d{4}\S+Z, and there it is /);
  });
  await t.test('the listening host’s own', async (t) => {
    const there = await port();
    const c = host(t, await of.of('c', { listen: there }, { notBefore: hours(2), notAfter: hours(4) }));
    const b = host(t, await of.of('b', { members: [{ host: 'c', endpoint: there }] }));
    await b.down(
      'c',
      /^127\.0\.0\.1 port \d+: its certificate is not valid before \d{4}\S+Z: a clock is wrong, there or here; here it is \d{4}\S+Z$/,
    );
    await c.down('b', /^it says: this host's certificate is not valid before .*, and there it is /);
  });
  await t.test('of another name than the one that was dialed', async (t) => {
    const b = host(t, await of.of('b', { members: [{ host: 'c', endpoint: at }] }));
    await b.down('c', /: its certificate is of another host than c$/);
  });
  await t.test('that was put out', async (t) => {
    a.fleet.configure(await of.of('a', { listen: at, advertised: at, removed: ['b'] }));
    const b = host(t, await of.of('b', member));
    await refused(/^b at .* was refused: its host is not in the fleet/);
    await b.down('a', /^it says: this host was put out of the fleet there/);
  });
  t.notOk(a.told.some(({ type }) => type === 'up'));
});

t.test('what is silent, or no TLS, goes and is told', async (t) => {
  const of = await authority();
  const at = await port();
  const config = await of.of('a', { listen: at });
  const told: string[] = [];
  const listener = new Listener(at, {
    config: () => config,
    onArrived: () => {},
    onListening: () => {},
    onTrouble: (message) => told.push(message),
    handshakeMs: 1000,
  });
  t.teardown(() => listener.close());
  for (const [bytes, why] of [
    ['', 'TLS handshake timeout'],
    ['SSH-2.0-OpenSSH_9.2\r\n', 'wrong version number'],
  ]) {
    const ended = new Promise<void>((resolve) => {
      const socket = dial(at.port, at.address, () => socket.write(bytes ?? ''));
      socket.on('error', () => {});
      socket.once('close', () => resolve());
    });
    await ended;
    t.equal(told.at(-1), `what came at 127.0.0.1 was refused: it is no TLS as hosts speak it: ${why}`);
  }
});

t.test('to join, and nothing else, is what one without a certificate can ask', async (t) => {
  const of = await authority();
  const at = await port();
  const a = host(t, await of.of('a', { listen: at }));
  const params = { host: 'b', secret: 'c2VjcmV0', key: 'a2V5' };
  const { ca, joined } = await askToJoin(at, of.fingerprint, params, () => {});
  t.equal(ca.trim(), of.ca.trim());
  t.same(joined, { certificate: 'PEM', members: [] });
  t.strictSame(a.asked, [{ host: null, request: { method: 'join', params } }]);
  await t.rejects(
    askToJoin(at, 'f'.repeat(64), params, () => {}),
    /its authority is another/,
  );
  t.equal(a.asked.length, 1, 'the secret went nowhere');

  const said = await new Promise<string>((resolve) => {
    const socket = connect({
      host: at.address,
      port: at.port,
      rejectUnauthorized: false,
      ALPNProtocols: [PROTOCOL],
    });
    socket.once('secureConnect', () =>
      socket.write(`${JSON.stringify({ id: 1, method: 'tree', params: { up: [], down: [], asked: [] } })}\n`),
    );
    socket.once('data', (chunk) => {
      resolve(chunk.toString());
      socket.destroy();
    });
  });
  t.equal(JSON.parse(said).error, 'a certificate of the fleet is needed for that');
});

t.test('what is no message of the protocol ends the connection, and that one alone', async (t) => {
  const of = await authority();
  const at = await port();
  const a = host(t, await of.of('a', { listen: at, advertised: at }));
  const b = host(t, await of.of('b', { members: [{ host: 'a', endpoint: at }] }));
  await b.up('a');
  const { ca, certificate, key } = await of.of('c');
  for (const bytes of [
    'no JSON\n',
    '[]\n',
    '{"id":-1}\n',
    '{"id":1,"method":"resolve","params":{"login":"x"}}\n',
    `{"id":1,"method":"ping","params":"${'x'.repeat(300_000)}"}\n`,
  ]) {
    const ended = new Promise<void>((resolve) => {
      const socket = connect({
        ...{ host: at.address, port: at.port, ca, cert: certificate, key, servername: 'a' },
        ALPNProtocols: [PROTOCOL],
      });
      socket.once('secureConnect', () => socket.write(bytes));
      socket.on('data', () => {});
      socket.on('error', () => {});
      socket.once('close', () => resolve());
    });
    await ended;
  }
  t.ok(await b.fleet.ask('a', resolve));
  t.ok(a.asked.length > 0);
});

t.test('a member that sends what it was not asked for, or says nothing on many connections', async (t) => {
  const of = await authority();
  const at = await port();
  host(t, await of.of('a', { listen: at, advertised: at }));
  const b = host(t, await of.of('b', { members: [{ host: 'a', endpoint: at }] }));
  await b.up('a');
  const { ca, certificate, key } = await of.of('c');
  const member = () =>
    connect({
      ...{ host: at.address, port: at.port, ca, cert: certificate, key, servername: 'a' },
      ALPNProtocols: [PROTOCOL],
    }).on('error', () => {});
  const large = member();
  let closed = false;
  large.once('close', () => {
    closed = true;
  });
  large.on('data', () => {});
  await new Promise((resolve) => large.once('secureConnect', resolve));
  const chunk = Buffer.alloc(65_536, 'x');
  let sent = 0;
  while (!closed && sent < 32 << 20) {
    large.write(chunk);
    sent += chunk.length;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  t.ok(sent < 8 << 20, `an endless line ends the connection, after ${sent} bytes`);

  const idle = Array.from({ length: 12 }, member);
  t.teardown(() => {
    for (const socket of idle) socket.destroy();
  });
  await until(() => idle.filter(({ destroyed }) => destroyed).length === 8, 'four of one host are enough');
  t.ok(await b.fleet.ask('a', resolve));
});

t.test('more questions than can wait are refused here', async (t) => {
  const of = await authority();
  const at = await port();
  const fleet = new Fleet({ tell: () => {}, answer: () => new Promise(() => {}) });
  const config = await of.of('a', { listen: at });
  fleet.configure(config);
  t.teardown(() => fleet.configure({ ...config, listen: null, removed: ['b'] }));
  const b = host(t, await of.of('b', { members: [{ host: 'a', endpoint: at }] }));
  await b.up('a');
  const all = Array.from({ length: 257 }, () => b.fleet.ask('a', resolve).catch((error: Error) => error));
  const last = await all.at(-1);
  t.match(last, new PeerError('too many questions wait for their answers'));
});
