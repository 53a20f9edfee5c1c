/** Questions to policy, as people put them. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Routing } from '../../src/attribution/routing.ts';
import type { Daemon } from '../../src/daemon/daemon.ts';
import { explain } from '../../src/daemon/explain.ts';
import { PolicyLoader } from '../../src/daemon/policy-state.ts';
import { hop, id, login, temporaryStore } from '../store/seed.ts';

const FAR = id(71);

const TARGETS = `targets:
  web1: {addresses: [10.77.0.30, "fd77::30"], ports: [80, 443]}
  held: {addresses: [10.77.0.20], ports: [5432], protocol: postgres, credential: {systemd: orders, user: app}}
  asked: {addresses: [10.77.0.21], ports: [5432], protocol: postgres, credential: {file: "{user}", user: "*", groups: [dba]}}
  ntp: {addresses: [10.0.0.123], ports: [123], transport: udp}
`;
const POLICY = `@id("web") permit (principal, action == Action::"connect", resource == Target::"web1");
@id("time") permit (principal, action == Action::"connect", resource == Target::"ntp");
@id("by-name") permit (principal, action == Action::"connect", resource == Target::"unlisted")
when { context has name && context.name == "intranet.example" };
@id("far") forbid (principal, action, resource == Target::"web1") when { context.hops > 1 };
`;

function asking(t: Test) {
  const s = temporaryStore();
  t.teardown(() => s[Symbol.dispose]());
  s.store.writer.insertLogin(login());
  const way = { evidence: 'four-tuple', host: 'bastion1', hop: id(70), depth: 2, reason: null } as const;
  s.store.writer.insertLogin(login({ id: FAR, link: way }));
  const to = { target: null, name: 'intranet.example', destination: { address: '10.77.0.31', port: 443 } };
  s.store.writer.insertHop(hop(to));
  const dir = t.testdir({
    'hopline.yaml': 'dns: {resolvers: [10.77.0.53]}\n',
    'targets.yaml': TARGETS,
    policies: { 'a.cedar': POLICY },
  });
  const policy = new PolicyLoader(join(dir, 'hopline.yaml'), ['tcp', 'postgres']).load();
  const routing = new Routing();
  routing.install(policy.routes);
  const daemon = { policy, routing, store: s.store } as unknown as Daemon;
  return (where: { target?: string; destination?: string; login?: string }) =>
    explain(daemon, { user: 'alice', ...where });
}

t.test('a destination by address, by target, by a name that a login was told', async (t) => {
  const ask = asking(t);
  const web = { route: { target: 'web1' }, decision: { outcome: 'allow', policies: ['web'] } };
  for (const destination of ['10.77.0.30:80', '[fd77::30]:443', 'web1:80'])
    t.match(ask({ destination }), web, destination);
  t.match(ask({ destination: 'web1:80' }).destination, { address: '10.77.0.30', port: 80 });
  t.match(ask({ destination: 'intranet.example:443' }), {
    destination: { address: '10.77.0.31', port: 443 },
    decision: { outcome: 'allow', policies: ['by-name'] },
  });
  t.match(
    ask({ destination: '10.77.0.31:443' }).decision,
    { outcome: 'deny' },
    'its address alone is not the name',
  );
});

t.test('UDP is asked about as UDP', async (t) => {
  const ask = asking(t);
  const time = {
    route: { action: 'direct', target: 'ntp' },
    decision: { outcome: 'allow', policies: ['time'] },
  };
  for (const where of [{ target: 'ntp' }, { destination: 'ntp:123' }, { destination: '10.0.0.123:123/udp' }])
    t.match(ask(where), time, JSON.stringify(where));
  t.match(ask({ destination: '10.0.0.123:123' }), { route: { target: null }, decision: { outcome: 'deny' } });
  t.match(ask({ destination: '10.77.0.53:53/udp' }).decision, { policies: ['config:dns.resolvers'] });
});

t.test('what nobody knows, and what is no destination', async (t) => {
  const ask = asking(t);
  t.throws(() => ask({ destination: 'elsewhere.example:80' }), {
    code: 'not_found',
    message: /give its address/,
  });
  t.throws(() => ask({ target: 'web2' }), { code: 'not_found' });
  for (const destination of [
    'web1',
    'web1:',
    '10.77.0.30',
    ':80',
    'fd77::30:99999',
    'web1:65536',
    'web1:80/sctp',
  ])
    t.throws(() => ask({ destination }), { code: 'bad_request' }, destination);
});

t.test('the login that Hopline would use', async (t) => {
  const ask = asking(t);
  t.equal(ask({ target: 'web1' }).held, null);
  t.same(ask({ target: 'held' }).held, { by: 'settings', user: 'app', source: 'systemd', refused: null });
  t.match(ask({ target: 'asked' }).held, { user: null, source: null, refused: /for dba/ });
});

t.test('a login is asked about with the way by which it came', async (t) => {
  const ask = asking(t);
  t.match(ask({ target: 'web1' }).decision, { outcome: 'allow' });
  t.match(ask({ target: 'web1', login: FAR }).decision, { outcome: 'deny', policies: ['far'] });
});
