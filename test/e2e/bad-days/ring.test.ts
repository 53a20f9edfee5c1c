/** The ring buffer overruns while the supervisor does not read: counted, told, and nobody is mistaken for another. */
import t from 'tap';
import {
  compile,
  daemonPid,
  hops,
  labDown,
  labUp,
  loginOf,
  notices,
  rootOnly,
  Shell,
  status,
  until,
} from './support.ts';

/** 16 MiB of ring, and an event holds up to 4 KiB of argv: this is twice as much. */
const EXECS = 8000;
const ARGUMENT = 4000;
const WEB = 'curl -s -m 9 http://10.77.0.30/';

if (rootOnly) t.plan(0, rootOnly);
else {
  t.setTimeout(1_200_000);
  t.before(() => labUp({ daemon: true }));
  t.teardown(labDown);

  t.test('a supervisor that stands still', { timeout: 180_000 }, async (t) => {
    compile('spawn.c', '/usr/local/bin/spawn');
    const [alice, bob] = [new Shell('alice@bastion1'), new Shell('bob@bastion1')];
    const ids = [await loginOf(alice), await loginOf(bob)];
    const pid = daemonPid();
    const since = new Date().toISOString();
    process.kill(pid, 'SIGSTOP');
    t.teardown(() => {
      try {
        process.kill(pid, 'SIGCONT');
      } catch {
        // It went down with the lab.
      }
    });
    const spawned = await alice.run(`/usr/local/bin/spawn 0 ${EXECS} ${ARGUMENT}`);
    t.equal(spawned.out, `0 ${EXECS}`, 'processes run on without a supervisor');
    // Their execs do not fit any more; they connect when the supervisor reads again.
    for (const shell of [alice, bob]) {
      shell.background(
        `bash -c 'until [ -e /tmp/go ]; do sleep 0.2; done; cat 3<>/dev/tcp/10.77.0.30/443 <&3'`,
      );
      shell.background(`bash -c 'until [ -e /tmp/go ]; do sleep 0.2; done; curl -s -m 9 http://10.77.0.30/'`);
    }
    const meanwhile = await bob.run(WEB);
    t.not(meanwhile.code, 0, 'an intercepted connection meanwhile is refused');
    t.equal(meanwhile.out, '');

    process.kill(pid, 'SIGCONT');
    const note = await until('a loss', async () =>
      (await notices('loss')).find(({ detail }) => /ring buffer/.test(detail)),
    );
    t.ok(note.count > 1000, `${note.count} events were lost`);
    const { kernel } = await status();
    t.ok(Number(kernel.eventsLost) >= note.count, 'the status says how many');

    await alice.run('touch /tmp/go');
    for (const [index, shell] of [alice, bob].entries()) {
      const marked = new Date().toISOString();
      t.match(await shell.run(WEB), { code: 0, out: /hello from web1/ });
      const made = (await hops({ since: marked })).filter(
        ({ chain }) => chain.at(-1) === 'curl' && chain.length < 4,
      );
      t.ok(
        made.some(({ login }) => login === ids[index]),
        'the next connection is attributed',
      );
    }
    const late = await until('the hops of programs whose start was lost', async () => {
      const found = (await hops({ since })).filter(({ decision }) => decision.outcome === 'allow');
      return found.filter(({ destination }) => destination.port === 443).length >= 2 ? found : null;
    });
    t.same(
      late.filter(({ login }) => login === null || !ids.includes(login)),
      [],
      'each has a login that is its own',
    );
    const counts = ids.map(
      (id) => late.filter(({ login, destination }) => login === id && destination.port === 443).length,
    );
    t.same(counts, [1, 1], 'and not the other one');
    const names = new Set(late.map(({ chain }) => chain.at(-1)));
    t.same(
      [...names].filter((name) => !/^(curl|bash|pid \d+)$/.test(name ?? '')),
      [],
      'no program has a wrong name',
    );
    alice.close();
    bob.close();
  });
}
