import t from 'tap';
import type { Outcome } from '../../src/core/types.ts';
import type { ConnectQuery } from '../../src/policy/request.ts';
import { alice, bob, compile, person, query, unattended } from './make.ts';

const permit = (rest = '') => `@id("open") permit (principal, action == Action::"connect", resource)${rest};`;
const when = (condition: string) => permit(` when { ${condition} }`);

interface Case {
  readonly policies: string;
  readonly query?: Partial<ConnectQuery>;
  readonly outcome: Outcome;
  readonly ids?: readonly string[];
  readonly reason?: string | RegExp;
}

const unlisted = { target: null, destination: { address: '192.0.2.7', port: 22 } };
const CASES: Readonly<Record<string, Case>> = {
  'nothing permits': {
    policies: '',
    query: { login: bob },
    outcome: 'deny',
    ids: [],
    reason: 'no policy permits connect to orders-db for bob',
  },
  'a permit': {
    policies: permit(),
    outcome: 'allow',
    ids: ['open'],
    reason: 'open permits connect to orders-db for alice',
  },
  'a permit of another action': {
    policies: 'permit (principal, action == Action::"query", resource);',
    outcome: 'deny',
    ids: [],
  },
  'a permit of every action': {
    policies: 'permit (principal, action, resource);',
    outcome: 'allow',
    ids: ['p.cedar:1'],
  },
  'two permits': {
    policies: `${permit()} @id("a b") permit (principal == User::"alice", action, resource);`,
    outcome: 'allow',
    ids: ['a b', 'open'],
    reason: 'a b, open permit connect to orders-db for alice',
  },
  'forbid wins': {
    policies: `${permit()} @id("no") @message("Ask for it.") forbid (principal, action, resource in Tag::"prod");`,
    outcome: 'deny',
    ids: ['no'],
    reason: 'no forbids connect to orders-db for alice: Ask for it.',
  },
  'a group': { policies: 'permit (principal in Group::"engineers", action, resource);', outcome: 'allow' },
  'another group': {
    policies: 'permit (principal in Group::"engineers", action, resource);',
    query: { login: bob },
    outcome: 'deny',
  },
  'a group claimed by a name': {
    policies: 'permit (principal in Group::"engineers", action, resource);',
    query: { login: person('engineers') },
    outcome: 'deny',
  },
  'an account is not the person': {
    policies: 'permit (principal == User::"alice", action, resource);',
    query: { login: person('alice', ['engineers'], false) },
    outcome: 'deny',
    reason: /for the account alice, whose person is not verified$/,
  },
  'an account by its own name': {
    policies: 'permit (principal == User::"account:alice", action, resource);',
    query: { login: person('alice', [], false) },
    outcome: 'allow',
  },
  'an account has no groups': {
    policies: 'permit (principal in Group::"engineers", action, resource);',
    query: { login: person('alice', ['engineers'], false) },
    outcome: 'deny',
  },
  'a login whose identity is not known yet': {
    policies: 'permit (principal == User::"account:root", action, resource);',
    query: { login: { kind: 'ssh', source: null, user: 'root', identity: null } },
    outcome: 'allow',
  },
  'a login of nobody known': {
    policies: 'permit (principal == User::"account:", action, resource);',
    query: { login: { kind: 'ssh', source: null, user: null, identity: null } },
    outcome: 'allow',
  },
  'a cron job': {
    policies:
      'permit (principal == User::"unattended:cron:root", action, resource) when { context.kind == "unattended" && context.source == "cron" && !context.verified };',
    query: { login: unattended('cron', 'root') },
    outcome: 'allow',
  },
  'what nobody started is in its group': {
    policies: 'permit (principal in Group::"unattended", action, resource);',
    query: { login: unattended('service', null) },
    outcome: 'allow',
    reason: /for an unattended service$/,
  },
  'a process of unknown origin': {
    policies: 'permit (principal in Group::"unattended", action, resource);',
    query: { login: null },
    outcome: 'deny',
    reason: /for a process of unknown origin$/,
  },
  'and by name': {
    policies: 'permit (principal == User::"unattributed", action, resource);',
    query: { login: null },
    outcome: 'allow',
  },
  unlisted: {
    policies: permit(),
    query: unlisted,
    outcome: 'allow',
    reason: 'open permits connect to 192.0.2.7:22, which no target lists, for alice',
  },
  'unlisted by tag': {
    policies: 'permit (principal, action, resource in Tag::"unlisted");',
    query: unlisted,
    outcome: 'allow',
  },
  'a listed target is not unlisted': {
    policies: 'permit (principal, action, resource in Tag::"unlisted");',
    outcome: 'deny',
  },
  'an unlisted name, and what it may hide': {
    policies: '',
    query: { ...unlisted, name: 'a.example\u001b[2J' },
    outcome: 'deny',
    reason: 'no policy permits connect to a.example?[2J:22, which no target lists, for alice',
  },
  loopback: {
    policies: 'permit (principal, action, resource == Target::"loopback");',
    query: { target: null, destination: { address: '::1', port: 80 } },
    outcome: 'allow',
  },
  'the unspecified address is loopback': {
    policies: 'permit (principal, action, resource == Target::"loopback");',
    query: { target: null, destination: { address: '0.0.0.0', port: 80 } },
    outcome: 'allow',
  },
  chain: {
    policies: when('context.chain.contains("claude")'),
    query: { chain: ['bash', 'claude', 'psql'] },
    outcome: 'allow',
  },
  'program and depth': {
    policies: when('context.program == "psql" && context.depth == 2'),
    outcome: 'allow',
  },
  'no chain': {
    policies: when('context.program == "" && context.depth == 0 && context.chain.isEmpty()'),
    query: { chain: [] },
    outcome: 'allow',
  },
  'verified and evidence': {
    policies: when('context.verified && context.evidence == "publickey" && context.source == ""'),
    outcome: 'allow',
  },
  'address, port, transport, hops': {
    policies: when(
      'context.address.isInRange(ip("10.0.0.0/8")) && context.port == 5432 && context.transport == "tcp" && context.hops < 3',
    ),
    outcome: 'allow',
  },
  'a mapped address is the IPv4': {
    policies: when('context.address == ip("10.0.3.5")'),
    query: { destination: { address: '::ffff:10.0.3.5', port: 1 } },
    outcome: 'allow',
  },
  'a name': {
    policies: when('context has name && context.name like "*.example"'),
    query: { name: 'a.example' },
    outcome: 'allow',
  },
  'no name': { policies: when('context has name && context.name like "*"'), outcome: 'deny' },
  'an erroring permit denies': {
    policies: `${permit()} @id("bad") permit (principal, action, resource) when { context.port + 9223372036854775807 > 0 };`,
    outcome: 'deny',
    ids: ['bad'],
    reason: /^bad could not be evaluated, which denies connect to orders-db for alice: bad: integer overflow/,
  },
  'an erroring forbid denies': {
    policies: `${permit()} @id("bad") forbid (principal, action, resource) when { context.port + 9223372036854775807 < 0 };`,
    outcome: 'deny',
    ids: ['bad'],
    reason: /could not be evaluated/,
  },
  'an erroring forbid of another target does nothing': {
    policies: `${permit()} forbid (principal, action, resource == Target::"vault") when { context.port + 9223372036854775807 < 0 };`,
    outcome: 'allow',
  },
  'an address that is none': {
    policies: permit(),
    query: { destination: { address: 'orders-db', port: 5432 } },
    outcome: 'deny',
    ids: [],
    reason: /cannot be decided: "orders-db" is no IP address/,
  },
  'a port that is none': {
    policies: permit(),
    query: { destination: { address: '10.0.0.1', port: Number.NaN } },
    outcome: 'deny',
  },
  'a person called as what no person is': {
    policies: permit(),
    query: { login: person('unattended:cron:root') },
    outcome: 'deny',
    reason: /nobody may be called/,
  },
  'a person called unattributed': {
    policies: permit(),
    query: { login: person('unattributed') },
    outcome: 'deny',
  },
  'a person in the group of what no person started': {
    policies: permit(),
    query: { login: person('eve', ['unattended']) },
    outcome: 'deny',
  },
  'names with everything in them': {
    policies: permit(),
    query: { login: person('a"b\\\u0000\ud800'), chain: ['\ud800', '"', '\n'], name: '\udfff' },
    outcome: 'allow',
  },
};

