import t from 'tap';
import { rig } from './rig.ts';
import { startSshd } from './sshd.ts';

const sshd = await startSshd();
t.teardown(() => sshd[Symbol.dispose]());
const known = `[db1]:${sshd.port} ${sshd.hostKey}`;

t.test('a command at a host that is known', async (t) => {
  const { ssh, ends } = await rig(t, { knownHosts: known, destination: sshd.port, keys: [sshd.key] });
  const ran = await ssh(['echo out; echo err >&2; exit 7']);
  t.match(ran, { out: 'out\n', err: 'err\n', code: 7 });
  t.match(ends, [{ reason: null }]);
});
