/** What `revoke` and `reload` say of what they could not do. */
import t from 'tap';
import { id } from '../store/seed.ts';
import { run, serving } from './serving.ts';

t.setTimeout(60_000);

t.test('revoke: what could not be closed is said, and is no success', async (t) => {
  const done = {
    type: 'login',
    logins: [id(0)],
    hops: [id(5)],
    silenced: [id(6)],
    open: [],
    hosts: [],
  } as const;
  const { path } = await serving(t, { revoke: () => done });
  const fine = await run(path, ['revoke', id(0)]);
  t.equal(fine.code, 0);
  t.match(fine.out, new RegExp(`1 live hop closed\n  login ${id(0)}\n  hop ${id(5)}\n  hop ${id(6)}: UDP, `));
  const open = [{ hop: id(7), reason: 'the kernel has no such connection\u001b[2J' }];
  const { path: other } = await serving(t, { revoke: () => ({ ...done, open }) });
  const left = await run(other, ['revoke', id(0)]);
  t.equal(left.code, 1);
  t.match(left.out, `hop ${id(7)} goes on: the kernel has no such connection\\e[2J`);
});

t.test('reload: what needs a restart', async (t) => {
  const done = { ok: true, version: 'v2', problems: [], warnings: [] } as const;
  const restart = ['tripwire', 'proxy.workers'];
  const { path } = await serving(t, { reload: () => ({ ...done, restart }) });
  t.match(await run(path, ['reload']), {
    code: 0,
    out: 'reloaded: version v2\nneeds a restart: tripwire, proxy.workers\n',
  });
  t.same(JSON.parse((await run(path, ['reload', '--json'])).out).restart, restart);
  const { path: nothing } = await serving(t, { reload: () => ({ ...done, restart: [] }) });
  t.equal((await run(nothing, ['reload'])).out, 'reloaded: version v2\n');
});