t.test('decisions', async (t) => {
  for (const [what, { policies, query: rest, outcome, ids, reason }] of Object.entries(CASES)) {
    const snapshot = compile(policies);
    const decision = snapshot.decideConnect(query(rest));
    t.match(decision, { outcome, observed: false, version: snapshot.version }, what);
    if (ids !== undefined) t.strictSame(decision.policies, ids, what);
    if (reason !== undefined) t.match(decision.reason, reason, what);
    t.equal(decision.errors.length > 0, /could not|cannot/.test(decision.reason), what);
    t.strictSame(snapshot.decideConnect(query(rest)), decision, `${what}, a second time`);
  }
});

t.test('approval', async (t) => {
  const held = `@id("held") @approval("dba-leads") @message("Say why.") forbid (principal, action, resource in Tag::"database");`;
  const given = [{ policy: 'held', group: 'dba-leads' }];
  const snapshot = compile(`${held} permit (principal in Group::"engineers", action, resource);`);
  t.match(snapshot.decideConnect(query()), {
    outcome: 'approve',
    policies: ['held'],
    reason: 'connect to orders-db for alice needs approval by dba-leads (held): Say why.',
  });
  t.match(snapshot.decideConnect(query({ approved: [] })), { outcome: 'approve' });
  t.match(snapshot.decideConnect(query({ approved: given })), { outcome: 'allow' });
  t.match(
    snapshot.decideConnect(query({ approved: [{ policy: 'held', group: 'others' }] })),
    { outcome: 'approve' },
    'another group was asked: the policy has changed meanwhile',
  );
  t.match(
    snapshot.decideConnect(query({ login: bob })),
    { outcome: 'deny', policies: [], reason: 'no policy permits connect to orders-db for bob' },
    'nobody is asked about what would be denied then',
  );
  const both = compile(`${held} ${permit()} @id("no") forbid (principal, action, resource);`);
  t.match(
    both.decideConnect(query()),
    { outcome: 'deny', policies: ['held', 'no'] },
    'a forbid without approval wins',
  );
  t.match(both.decideConnect(query({ approved: given })), { outcome: 'deny', policies: ['held', 'no'] });
  t.match(
    compile(
      `${held} permit (principal, action, resource) when { context has approved && context.approved };`,
    ).decideConnect(query({ approved: given })),
    { outcome: 'allow' },
    'policies see that it is approved',
  );
  const failing = compile(
    `${held} ${permit()} @id("bad") permit (principal, action, resource) when { context.port + 9223372036854775807 > 0 };`,
  );
  t.match(failing.decideConnect(query()), { outcome: 'deny', errors: [/overflow/] });
});

