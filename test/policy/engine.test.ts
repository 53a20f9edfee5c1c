import t from 'tap';
import { Depth, MOST_DEPTH } from '../../src/policy/depth.ts';
import { EngineError, PreparedSet, parsePolicy } from '../../src/policy/engine.ts';
import { cedarRequest, connectRequest } from '../../src/policy/request.ts';
import { SCHEMA } from '../../src/policy/schema.ts';
import { splitPolicies } from '../../src/policy/split.ts';
import { compile, query } from './make.ts';

const wrap = (condition: string) => `permit (principal, action, resource) when { ${condition} };`;

t.test('an input that breaks the engine costs nobody their decisions', async (t) => {
  const snapshot = compile('permit (principal == User::"alice", action, resource);');
  t.equal(snapshot.decideConnect(query()).outcome, 'allow');
  t.throws(() => parsePolicy(wrap(`${'('.repeat(50_000)}true${')'.repeat(50_000)}`)), EngineError);
  t.equal(snapshot.decideConnect(query({ hops: 1 })).outcome, 'allow');
  t.equal(snapshot.decideConnect(query({ target: 'web1' })).outcome, 'allow');
  const set = new PreparedSet(SCHEMA, { a: wrap('true') });
  t.throws(() => parsePolicy(wrap(`${'['.repeat(50_000)}${']'.repeat(50_000)} == []`)), EngineError);
  const request = cedarRequest(
    connectRequest(query(), () => []),
    'connect',
  );
  t.match(set.evaluate(request), { type: 'success', response: { decision: 'allow' } });
});

/** Each is as deep as is let through, in its own way. */
const DEEPEST: Readonly<Record<string, (n: number) => string>> = {
  parentheses: (n) => `${'('.repeat(n)}true${')'.repeat(n)}`,
  sets: (n) => `${'['.repeat(n)}${']'.repeat(n)} == []`,
  records: (n) => `${'{a: '.repeat(n)}1${'}'.repeat(n)} == 1`,
  or: (n) => Array(n).fill('context.port == 1').join(' || '),
  and: (n) => Array(n).fill('context.program like "a*"').join(' && '),
  plus: (n) => `${Array(n).fill('1').join(' + ')} == 2`,
  conditional: (n) => `${'if true then true else '.repeat(n)}true`,
  members: (n) => `context${'.a'.repeat(n)} == 1`,
  indexes: (n) => `context${'["a"]'.repeat(n)} == 1`,
  calls: (n) => `context.chain${'.contains("a")'.repeat(n)}`,
  mixed: (n) => Array(n).fill('(context.port == 1').join(' || ') + ')'.repeat(n),
};

t.test('the deepest policy that is let through does not break it', async (t) => {
  for (const [kind, make] of Object.entries(DEEPEST)) {
    let n = 1;
    while (depthOf(wrap(make(n + 1))) <= MOST_DEPTH) n += 1;
    t.ok(n >= 20, `${kind}: ${n} levels are enough for a person`);
    t.doesNotThrow(() => parsePolicy(wrap(make(n))), `${kind}: parse`);
    const parsed = parsePolicy(wrap(make(n)));
    if (parsed.json === null) continue;
    t.doesNotThrow(
      () =>
        new PreparedSet(SCHEMA, { a: wrap(make(n)) }).evaluate(
          cedarRequest(
            connectRequest(query(), () => []),
            'connect',
          ),
        ),
      kind,
    );
  }
});

t.test('a released set answers nothing, whoever has its place', async (t) => {
  const set = new PreparedSet(SCHEMA, {});
  set.release();
  set.release();
  const next = new PreparedSet(SCHEMA, { a: wrap('true') });
  const request = cedarRequest(
    connectRequest(query(), () => []),
    'connect',
  );
  t.throws(() => set.evaluate(request), EngineError);
  t.match(next.evaluate(request), { response: { decision: 'allow' } });
});

t.test('a long list is not deep', async (t) => {
  const long = `[${Array.from({ length: 5_000 }, (_, n) => `"p${n}"`).join(', ')}].contains(context.program)`;
  t.ok(depthOf(wrap(long)) < 10);
  t.ok(depthOf(`permit (principal, action, resource) ${'when { true } '.repeat(1_000)};`) < 10);
});

t.test('a million brackets', async (t) => {
  const depth = new Depth();
  for (const token of '([{'.repeat(300_000)) depth.take(token);
  t.ok(depth.most > MOST_DEPTH);
});

function depthOf(policy: string): number {
  return splitPolicies(policy)[0]?.depth ?? 0;
}
