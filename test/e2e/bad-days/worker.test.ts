/** Workers that stand still: the others take over; where all do, connections end in time and nothing is left behind. */
import t, { type Test } from 'tap';
import { entries } from './maps.ts';
import { hops, labDown, labUp, loginOf, rootOnly, Shell, status, until } from './support.ts';

const FLOW_KEY = 24;
const web = (seconds: number) => `curl -s -m ${seconds} http://10.77.0.30/`;

async function freeze(t: Test, count: number): Promise<{ pids: number[]; thaw: () => void }> {
  const pids = (await status()).workers.slice(0, count).map(({ pid }) => pid ?? 0);
  const thaw = () => {
    for (const pid of pids.splice(0)) {
      try {
        process.kill(pid, 'SIGCONT');
      } catch {
        // It was killed as one that does not answer.
      }
    }
  };
  t.teardown(thaw);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  return { pids, thaw };
}

async function nothingLeft(t: Test): Promise<void> {
  await until('no open hop', async () => (await status()).kernel.openHops === 0);
  const { workers } = await status();
  t.same(
    workers.map(({ open }) => open),
    workers.map(() => 0),
    'no worker holds a connection',
  );
  await until('no flow left', () => entries('flows', FLOW_KEY) === 0);
  t.same(
    (await hops()).filter(({ ended }) => ended === null),
    [],
    'every hop has ended',
  );
}

if (rootOnly) t.plan(0, rootOnly);
else {
  t.setTimeout(1_200_000);
  t.before(() => labUp({ daemon: true }));
  t.teardown(labDown);

  t.test('one of them: the other takes what comes', { timeout: 240_000 }, async (t) => {
    const shell = new Shell('alice@bastion1');
    const login = await loginOf(shell);
    const { thaw } = await freeze(t, 1);
    const codes = [];
    for (let n = 0; n < 20; n++) codes.push((await shell.run(web(6))).code);
    const through = codes.filter((code) => code === 0).length;
    t.ok(through >= 18, `${through} of 20 were let through (${codes.join(' ')})`);
    thaw();
    await nothingLeft(t);
    const made = await hops({ login });
    t.ok(made.length >= through, 'each is a hop');
    t.same(
      made.filter(({ chain }) => chain.at(-1) !== 'curl'),
      [],
    );
    shell.close();
  });

  t.test(
    'all of them: connections wait, and end when the client has had enough',
    { timeout: 240_000 },
    async (t) => {
      const shell = new Shell('bob@bastion1');
      const login = await loginOf(shell);
      const { pids, thaw } = await freeze(t, 64);
      t.ok(pids.length >= 2);
      for (let n = 0; n < 3; n++) {
        const began = Date.now();
        const { code, out } = await shell.run(web(3));
        t.not(code, 0);
        t.equal(out, '');
        t.ok(Date.now() - began < 6000, 'in its own time');
      }
      // A flow that nobody takes is given up after a while, and is a record then.
      const refused = await until('a record of each', async () => {
        const found = await hops({ login });
        return found.length === 3 ? found : null;
      });
      for (const { mode, endReason } of refused)
        t.match({ mode, endReason }, { mode: 'denied', endReason: /the proxy did not take it/ });
      t.equal(entries('flows', FLOW_KEY), 0, 'no flow left');
      thaw();
      t.match(await shell.run(web(8)), { code: 0, out: /hello from web1/ }, 'then they go on');
      await nothingLeft(t);
      const made = await hops({ login });
      t.equal(
        made.filter(({ mode }) => mode === 'inspect').length,
        1,
        'what had waited did not go out afterwards',
      );
      shell.close();
    },
  );
}
