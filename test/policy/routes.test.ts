import t from 'tap';
import type { Route } from '../../src/core/target.ts';
import { routeWarnings } from '../../src/policy/route-warnings.ts';
import type { RouteConfig } from '../../src/policy/routes.ts';
import { compileRoutes } from '../../src/policy/routes.ts';
import type { PolicyInput } from '../../src/policy/snapshot.ts';
import { compile, TARGETS, target } from './make.ts';

const BASE: RouteConfig = {
  targets: TARGETS,
  dns: { resolvers: [] },
  udp: { allow: [] },
  unlisted: 'inspect',
  loopback: 'direct',
};

function routes(
  policies: string,
  config: Partial<RouteConfig> = {},
  rest: Partial<PolicyInput> = {},
): readonly Route[] {
  const whole = { ...BASE, ...config };
  return compileRoutes(
    whole,
    compile(policies, { targets: whole.targets, loopback: whole.loopback, ...rest }),
  );
}

const line = ({ transport, prefix, port, action, target: name, decision }: Route) =>
  `${transport} ${prefix} ${port} ${action} ${name ?? '-'} ${decision === null ? '?' : decision.outcome}${decision?.observed ? ' observed' : ''}`;

const about = (all: readonly Route[], name: string) => all.filter((route) => route.target === name).map(line);

t.test('the whole table of an ordinary host', async (t) => {
  const table = routes('permit (principal in Group::"engineers", action == Action::"connect", resource);', {
    dns: { resolvers: ['10.0.0.53', 'fd00::53'] },
    udp: {
      allow: [
        { to: '10.0.0.0/8', port: 123, quic: false },
        { to: '10.1.0.0/16', port: 0, quic: false },
      ],
    },
  });
  t.strictSame(table.map(line), [
    'tcp 10.0.3.5/32 5432 inspect orders-db ?',
    'tcp 10.0.4.1/32 80 inspect web1 ?',
    'tcp 10.0.4.1/32 443 inspect web1 ?',
    'tcp fd00::1/128 80 inspect web1 ?',
    'tcp fd00::1/128 443 inspect web1 ?',
    'tcp 10.0.9.9/32 8200 inspect vault ?',
    'udp 10.0.0.53/32 53 direct - allow',
    'tcp 10.0.0.53/32 53 direct - allow',
    'udp fd00::53/128 53 direct - allow',
    'tcp fd00::53/128 53 direct - allow',
    'udp 10.0.0.0/8 123 direct - allow',
    'udp 10.1.0.0/16 0 direct - allow',
    'udp 10.1.0.0/16 443 deny - deny',
    'udp 0.0.0.0/0 443 deny - deny',
    'udp ::/0 443 deny - deny',
    'tcp 127.0.0.0/8 22 direct - allow',
    'tcp 127.0.0.0/8 0 direct - allow',
    'tcp ::1/128 22 direct - allow',
    'tcp ::1/128 0 direct - allow',
    'tcp 0.0.0.0/32 22 direct - allow',
    'tcp 0.0.0.0/32 0 direct - allow',
    'tcp ::/128 22 direct - allow',
    'tcp ::/128 0 direct - allow',
    'tcp 0.0.0.0/0 0 inspect - ?',
    'tcp ::/0 0 inspect - ?',
    'udp 0.0.0.0/0 0 deny - deny',
    'udp ::/0 0 deny - deny',
  ]);
  t.strictSame(
    table.map(({ id }) => id),
    table.map((_, index) => index + 1),
  );
  t.strictSame(table.find(({ prefix }) => prefix === '10.0.0.53/32')?.decision?.policies, [
    'config:dns.resolvers',
  ]);
});

const permit = 'permit (principal, action == Action::"connect", resource);';
const only = (name: string, rest: string) =>
  `forbid (principal, action, resource == Target::"${name}") ${rest};`;

