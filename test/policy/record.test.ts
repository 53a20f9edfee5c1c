/** How much of a result is recorded: by the permits that let it pass. */
import t from 'tap';
import { compilePolicies } from '../../src/policy/snapshot.ts';
import { bob, compile, IDENTITIES, policyFile, query, TARGETS } from './make.ts';

const permit = (record: string, rest = '') =>
  `@record("${record}") permit (principal, action == Action::"query", resource)${rest};`;
const plain = 'permit (principal, action, resource);';
const facts = (rest: object = {}) => ({
  ...{ database: 'orders', databaseUser: 'alice', verb: 'select', kinds: ['read'], tables: ['orders'] },
  ...{ reads: ['orders'], writes: [], columns: [], functions: [], unconditional: false, limited: false },
  ...{ known: true, ...rest },
});

t.test('as the permit says', async (t) => {
  for (const [text, expected] of [
    ['all', 'all'],
    ['none', 0],
    ['rows:1', 1],
    ['rows:100', 100],
  ] as const)
    t.equal(compile(permit(text)).decideWithin('query', query(), facts()).record, expected, text);
  t.notHas(
    compile(plain).decideWithin('query', query(), facts()),
    { record: 0 },
    'nothing where none says it',
  );
});

t.test('of several the one that keeps most; those that do not say it say nothing', async (t) => {
  const record = (...texts: string[]) =>
    compile(texts.join('\n')).decideWithin('query', query(), facts()).record;
  t.equal(record(permit('none'), permit('rows:7'), permit('rows:5')), 7);
  t.equal(record(permit('none'), permit('all'), permit('rows:5')), 'all');
  t.equal(record(permit('none'), plain), 0);
  t.equal(record(permit('all', ' when { context.tables.contains("salaries") }'), permit('rows:2')), 2);
  t.equal(record(permit('all', ' when { context.tables.contains("orders") }'), permit('rows:2')), 'all');
});

t.test('only where it is let pass by it, and only of statements', async (t) => {
  const policies = compile(
    `${plain} ${permit('all', ' when { principal in Group::"support" }')}
     forbid (principal, action == Action::"query", resource) when { context.verb == "drop" };`,
  );
  t.equal(policies.decideWithin('query', query({ login: bob }), facts()).record, 'all');
  t.notHas(policies.decideWithin('query', query(), facts()), { record: 'all' });
  t.notHas(policies.decideWithin('query', query({ login: bob }), facts({ verb: 'drop' })), { record: 'all' });
  const both = compile(
    '@record("all") permit (principal, action in [Action::"connect", Action::"query"], resource);',
  );
  t.notHas(both.decideConnect(query()), { record: 'all' });
  t.equal(both.decideWithin('query', query(), facts()).record, 'all');
  const shells = compile('@record("none") permit (principal, action == Action::"shell", resource);');
  const shell = { account: 'app', pty: true };
  t.equal(shells.decideWithin('shell', query(), shell).record, 0);
  t.notHas(compile('permit (principal, action, resource);').decideWithin('shell', query(), shell), {
    record: 0,
  });
  const input = { files: [policyFile(permit('all'))], targets: TARGETS, identities: IDENTITIES };
  const observed = compilePolicies({ ...input, mode: 'observe' });
  t.equal(observed.decideWithin('query', query(), facts()).record, 'all');
});

t.test('what was approved is recorded as the permit says', async (t) => {
  const policies = compile(
    `${permit('rows:3')} @approval("dba-leads") forbid (principal, action == Action::"query", resource)
     unless { context has approved && context.approved };`,
  );
  const held = policies.decideWithin('query', query(), facts());
  t.match(held, { outcome: 'approve' });
  t.notHas(held, { record: 3 });
  t.match(
    policies.decideWithin(
      'query',
      query({ approved: held.policies.map((policy) => ({ policy, group: 'dba-leads' })) }),
      facts(),
    ),
    { outcome: 'allow', record: 3 },
  );
});
