/** The fleet, and trees that go on on other hosts, as a person sees them. */
import t from 'tap';
import { treeLoginJson } from '../../src/api/json.ts';
import { allow, hop, id, login, T0 } from '../store/seed.ts';
import { run, serving } from './serving.ts';

t.setTimeout(120_000);

const since = '2020-01-02T22:41:10.000Z';
const fleet = {
  ...{ host: 'bastion1', joined: true, founded: true, listen: '10.77.0.11:7422' },
  peers: [
    { host: 'bastion2', endpoint: '10.77.0.12:7422', addresses: [], connected: true, reason: null, since },
    {
      ...{ host: 'bastion3', endpoint: null, addresses: [], connected: false, since: null },
      reason: 'nothing listens there\u001b[2J',
    },
  ],
  invited: [{ host: 'bastion4', expires: since }],
};

t.test('peer list: who is connected, who is not and why', async (t) => {
  const { path } = await serving(t, { peers: () => fleet });
  const { code, out } = await run(path, ['peer', 'list']);
  t.equal(code, 1, 'one is not');
  t.match(out, /^bastion1 listens on 10\.77\.0\.11:7422; hosts are invited here\nHOST +AT +STATE +SINCE\n/);
  t.match(out, /\nbastion2 +10\.77\.0\.12:7422 +connected +2020-01-0/);
  t.match(out, /\nbastion3 +- +not connected: nothing listens there\\e\[2J +-\n/);
  t.match(out, /\nbastion4 is invited until 2020-01-0/);
  t.same(JSON.parse((await run(path, ['--json', 'peer', 'list'])).out), fleet);
  const { path: alone } = await serving(t, { peers: () => ({ ...fleet, joined: false, peers: [] }) });
  const none = await run(alone, ['peer', 'list']);
  t.equal(none.code, 0);
  t.match(none.out, 'this host is in no fleet: sudo hopline peer invite HOST makes one');
});

t.test('peer invite: the line to type there, alone on standard output', async (t) => {
  const asked: unknown[] = [];
  const { path } = await serving(t, {
    'peer.invite': (params) => {
      asked.push(params);
      const endpoint = params.host === 'bastion2' ? '10.77.0.11:7422' : null;
      return { host: params.host, token: 'hopline-abc', expires: since, endpoint };
    },
    'peer.join': (params) => {
      asked.push(params);
      return { by: 'bastion1' };
    },
  });
  const known = await run(path, ['peer', 'invite', 'bastion2']);
  t.equal(known.out, 'sudo hopline peer join 10.77.0.11:7422 hopline-abc\n');
  t.match(known.err, /^on bastion2, once, before 2020-01-0/);
  const unknown = await run(path, ['peer', 'invite', 'bastion3']);
  t.match(unknown.out, 'peer join ADDRESS:PORT hopline-abc');
  t.match(unknown.err, 'set peering.listen, or peering.advertise');
  const joined = await run(path, ['peer', 'join', '10.77.0.11:7422', 'hopline-abc']);
  t.equal(joined.out, 'joined the fleet of bastion1: hopline peer list\n');
  t.same(asked.at(-1), { endpoint: '10.77.0.11:7422', token: 'hopline-abc' });
});

t.test('a tree with what other hosts have of it, and who could not say', async (t) => {
  const link = { evidence: 'four-tuple', host: 'bastion1', hop: id(900), depth: 1, reason: null } as const;
  const above = {
    ...login({ id: id(800), host: 'bastion1' }),
    ...{ processes: [], recordings: [], handoffs: [] },
    hops: [hop({ id: id(900), login: id(800), process: null, childHost: 'bastion2', childLogin: id(0) })],
  };
  const own = {
    ...login({ host: 'bastion2', parentHop: id(900), link, started: T0 }),
    ...{ processes: [], recordings: [], handoffs: [] },
    hops: [hop({ process: null, childHost: 'bastion3', childLogin: id(70), decision: allow })],
  };
  const local: unknown[] = [];
  const { path } = await serving(t, {
    tree: (params) => {
      local.push(params.local);
      return {
        ...{ logins: [treeLoginJson(own)], unattributed: [], omitted: 0 },
        parts: [{ host: 'bastion1', logins: JSON.stringify([treeLoginJson(above)]) }],
        absent: [{ host: 'bastion3', reason: 'it is away' }],
      };
    },
  });
  const { out } = await run(path, ['tree', id(0)]);
  const lines = out.trimEnd().split('\n');
  t.match(lines[0], new RegExp(`^bastion1  alice .*\\[L ${id(800)}\\]$`));
  t.match(lines[1], /^└─ → orders-db .* → bastion2 \[L /);
  t.match(
    lines[2],
    new RegExp(`^ {3}└─ bastion2  alice .*⇠ bastion1 hop ${id(900)} \\(four-tuple\\)  \\[L ${id(0)}\\]$`),
  );
  t.match(lines[4], /└─ bastion3 does not say what it has of this: it is away$/);
  const json = await run(path, ['--json', 'tree', '--local']);
  t.match(JSON.parse(json.out), [{ id: id(0) }, { id: id(800) }]);
  t.match(json.err, 'bastion3 does not say what it has of this: it is away');
  t.strictSame(local, [false, true]);
  const { path: wrong } = await serving(t, {
    tree: () => ({
      ...{ logins: [], unattributed: [], omitted: 0, absent: [] },
      parts: [{ host: 'bastion1', logins: '[{"id":1}]' }],
    }),
  });
  const refused = await run(wrong, ['tree']);
  t.equal(refused.code, 2);
  t.match(refused.err, 'what bastion1 has is not what hopline tree --json prints');
});