/** Policies, the target's mode, and what becomes of `orders-db`. */
const STATIC: readonly [string, string, 'inspect' | 'direct', string][] = [
  ['nothing applies', '', 'inspect', 'deny orders-db deny'],
  [
    'nothing applies to this one',
    'permit (principal, action, resource == Target::"web1");',
    'inspect',
    'deny orders-db deny',
  ],
  ['everybody', permit, 'inspect', 'inspect orders-db allow'],
  ['everybody, direct', permit, 'direct', 'direct orders-db allow'],
  [
    'principal is User is everybody',
    'permit (principal is User, action, resource);',
    'direct',
    'direct orders-db allow',
  ],
  ['by tag', 'permit (principal, action, resource in Tag::"database");', 'direct', 'direct orders-db allow'],
  [
    'by type and tag',
    'permit (principal, action, resource is Target in Tag::"database");',
    'direct',
    'direct orders-db allow',
  ],
  [
    'by a condition on the resource',
    'permit (principal, action, resource) when { resource in Tag::"prod" };',
    'direct',
    'direct orders-db allow',
  ],
  [
    'by a condition on the action',
    'permit (principal, action, resource) when { action == Action::"connect" };',
    'direct',
    'direct orders-db allow',
  ],
  ['forbidden', `${permit} ${only('orders-db', '')}`, 'direct', 'deny orders-db deny'],
  [
    'a static error',
    `${permit} ${only('orders-db', 'when { 9223372036854775807 + 1 == 0 }')}`,
    'direct',
    'deny orders-db deny',
  ],
  [
    'approval is waited for in the proxy',
    `${permit} @approval("dba-leads") ${only('orders-db', '')}`,
    'direct',
    'inspect orders-db approve',
  ],
  ['a group', 'permit (principal in Group::"engineers", action, resource);', 'direct', 'inspect orders-db ?'],
  ['a person', 'permit (principal == User::"alice", action, resource);', 'direct', 'inspect orders-db ?'],
  [
    'a type in a group',
    'permit (principal is User in Group::"engineers", action, resource);',
    'direct',
    'inspect orders-db ?',
  ],
  [
    'a condition on the principal',
    'permit (principal, action, resource) when { principal in Group::"engineers" };',
    'direct',
    'inspect orders-db ?',
  ],
  [
    'a condition on the context',
    'permit (principal, action, resource) when { context.depth < 3 };',
    'direct',
    'inspect orders-db ?',
  ],
  [
    'the context as a whole',
    'permit (principal, action, resource) when { context == context };',
    'direct',
    'inspect orders-db ?',
  ],
  ['has', 'permit (principal, action, resource) when { context has name };', 'direct', 'inspect orders-db ?'],
  [
    'deep inside',
    'permit (principal, action, resource) when { if true then [1, {a: context}.a.port].contains(1) else false };',
    'direct',
    'inspect orders-db ?',
  ],
  [
    'in an unless',
    `${permit} ${only('orders-db', 'unless { principal == User::"alice" }')}`,
    'direct',
    'inspect orders-db ?',
  ],
  [
    'one of two',
    `${permit} ${only('orders-db', 'when { context.verified }')}`,
    'direct',
    'inspect orders-db ?',
  ],
  [
    'that of another target',
    `${permit} ${only('web1', 'when { context.verified }')}`,
    'direct',
    'direct orders-db allow',
  ],
  [
    'that of another tag',
    `${permit} forbid (principal == User::"bob", action, resource in Tag::"web");`,
    'direct',
    'direct orders-db allow',
  ],
  [
    'that of another action',
    `${permit} forbid (principal == User::"bob", action in [Action::"query", Action::"shell"], resource);`,
    'direct',
    'direct orders-db allow',
  ],
  [
    'one of several actions',
    `${permit} forbid (principal == User::"bob", action in [Action::"query", Action::"connect"], resource);`,
    'direct',
    'inspect orders-db ?',
  ],
  [
    'words that only look like variables',
    `${permit} forbid (principal, action, resource) when { {Var: "context"}.Var == "principal" };`,
    'direct',
    'direct orders-db allow',
  ],
];

t.test('what is the same for everybody is compiled in, and nothing else is', async (t) => {
  for (const [what, policies, mode, expected] of STATIC) {
    const targets = [
      target('orders-db', { tags: ['prod', 'database'], mode }),
      target('web1', { addresses: ['10.0.4.1/32'], tags: ['web'] }),
    ];
    t.strictSame(
      about(routes(policies, { targets }), 'orders-db'),
      [`tcp 10.0.3.5/32 5432 ${expected}`],
      what,
    );
  }
});

