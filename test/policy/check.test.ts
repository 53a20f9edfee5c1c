import t from 'tap';
import { ConfigError } from '../../src/config/problem.ts';
import { checkPolicies } from '../../src/policy/check.ts';
import { SCHEMA } from '../../src/policy/schema.ts';
import { compilePolicies } from '../../src/policy/snapshot.ts';
import { places } from '../config/directory.ts';
import { compile, IDENTITIES, policyFile, TARGETS } from './make.ts';

const check = (...texts: string[]) =>
  checkPolicies({
    files: texts.map((text, index) => policyFile(text, `/p/${index}.cedar`)),
    targets: TARGETS,
    identities: IDENTITIES,
  });

const any = 'permit (principal, action, resource)';
const FORBID = 'forbid (principal, action == Action::"query", resource);';
const WRONG: readonly [string, readonly string[], RegExp][] = [
  ['permit (principla, action, resource);', ['0.cedar:1:9'], /invalid variable/],
  [`// ünïcode 🦀\n\n  ${any} when { context.dept > 3 };`, ['0.cedar:3:47'], /attribute `dept`/],
  [`/* no */ ${any};`, ['0.cedar:1:1'], /./],
  [`${any}\n${any};`, ['0.cedar:2:8'], /unexpected token/],
  [`${any}`, ['0.cedar:1:37'], /unexpected end/],
  [`${any} when { "open };`, ['0.cedar:1:45'], /./],
  ['permit (principal, action == Action::"conect", resource);', ['0.cedar:1:30'], /unrecognized action/],
  ['permit (principal == Usr::"a", action, resource);', ['0.cedar:1:22'], /unrecognized entity type/],
  [`${any} when { context.port > "a" };`, ['0.cedar:1:60'], /expected Long but saw String/],
  [`${any} when { context.name == "a" };`, ['0.cedar:1:45'], /optional/],
  ['permit (principal == ?principal, action, resource);', ['0.cedar:1:22'], /template/],
  [`@id("a") @id("b") ${any};`, ['0.cedar:1:10'], /duplicate annotation/],
  [
    `@id("a") ${any};\n@id("a") ${any};`,
    ['0.cedar:2:1'],
    /another policy has the id "a" \(\/p\/0\.cedar:1:1\)/,
  ],
  [`@id ${any};`, ['0.cedar:1:1 @id'], /has no value/],
  [`@id("config:x") ${any};`, ['0.cedar:1:1 @id'], /config:/],
  [`@id("\\u{1b}") ${any};`, ['0.cedar:1:1 @id'], /no usable id/],
  [`@id("x")\n@approval("engineers") ${any};`, ['0.cedar:2:1 @approval'], /belongs on a forbid/],
  [`@approval_timeout("5m") ${FORBID}`, ['0.cedar:1:1 @approval_timeout'], /belongs beside an @approval/],
  [
    `@approval("engineers") @approval_timeout("soon")\n${FORBID}`,
    ['0.cedar:1:24 @approval_timeout'],
    /is no duration/,
  ],
  [`@approval\n@approval_timeout ${FORBID}`, ['0.cedar:2:1 @approval_timeout'], /has no value/],
  [
    '@record("some") permit (principal, action == Action::"query", resource);',
    ['0.cedar:1:1 @record'],
    /is no way to record/,
  ],
  [
    '@record("rows:0") permit (principal, action == Action::"query", resource);',
    ['0.cedar:1:1 @record'],
    /is no way to record/,
  ],
  [
    '@record("all") forbid (principal, action == Action::"query", resource);',
    ['0.cedar:1:1 @record'],
    /belongs on a permit of query/,
  ],
  [
    '@record("all") permit (principal, action in [Action::"connect", Action::"forward"], resource);',
    ['0.cedar:1:1 @record'],
    /belongs on a permit of query/,
  ],
  [`@record ${any};`, ['0.cedar:1:1 @record'], /has no value/],
  [
    '@mask("lots") forbid (principal, action == Action::"reveal", resource);',
    ['0.cedar:1:1 @mask'],
    /"lots" is not a mask form; accepted are full/,
  ],
  [
    '@mask("last4") forbid (principal, action == Action::"query", resource);',
    ['0.cedar:1:1 @mask'],
    /forbid of reveal/,
  ],
  [
    `${any};\nfrobid (principal, action, resource);\n${any} when { foo };`,
    ['0.cedar:2:1', '0.cedar:3:45'],
    /frobid/,
  ],
  [`${any} when { ${'('.repeat(5_000)}true${')'.repeat(5_000)} };`, ['0.cedar:1:1'], /nested too deeply/],
  [`${any} when { ${'!'.repeat(5_000)}true };`, ['0.cedar:1:1'], /nested too deeply/],
  [`${any} when { ${Array(5_000).fill('true').join(' || ')} };`, ['0.cedar:1:1'], /nested too deeply/],
  [`${any} when { ${'if true then true else '.repeat(5_000)} true };`, ['0.cedar:1:1'], /nested too deeply/],
  [`${any} when { context${'["a"]'.repeat(5_000)} };`, ['0.cedar:1:1'], /nested too deeply/],
];

