import t from 'tap';
import { explainConnect } from '../../src/policy/explain.ts';
import { alice, bob, compile, query } from './make.ts';

const POLICIES = `@id("engineers")
permit (principal in Group::"engineers", action == Action::"connect", resource);

@id("queries") permit (principal, action in [Action::"query", Action::"call"], resource);
@id("web") permit (principal, action == Action::"connect", resource in Tag::"web");
@id("shallow") permit (principal, action == Action::"connect", resource)
  when { context.verified && context.depth < 2 };
@id("prod") @message("Not now.") forbid (principal, action == Action::"connect", resource in Tag::"prod")
  when { context.chain.contains("claude") }
  unless { context.hops == 0 && principal == User::"alice" };
@id("named") permit (principal, action == Action::"connect", resource) when { context has name && context.name == "x" };
@id("overflow") permit (principal, action == Action::"connect", resource == Target::"web1") when { context.port + 9223372036854775807 > 0 };
`;

t.test('why, and why not', async (t) => {
  const snapshot = compile(POLICIES);
  const { decision, determining, others, principal, resource } = explainConnect(snapshot, query());
  t.match(decision, { outcome: 'allow', policies: ['engineers'] });
  t.equal(principal, 'User::"alice" in Group::"engineers", Group::"dba-leads"');
  t.equal(resource, 'Target::"orders-db" in Tag::"prod", Tag::"database"');
  t.match(determining, [
    { id: 'engineers', effect: 'permit', file: /p\.cedar$/, line: 1, text: /^@id\("engineers"\)\npermit/ },
  ]);
  t.strictSame(Object.fromEntries(others.map(({ id, why }) => [id, why])), {
    queries: 'is about query, call, not connect',
    web: 'is about what is in Tag::"web"; this is Target::"orders-db" in Tag::"prod", Tag::"database"',
    shallow: 'when { context.depth < 2 } is false (context.depth is 2)',
    prod: 'when { context.chain.contains("claude") } is false (context.chain is ["bash","psql"])',
    named: 'when { context has name } is false (context has no name)',
    overflow: 'is about Target::"web1"; this is Target::"orders-db" in Tag::"prod", Tag::"database"',
  });
});

t.test('a forbid, an unless, a principal', async (t) => {
  const snapshot = compile(POLICIES);
  const why = (rest: Parameters<typeof query>[0]) =>
    Object.fromEntries(explainConnect(snapshot, query(rest)).others.map((each) => [each.id, each.why]));
  const denied = explainConnect(snapshot, query({ chain: ['claude', 'x'], hops: 1 }));
  t.match(denied.determining, [{ id: 'prod', effect: 'forbid', line: 8, message: 'Not now.' }]);
  t.equal(why({ chain: ['claude', 'x'], hops: 1 }).engineers, 'applies, but a forbid or an error wins');
  t.equal(
    why({ chain: ['claude', 'x'] }).prod,
    'unless { (context.hops == 0) && (principal == User::"alice") } is true (principal is User::"alice" in Group::"engineers", Group::"dba-leads", context.hops is 0)',
  );
  t.equal(
    why({ login: bob }).engineers,
    'is about what is in Group::"engineers"; this is User::"bob" in Group::"support"',
  );
  t.match(explainConnect(snapshot, query({ target: 'web1' })), {
    decision: { outcome: 'deny' },
    determining: [{ id: 'overflow' }],
  });
});

t.test('nothing, everything, and what cannot be asked', async (t) => {
  t.match(explainConnect(compile(''), query()), {
    decision: { outcome: 'deny' },
    determining: [],
    others: [],
  });
  t.match(explainConnect(compile(POLICIES), query({ destination: { address: 'x', port: 1 } })), {
    decision: { outcome: 'deny', errors: [/no IP address/] },
    determining: [],
    others: [],
  });
});

t.test('loopback that is direct', async (t) => {
  const snapshot = compile('@id("all") permit (principal, action, resource);', { loopback: 'direct' });
  const explained = explainConnect(
    snapshot,
    query({ login: alice, target: null, destination: { address: '127.0.0.1', port: 1 } }),
  );
  t.match(explained.determining, [{ id: 'config:loopback', file: 'hopline.yaml', line: 0 }]);
  t.match(explained.others, [{ id: 'all', why: /is not asked/ }]);
});