t.test('observe lets pass what enforce would deny', async (t) => {
  const targets = [
    target('a'),
    target('b', { addresses: ['10.0.0.2/32'], mode: 'direct' }),
    target('u', { addresses: ['10.0.0.3/32'], transport: 'udp', mode: 'direct' }),
  ];
  const table = routes('', { targets }, { mode: 'observe' });
  t.strictSame(about(table, 'a'), ['tcp 10.0.3.5/32 5432 inspect a deny observed']);
  t.strictSame(about(table, 'b'), ['tcp 10.0.0.2/32 5432 direct b deny observed']);
  t.strictSame(about(table, 'u'), ['udp 10.0.0.3/32 5432 direct u deny observed']);
  t.ok(table.every(({ action }) => action !== 'deny'));
  t.ok(table.map(line).includes('udp 0.0.0.0/0 443 direct - deny observed'));
  t.ok(table.map(line).includes('udp 0.0.0.0/0 0 direct - deny observed'));
  t.ok(table.map(line).includes('tcp 0.0.0.0/0 0 inspect - deny observed'));
});

t.test('UDP cannot be held to be decided', async (t) => {
  const targets = [
    target('ntp', { addresses: ['10.0.0.1/32'], ports: [123], transport: 'udp', mode: 'direct' }),
  ];
  const table = (policies: string, mode: 'enforce' | 'observe' = 'enforce') =>
    about(routes(policies, { targets }, { mode }), 'ntp');
  t.strictSame(table(permit), ['udp 10.0.0.1/32 123 direct ntp allow']);
  t.strictSame(table(''), ['udp 10.0.0.1/32 123 deny ntp deny']);
  t.strictSame(table('permit (principal in Group::"x", action, resource);'), [
    'udp 10.0.0.1/32 123 deny ntp deny',
  ]);
  t.strictSame(table('permit (principal in Group::"x", action, resource);', 'observe'), [
    'udp 10.0.0.1/32 123 direct ntp deny observed',
  ]);
  t.strictSame(table(`${permit} @approval("x") forbid (principal, action, resource);`), [
    'udp 10.0.0.1/32 123 deny ntp approve',
  ]);
});

t.test('loopback', async (t) => {
  const local = (policies: string, loopback: 'direct' | 'inspect') => {
    const [ssh, ...others] = routes(policies, { loopback }).filter(({ prefix }) => prefix === '127.0.0.0/8');
    t.equal(ssh && line(ssh).replace(' 22 ', ' 0 '), others[0] && line(others[0]), 'SSH as any other port');
    return others.map(line);
  };
  t.strictSame(local('', 'direct'), ['tcp 127.0.0.0/8 0 direct - allow']);
  t.strictSame(local('permit (principal == User::"bob", action, resource);', 'direct'), [
    'tcp 127.0.0.0/8 0 direct - allow',
  ]);
  t.strictSame(local('forbid (principal, action, resource == Target::"loopback");', 'direct'), [
    'tcp 127.0.0.0/8 0 deny - deny',
  ]);
  t.strictSame(local('forbid (principal == User::"bob", action, resource);', 'direct'), [
    'tcp 127.0.0.0/8 0 inspect - ?',
  ]);
  t.strictSame(local('', 'inspect'), ['tcp 127.0.0.0/8 0 deny - deny']);
  t.strictSame(local(permit, 'inspect'), ['tcp 127.0.0.0/8 0 inspect - allow']);
  const targets = [target('local-db', { addresses: ['127.0.0.1/32', '::1/128'] })];
  t.strictSame(
    about(routes(permit, { targets }), 'local-db'),
    [
      'tcp 127.0.0.1/32 5432 inspect local-db allow',
      'tcp 0.0.0.0/32 5432 inspect local-db allow',
      'tcp ::1/128 5432 inspect local-db allow',
      'tcp ::/128 5432 inspect local-db allow',
    ],
    'not to be reached round it by connecting to 0.0.0.0',
  );
});