t.test('each approval lifts its own forbid', async (t) => {
  const lifted = 'unless { context has approved && context.approved }';
  const snapshot = compile(`${permit()}
    @id("a") @approval("dba-leads") forbid (principal, action, resource) ${lifted};
    @id("b") @approval forbid (principal, action, resource) ${lifted};`);
  const first = { policy: 'a', group: 'dba-leads' };
  const second = { policy: 'b', group: null };
  t.match(snapshot.decideConnect(query()), {
    outcome: 'approve',
    policies: ['a', 'b'],
    reason: 'connect to orders-db for alice needs approval by another person and dba-leads (a, b)',
  });
  t.match(snapshot.decideConnect(query({ approved: [first] })), { outcome: 'approve', policies: ['b'] });
  t.match(snapshot.decideConnect(query({ approved: [second] })), { outcome: 'approve', policies: ['a'] });
  t.match(snapshot.decideConnect(query({ approved: [first, second] })), { outcome: 'allow' });
});

t.test('observe says what enforce would have done', async (t) => {
  const held = '@id("held") @approval("dba-leads") forbid (principal, action, resource == Target::"web1");';
  const snapshot = compile(
    `${held} ${permit()} @id("no") forbid (principal, action, resource == Target::"vault");`,
    { mode: 'observe' },
  );
  t.match(snapshot.decideConnect(query()), { outcome: 'allow', observed: false });
  t.match(snapshot.decideConnect(query({ target: 'vault' })), {
    outcome: 'deny',
    observed: true,
    policies: ['no'],
  });
  t.match(snapshot.decideConnect(query({ target: 'web1' })), { outcome: 'approve', observed: true });
  t.match(snapshot.decideConnect(query({ hops: Number.NaN })), { outcome: 'deny', observed: true });
});

