// One decision must not speak for another: what a socket was allowed once is no leave for where it turns next.
import t from 'tap';
import type { TreeLoginJson } from '../../src/api/json.ts';
import {
  FAMILIES,
  type Family,
  IPV4,
  labUp,
  mark,
  programs,
  ssh,
  tree,
  waitForHop,
  waitForLogin,
} from './support.ts';

t.before(labUp);
t.jobs = 4;

const PROXY = 15_001;

const evade = (way: string, family: Family, port: number, word: string, ...more: readonly unknown[]) =>
  ssh(
    'alice',
    'bastion1',
    `python3 ${programs}/evade.py ${way} ${family.address('web1')} ${port} ${word} ${more.join(' ')}`,
    { family },
  );

for (const { name, way, second, families } of [
  { name: 'by the name of an allowed destination', way: 'name', second: 'sendto ok', families: FAMILIES },
  {
    name: 'after a connect to one that failed',
    way: 'failed',
    second: 'broadcast errno EACCES',
    families: [IPV4],
  },
])
  for (const family of families)
    t.test(`datagrams to a denied peer, ${name}, ${family.name}`, { buffered: true }, async (t) => {
      const word = mark();
      const { out } = await evade(way, family, 9999, word);
      t.ok(out.startsWith(`connect ok\n${second}\nsend errno EPERM\n`), out);
      const { login, hop } = await waitForHop('bastion1', word, ({ mode }) => mode === 'denied');
      t.match(hop, { destination: { address: family.address('web1'), port: 9999 }, transport: 'udp' });
      const { hops } = await tree('bastion1', login.id);
      t.same(
        hops.filter(({ decision }) => decision.outcome === 'allow'),
        [],
        'nothing of it is recorded as allowed',
      );
    });

for (const family of FAMILIES)
  t.test(`a redirected socket, used again for the proxy, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    const { out } = await evade('proxy', family, 80, word, PROXY);
    t.equal(out, 'connect ok\ndissolve ok\nagain errno EPERM\n');
    // The proxy may find the first one reset before it takes it: then the record follows when nobody can take it any more.
    const of = (login: TreeLoginJson, port: number) =>
      login.hops.filter((hop) => hop.destination.port === port);
    const both = (login: TreeLoginJson) => of(login, 80).length > 0 && of(login, PROXY).length > 0;
    const login = await waitForLogin('bastion1', word, both);
    t.equal(login.hops.length, 2);
    const [first] = of(login, 80);
    t.ok(
      first?.decision.outcome === 'allow' || first?.decision.reason.startsWith('the proxy did not take it'),
      `${first?.decision.outcome}: ${first?.decision.reason}`,
    );
    const [again] = of(login, PROXY);
    t.match(again, { mode: 'denied', decision: { outcome: 'deny', reason: /the proxy's own port/ } });
  });