t.test('unlisted', async (t) => {
  const other = (policies: string, unlisted: 'direct' | 'inspect') =>
    routes(policies, { unlisted })
      .filter(({ prefix, transport, port }) => prefix === '::/0' && transport === 'tcp' && port === 0)
      .map(line);
  t.strictSame(other('', 'inspect'), ['tcp ::/0 0 deny - deny']);
  t.strictSame(other(permit, 'inspect'), ['tcp ::/0 0 inspect - allow']);
  t.strictSame(other(permit, 'direct'), ['tcp ::/0 0 direct - allow']);
  t.strictSame(other('permit (principal == User::"bob", action, resource);', 'direct'), [
    'tcp ::/0 0 inspect - ?',
  ]);
  t.strictSame(other('permit (principal, action, resource == Target::"loopback");', 'direct'), [
    'tcp ::/0 0 deny - deny',
  ]);
});

t.test('one line for each prefix, port and transport: the more deliberate rule', async (t) => {
  const targets = [
    target('dns', { addresses: ['10.0.0.53/32'], ports: [53] }),
    target('ntp', { addresses: ['10.0.0.0/8'], ports: [123], transport: 'udp', mode: 'direct' }),
    target('all-ssh', { addresses: ['0.0.0.0/0'], ports: [22] }),
  ];
  const table = routes('', {
    targets,
    dns: { resolvers: ['10.0.0.53'] },
    udp: {
      allow: [
        { to: '10.0.0.0/8', port: 123, quic: false },
        { to: '0.0.0.0/0', port: 443, quic: true },
        { to: '::/0', port: 0, quic: false },
      ],
    },
  });
  const keys = table.map(({ transport, prefix, port }) => `${transport} ${prefix} ${port}`);
  t.equal(new Set(keys).size, keys.length);
  const find = (key: string) => line(table[keys.indexOf(key)] as Route);
  t.equal(find('tcp 10.0.0.53/32 53'), 'tcp 10.0.0.53/32 53 deny dns deny');
  t.equal(find('udp 10.0.0.53/32 53'), 'udp 10.0.0.53/32 53 direct - allow');
  t.equal(find('udp 10.0.0.0/8 123'), 'udp 10.0.0.0/8 123 deny ntp deny');
  t.equal(find('udp 0.0.0.0/0 443'), 'udp 0.0.0.0/0 443 direct - allow');
  t.equal(find('udp ::/0 0'), 'udp ::/0 0 direct - allow');
  t.equal(find('udp ::/0 443'), 'udp ::/0 443 deny - deny');
});

t.test('ids go on where an older table ended', async (t) => {
  t.equal(compileRoutes(BASE, compile(''), 100)[0]?.id, 100);
});

t.test('a target that policy treats otherwise than its mode says is a warning', async (t) => {
  const targets = [
    target('d', { mode: 'direct' }),
    target('u', { addresses: ['10.0.0.1/32'], transport: 'udp', mode: 'direct' }),
    target('i', { addresses: ['10.0.0.2/32'] }),
  ];
  const paths = { state: '', run: '', pins: '', config: '/etc/hopline' };
  const warn = (policies: string) => routeWarnings(routes(policies, { targets }), { targets, paths });
  t.strictSame(warn(permit), []);
  t.match(warn('permit (principal == User::"bob", action, resource);'), [
    { file: '/etc/hopline/targets.yaml', path: 'targets.d', message: /redirected although/ },
    { path: 'targets.u', message: /is denied: policy about u asks who/ },
  ]);
});

t.test('a target of any port on loopback is not passed by for SSH', async (t) => {
  const policy = `permit (principal, action == Action::"connect", resource);
    forbid (principal, action == Action::"connect", resource == Target::"here");`;
  const here = target('here', { addresses: ['127.0.0.0/8'], ports: [0] });
  const table = routes(policy, { targets: [here] }).map(line);
  t.match(table, ['tcp 127.0.0.0/8 0 deny here deny']);
  t.notOk(table.some((one) => one.startsWith('tcp 127.0.0.0/8 22 ')));
});
