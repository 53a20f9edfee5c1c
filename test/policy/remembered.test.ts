/** What is remembered of a connection's decisions is what would be decided anew. */
import t from 'tap';
import type { Context } from '../../src/policy/request.ts';
import { alice, bob, compile, query } from './make.ts';

const POLICIES = `
@id("may") permit (principal, action == Action::"query", resource);
@id("no-salaries") forbid (principal, action == Action::"query", resource)
when { context.tables.contains("salaries") } unless { principal in Group::"engineers" };
@id("no-wipes") forbid (principal, action == Action::"query", resource) when { context.unconditional };
`;

const FACTS: Context = {
  ...{ database: 'orders', databaseUser: 'app', verb: 'select', kinds: ['read'], tables: ['orders'] },
  ...{ reads: ['orders'], writes: [], columns: [], functions: [], unconditional: false, limited: false },
  known: true,
};

t.test('statements that no policy can tell apart have one decision, others have their own', async (t) => {
  const policies = compile(POLICIES);
  const connection = query();
  const decide = (facts: Partial<Context>) =>
    policies.decideWithin('query', connection, { ...FACTS, ...facts } as Context);
  const first = decide({});
  t.match(first, {
    outcome: 'allow',
    policies: ['may'],
    reason: 'may permits select on orders-db for alice',
  });
  t.equal(decide({ columns: ['card'], database: 'other' }), first);
  t.match(decide({ verb: 'update' }), {
    outcome: 'allow',
    reason: 'may permits update on orders-db for alice',
  });
  t.match(decide({ unconditional: true }), { outcome: 'deny', policies: ['no-wipes'] });
  t.match(decide({ tables: ['salaries'] }), { outcome: 'allow' });
  t.equal(decide({}), first);
});

t.test('another connection, and other policies, are decided for themselves', async (t) => {
  const policies = compile(POLICIES);
  const salaries = { ...FACTS, tables: ['salaries'] };
  t.match(policies.decideWithin('query', query({ login: alice }), salaries), { outcome: 'allow' });
  t.match(policies.decideWithin('query', query({ login: bob }), salaries), {
    outcome: 'deny',
    policies: ['no-salaries'],
  });
  const connection = query();
  t.match(policies.decideWithin('query', connection, FACTS), { outcome: 'allow' });
  const closed = compile('forbid (principal, action, resource);');
  t.match(closed.decideWithin('query', connection, FACTS), { outcome: 'deny' });
});

t.test('what is said of an action is its own, whatever policies read of it', async (t) => {
  const policies = compile('permit (principal, action, resource);');
  const connection = query();
  const facts = { account: 'alice', tool: 'sftp', operation: 'write', direction: 'upload', path: '/a' };
  const decide = (facts: Context) => policies.decideWithin('transfer', connection, facts);
  const first = decide(facts);
  t.equal(decide({ ...facts, direction: 'download' }), first);
  t.match(decide({ ...facts, path: '/b' }), { reason: /write of \/b/ });
  const command = (tool: string) => ({
    account: 'alice',
    command: '',
    words: [],
    tool,
    pty: false,
    known: true,
  });
  for (const tool of ['ls', 'id'])
    t.match(policies.decideWithin('exec', connection, command(tool)), { reason: new RegExp(`${tool} on`) });
});

t.test('a policy that reads the whole context tells all statements apart', async (t) => {
  const policies = compile(`
    permit (principal, action == Action::"query", resource);
    forbid (principal, action == Action::"query", resource) when { context != context };
  `);
  const connection = query();
  const one = policies.decideWithin('query', connection, FACTS);
  t.not(policies.decideWithin('query', connection, { ...FACTS, limited: true }), one);
  t.equal(policies.decideWithin('query', connection, { ...FACTS }), one);
});

t.test('a connection that cannot be decided about is denied each time', async (t) => {
  const connection = query({ destination: { address: 'nowhere', port: 1 } });
  const policies = compile(POLICIES);
  for (let times = 0; times < 2; times += 1)
    t.match(policies.decideWithin('query', connection, FACTS), { outcome: 'deny', errors: [/nowhere/] });
});