t.test('each mistake in a policy, with its place', async (t) => {
  for (const [text, expected, message] of WRONG) {
    const { problems } = check(text);
    t.strictSame(places(problems), expected, text.slice(0, 100));
    t.match(problems[0]?.message, message, text.slice(0, 100));
    t.ok(problems[0]?.hint ?? problems[0]?.expected, text.slice(0, 100));
  }
  t.equal(compile(`${any};`).policies.length, 1, 'and the engine is as good as new');
});

t.test('all files, all mistakes; none of it is used', async (t) => {
  const files = [policyFile(`${any};\npermit;`, '/p/a.cedar'), policyFile('permit (a, b, c);', '/p/b.cedar')];
  const input = { files, mode: 'enforce', targets: [], identities: [] } as const;
  t.throws(() => compilePolicies(input), ConfigError);
  t.throws(() => compilePolicies(input), { message: /\/p\/a\.cedar:2:7: [\s\S]*\/p\/b\.cedar:1:9: / });
});

t.test('names that nothing defines are warnings', async (t) => {
  const { problems, warnings } = check(`// Group::"nobody" in a comment
permit (principal in Group::"enginers", action == Action::"connect", resource == Target::"order-db")
when { resource in [Tag::"prod", Tag :: "databse"] || context.program == "Tag::\\"x\\"" };
permit (principal == User::"alise", action == Action::"connect", resource in Tag::"unlisted");
permit (principal == User::"account:x", action == Action::"connect", resource == Target::"loopback");
permit (principal in Group::"unattended", action == Action::"connect", resource == Target::"unlisted");
@id("a") @approval("dba-leds")
forbid (principal, action == Action::"query", resource);`);
  t.strictSame(problems, []);
  t.strictSame(places(warnings), [
    '0.cedar:2:22',
    '0.cedar:2:82',
    '0.cedar:3:34',
    '0.cedar:4:22',
    '0.cedar:7:10 @approval',
  ]);
  t.match(warnings, [
    { message: 'no group of this name is in identities.yaml', hint: 'did you mean "engineers"?' },
    { message: 'no target of this name is in targets.yaml', hint: 'did you mean "orders-db"?' },
    { hint: 'did you mean "database"?' },
    { hint: 'did you mean "alice"?' },
    { hint: 'did you mean "dba-leads"?' },
  ]);
});

t.test('a forbid for what is not there is refused: what it was to close would be open', async (t) => {
  const { problems, warnings } = check(
    `forbid (principal, action == Action::"connect", resource == Target::"order-db");
forbid (principal, action == Action::"connect", resource in Tag::"databse");`,
  );
  t.strictSame(places(problems), ['0.cedar:1:61', '0.cedar:2:61']);
  t.strictSame(warnings, []);
});

t.test('what is allowed but probably not meant', async (t) => {
  const { problems, warnings } = check(
    `@aproval("x") ${any} when { false };\n@approval("dba-leads") forbid (principal, action, resource);`,
  );
  t.strictSame(problems, []);
  t.match(warnings, [
    { line: 1, path: '@aproval', hint: 'did you mean "approval"?' },
    { line: 2, path: '@approval', message: /^cannot wait for an approval, and is refused: connect,/ },
    { line: 1, message: /impossible/ },
  ]);
});

t.test('ids, annotations, places', async (t) => {
  const { policies } = check(
    `${any}; ${any};\n\n@id("named") @message("a; \\"b\\"") // c; d\n ${any};`,
    '',
    '// only a comment; permit\n',
    `${any};`,
  );
  t.match(policies, [
    { id: '0.cedar:1', line: 1, column: 1, approval: null, message: null, mask: null },
    { id: '0.cedar:1.2', line: 1, column: 39 },
    { id: 'named', line: 3, column: 1, message: 'a; "b"' },
    { id: '3.cedar:1', file: '/p/3.cedar' },
  ]);
  t.equal(policies.length, 4);
  const [held, timed] = check(
    `@approval("dba-leads") ${FORBID} @approval @approval_timeout("90s") ${FORBID}`,
  ).policies;
  t.strictSame(held?.approval, { group: 'dba-leads', timeoutMs: null });
  t.strictSame(timed?.approval, { group: null, timeoutMs: 90_000 });
  t.match(check('@mask("last4") forbid (principal, action == Action::"reveal", resource);').policies, [
    { mask: 'last4', effect: 'forbid' },
  ]);
});

t.test('a carriage return ends a comment, as it does for Cedar', async (t) => {
  t.equal(check(`${any};\n// old\rforbid (principal, action, resource);`).policies.length, 2);
});

t.test('no context says one thing by two names, or two things by one', async (t) => {
  const types = [...SCHEMA.matchAll(/^type (\w+) = \{([^}]*)\}/gm)];
  t.ok(types.length > 5);
  for (const [, name, body = ''] of types) {
    const fields = [...body.matchAll(/^\s*(\w+)\??:/gm)].map(([, field]) => field);
    t.strictSame(fields, [...new Set(fields)], name ?? '');
  }
});
