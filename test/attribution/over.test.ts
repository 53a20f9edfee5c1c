/** Roots of which nothing lives any more, and those that the kernel ends too early. */
import t from 'tap';
import { Roots } from '../../src/attribution/roots.ts';
import { idFromBigInt } from '../../src/core/ids.ts';
import { HlEventType, HlKind, HlSocketFlag } from '../../src/kernel/layouts.generated.ts';
import { flow, Remembering, ROOT, who } from './events.ts';
import { ALICE, Host, session } from './host.ts';

const LOGIN = idFromBigInt(ROOT);
const { EV_ROOT, EV_ROOT_END } = HlEventType;

/** A login that is over, in which curl has run. */
function over(): Host {
  const host = new Host();
  host.pam = [session];
  host.login();
  host.exec(2, { name: 'curl' });
  for (const n of [2, 1, 0]) host.exit(n);
  host.root(EV_ROOT_END);
  return host;
}

t.test("a connection that is claimed after its login's last process has gone is that login's", async (t) => {
  const host = over();
  const { root, image } = host.at.resolve(who(2), 9);
  t.match(root, { id: LOGIN, user: 'alice', identity: ALICE });
  t.equal(image?.label, 'curl');
  if (root) host.at.store(root, image);
  t.equal(host.record.of('login').length, 1, 'no second one');
  host.at.flows.neverTaken({ ...flow(), who: who(2) }, 9, 'late');
  t.match(host.record.of('hop'), [[{ login: LOGIN, chain: ['bash', 'curl'] }]]);
  t.equal(host.at.roots.byKernelId(ROOT), undefined, 'and it stays over');
});

t.test('a claim of a root that nobody ever knew leaves nothing behind', async (t) => {
  const host = new Host();
  const { root, image } = host.at.resolve(who(2), 9);
  t.match(root, { id: LOGIN, ended: 9, identity: null });
  if (root) host.at.store(root, image);
  t.match(host.record.of('login'), [[{ id: LOGIN, ended: 9, recovered: true }]]);
  t.same([host.at.roots.get(LOGIN), host.at.roots.byKernelId(ROOT)], [undefined, undefined]);
  t.equal(host.at.resolve(who(3), 10).root, root, 'the next one is of the same');
  const living = new Host();
  living.live = 1;
  t.equal(living.at.resolve(who(2), 9).root?.ended, null, 'where the kernel has it, its end will be told');
  t.ok(living.at.roots.byKernelId(ROOT));
});

t.test('what the ring tells of a root that has ended since is told before its end', async (t) => {
  const host = new Host();
  host.flow({ who: who(2, { kind: HlKind.CRON }), flags: HlSocketFlag.S_OPEN });
  t.ok(host.at.roots.byKernelId(ROOT));
  host.root(EV_ROOT_END);
  t.match(host.record.of('loginEnd'), [[LOGIN, { lingering: false }]]);
  t.equal(host.at.roots.byKernelId(ROOT), undefined);
});

t.test(
  'roots that are over are kept a while, those with a record alone, oldest forgotten first',
  async (t) => {
    const record = new Remembering();
    const roots = new Roots('bastion1', record);
    const end = (n: number, stored: boolean) => {
      const kernelId = ROOT + BigInt(n) * 256n;
      const root = roots.begin({ kernelId, kind: HlKind.SSH, leader: '', at: n });
      if (stored) roots.store(root);
      roots.finish(root, n);
      return kernelId;
    };
    const first = end(0, true);
    for (let n = 1; n < 5000; n++) end(n, false);
    t.equal(roots.over(first)?.kernelId, first, 'connections that came to nothing push out none');
    for (let n = 5000; n < 5999; n++) end(n, true);
    t.ok(roots.over(first));
    const last = end(6000, true);
    t.equal(roots.over(first), undefined);
    t.ok(roots.over(last));
    t.equal(roots.byKernelId(last), undefined);
  },
);

t.test('a root that the kernel ended while processes of it live is not over', async (t) => {
  const host = new Host();
  host.live = 1;
  host.at.resolve(who(1), 1);
  host.live = 0;
  host.counted = 2;
  host.root(EV_ROOT_END);
  t.same(host.forgotten, [], 'its revocation stays');
  t.ok(host.at.roots.byKernelId(ROOT));
  host.counted = 0;
  host.root(EV_ROOT_END);
  t.same(host.forgotten, [ROOT]);
  t.equal(host.at.roots.byKernelId(ROOT), undefined);
  const born = new Host();
  born.counted = 2;
  born.root(EV_ROOT);
  born.root(EV_ROOT_END);
  t.equal(
    born.at.roots.byKernelId(ROOT),
    undefined,
    'a root that the kernel has seen being born it counts right',
  );
  const again = new Host();
  again.root(EV_ROOT);
  again.live = 3;
  again.root(EV_ROOT_END);
  t.ok(again.at.roots.byKernelId(ROOT), 'it has been given back since');
});
