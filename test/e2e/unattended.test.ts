// What no person started is never silently a person's: jobs and services are origins of their own.
import { writeFileSync } from 'node:fs';
import t from 'tap';
import { isHop } from './assertions.ts';
import { FAMILIES, labUp, mark, rootOf, SH, service, ssh, waitForHop, waitForLogin } from './support.ts';

t.before(labUp);
t.jobs = 8;

for (const family of FAMILIES) {
  t.test(`a job of cron, ${family.name}`, { buffered: true, timeout: 200_000 }, async (t) => {
    const [word, login] = [mark(), mark()];
    const user = family.version === '4' ? 'alice' : 'bob';
    const url = family.url('web1', 80, word);
    // Installed in a login: the job is cron's all the same.
    const input = `* * * * * curl -s ${url} >/dev/null\n`;
    const { code, err } = await ssh(user, 'bastion1', `: ${login}; crontab -`, { family, input });
    t.equal(code, 0, err);
    t.teardown(() => service('bastion1', `crontab -u ${user} -r`));
    const found = await waitForHop('bastion1', word, undefined, 130_000);
    t.match(found.login, {
      kind: 'unattended',
      source: 'cron',
      user,
      identity: null,
      client: null,
      tty: null,
    });
    // No policy lets a job connect: it is in no group.
    isHop(t, found, {
      chain: [SH, 'curl'],
      address: family.address('web1'),
      port: 80,
      target: 'web1',
      outcome: 'deny',
      mode: 'denied',
    });
    const person = await waitForLogin('bastion1', login);
    t.same(person.hops, [], 'the login that made it connected nowhere');
    t.not(person.id, found.login.id);
  });

  t.test(`a job of at, ${family.name}`, { buffered: true, timeout: 120_000 }, async (t) => {
    const [word, login] = [mark(), mark()];
    const user = family.version === '4' ? 'bob' : 'alice';
    const url = family.url('web1', 80, word);
    const { code, err } = await ssh(user, 'bastion1', `: ${login}; at now`, {
      family,
      input: `curl -s ${url}\n`,
    });
    t.equal(code, 0, err);
    const found = await waitForHop('bastion1', word, undefined, 90_000);
    t.match(found.login, { kind: 'unattended', source: 'at', user, identity: null, client: null, tty: null });
    t.equal(found.hop.chain.at(-1), 'curl');
    t.same(found.hop.destination, { address: family.address('web1'), port: 80 });
    t.equal(found.hop.decision.outcome, 'deny');
    const person = await waitForLogin('bastion1', login);
    t.same(person.hops, [], 'the login that made it connected nowhere');
  });

  for (const user of ['root', 'alice']) {
    t.test(
      `a program from outside of every login, as ${user}, ${family.name}`,
      { buffered: true },
      async (t) => {
        const word = mark();
        const { code } = await service('bastion1', `curl -s ${family.url('web1', 80, word)}; :`, user);
        t.equal(code, 0);
        const found = await waitForHop('bastion1', word);
        t.equal(found.login.kind, 'unattended');
        t.match(found.login.source, /^(?:service|unattributed)$/);
        t.match(found.login, { identity: null, client: null, tty: null });
        t.same(found.hop.chain.slice(-2), [SH, 'curl']);
        isHop(t, found, {
          chain: found.hop.chain,
          address: family.address('web1'),
          port: 80,
          target: 'web1',
          outcome: 'deny',
          mode: 'denied',
        });
      },
    );
  }
}

// Not beside the jobs of at: for as long as this takes, the host's init starts something else in atd's place.
t.test("a service of the host's init", async (t) => {
  const atd = '/usr/sbin/atd';
  const word = mark();
  const calls = FAMILIES.map((family) => `curl -s ${family.url('web1', 80, word)}`).join('\n');
  const again = 'kill $(cat /run/lab-services/atd)';
  const program = `${rootOf('bastion1')}/tmp/service`;
  writeFileSync(program, `#!/bin/sh\n${calls}\nexec sleep 600\n`, { mode: 0o755 });
  const placed = await service('bastion1', `mount --bind /tmp/service ${atd} && ${again}`);
  t.equal(placed.code, 0, placed.err);
  try {
    for (const family of FAMILIES) {
      const address = family.address('web1');
      const found = await waitForHop('bastion1', word, ({ destination }) => destination.address === address);
      t.match(found.login, {
        kind: 'unattended',
        source: 'service',
        user: 'root',
        identity: null,
        client: null,
        tty: null,
      });
      isHop(t, found, {
        chain: [`${SH} atd`, 'curl'],
        address,
        port: 80,
        target: 'web1',
        outcome: 'deny',
        mode: 'denied',
      });
    }
  } finally {
    t.equal((await service('bastion1', `umount ${atd} && ${again}`)).code, 0, 'atd is back');
  }
});