t.test('loopback that is direct needs no permit, and a forbid still wins', async (t) => {
  const local = { target: null, destination: { address: '127.0.0.1', port: 80 } };
  const snapshot = compile('@id("no") forbid (principal == User::"bob", action, resource);', {
    loopback: 'direct',
  });
  t.match(snapshot.decideConnect(query(local)), { outcome: 'allow', policies: ['config:loopback'] });
  t.match(snapshot.decideConnect(query({ ...local, login: bob })), { outcome: 'deny', policies: ['no'] });
  t.match(snapshot.decideConnect(query()), { outcome: 'deny', policies: [] }, 'elsewhere nothing changes');
  t.match(compile('').decideConnect(query(local)), { outcome: 'deny' });
});

t.test('the version is everything that was compiled in', async (t) => {
  const versions = [
    compile(permit()),
    compile(`${permit()} `),
    compile(permit(), { mode: 'observe' }),
    compile(permit(), { targets: [] }),
    compile(permit(), { identities: [] }),
    compile(permit(), { loopback: 'direct' }),
  ].map(({ version }) => version);
  t.equal(new Set(versions).size, versions.length);
  t.equal(compile(permit()).version, versions[0]);
  for (const version of versions) t.match(version, /^[0-9a-f]{16}$/);
});

t.test('the cache tells apart whatever a policy can read', async (t) => {
  const reading = compile('permit (principal, action, resource) when { context.port == 1 };');
  const at = (port: number) =>
    reading.decideConnect(query({ destination: { address: '10.0.0.1', port } })).outcome;
  t.strictSame([at(1), at(2), at(1)], ['allow', 'deny', 'allow']);
  const whole = compile(
    'permit (principal, action, resource) when { context == context && context.hops == 0 };',
  );
  t.equal(whole.decideConnect(query()).outcome, 'allow');
  t.equal(whole.decideConnect(query({ hops: 1 })).outcome, 'deny');
  const grouped = compile('permit (principal in Group::"engineers", action, resource);');
  for (let round = 0; round < 2; round++) {
    t.equal(grouped.decideConnect(query({ login: person('eve', ['engineers']) })).outcome, 'allow');
    t.equal(grouped.decideConnect(query({ login: person('eve', []) })).outcome, 'deny');
    t.equal(grouped.decideConnect(query({ login: person('eve', ['engineers'], false) })).outcome, 'deny');
  }
  const named = compile('permit (principal, action, resource == Target::"web1");');
  for (let round = 0; round < 2; round++) {
    t.equal(named.decideConnect(query({ target: 'web1' })).outcome, 'allow');
    t.equal(named.decideConnect(query({ target: 'vault' })).outcome, 'deny');
  }
  const tagged = compile('permit (principal, action, resource) when { resource in Tag::"web" };');
  for (let round = 0; round < 2; round++) {
    t.equal(tagged.decideConnect(query({ target: 'web1' })).outcome, 'allow');
    t.equal(tagged.decideConnect(query({ target: 'vault' })).outcome, 'deny');
  }
  const shared = compile(permit());
  t.match(shared.decideConnect(query()).reason, /for alice$/);
  t.match(
    shared.decideConnect(query({ login: bob })).reason,
    /for bob$/,
    'one verdict, each with their own name',
  );
});

t.test('a target of no tags, and one that was never listed', async (t) => {
  const snapshot = compile('permit (principal, action, resource in Tag::"prod");');
  t.equal(snapshot.decideConnect(query({ target: 'gone' })).outcome, 'deny');
  t.ok(alice);
});

t.test('a disposed snapshot gives its place to the next', async (t) => {
  for (let round = 0; round < 20; round++) {
    using snapshot = compile(round % 2 === 0 ? permit() : '');
    t.equal(snapshot.decideConnect(query()).outcome, round % 2 === 0 ? 'allow' : 'deny');
  }
});
