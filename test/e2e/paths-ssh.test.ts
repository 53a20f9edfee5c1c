// SSH from a bastion on: terminated, decided, under the login and chain that did it; the client knows of nothing.
import t, { type Test } from 'tap';
import type { ActionJson } from '../../src/api/json.ts';
import { isHop, isLoginOf } from './assertions.ts';
import { FAMILIES, type Family, hopline, IPV4, labUp, mark, ssh, until, waitForHop } from './support.ts';

t.before(labUp);
t.jobs = 3;

async function actionsOf(hop: string, count: number): Promise<ActionJson[]> {
  return until(async () => {
    const { out } = await hopline('bastion1', ['actions', '--hop', hop, '--json']);
    const found = (JSON.parse(out) as ActionJson[]).reverse();
    return found.length >= count && found.every(({ ended }) => ended !== null) ? found : null;
  }, `${count} actions of ${hop}`);
}

async function found(t: Test, family: Family, word: string) {
  const one = await waitForHop('bastion1', word, ({ ended }) => ended !== null);
  isLoginOf(t, one.login, { user: 'alice', client: family.address('laptop') });
  isHop(t, one, {
    chain: ['bash', 'ssh'],
    address: family.address('db1'),
    port: 22,
    target: 'db1-ssh',
    protocol: 'ssh',
  });
  return one;
}

for (const family of FAMILIES)
  t.test(`commands are actions of the hop, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    const said = await ssh('alice', 'bastion1', `ssh alice@${family.address('db1')} 'echo ${word}; exit 3'`, {
      family,
    });
    t.match(said, { out: `${word}\n`, code: 3 });
    const one = await found(t, family, word);
    t.match(await actionsOf(one.hop.id, 1), [
      {
        kind: 'exec',
        subject: `echo ${word}; exit 3`,
        detail: { account: 'alice', pty: false, known: false },
        result: { exitStatus: 3 },
        decision: { outcome: 'allow', policies: ['engineers-work-on-hosts'] },
      },
    ]);
  });

t.test('a command that policy forbids', { buffered: true }, async (t) => {
  const word = mark();
  const said = await ssh('alice', 'bastion1', `ssh alice@db1 shred /tmp/${word}`);
  t.match(said, {
    code: 126,
    err: /Hopline: no-wipes-on-hosts forbids shred on db1-ssh for alice: Say which files, to somebody who can bring them back\./,
  });
  const one = await found(t, IPV4, word);
  t.match(await actionsOf(one.hop.id, 1), [
    { kind: 'exec', decision: { outcome: 'deny' }, result: { error: 'denied' } },
  ]);
});

t.test('files, forwardings and a jump', { buffered: true }, async (t) => {
  const word = mark();
  const commands = [
    `echo ${word} >/tmp/${word}`,
    `scp -q /tmp/${word} alice@db1:/tmp/${word}-up`,
    `scp -qO alice@db1:/tmp/${word}-up /tmp/${word}-down`,
    `cat /tmp/${word}-down`,
    `echo | ssh -W 127.0.0.1:22 alice@db1 | head -c 7`,
    `ssh -J alice@bastion2 alice@db1 hostname`,
  ];
  t.match(await ssh('alice', 'bastion1', commands.join(' && ')), { code: 0, out: `${word}\nSSH-2.0db1\n` });
});

t.test('a key of the agent that came along', { buffered: true }, async (t) => {
  const word = mark();
  const said = await ssh('alice', 'bastion1', `ssh -o IdentityFile=none alice@db1 echo ${word}`, {
    ssh: ['-A'],
  });
  t.match(said, { out: `${word}\n` });
});

t.test('a password, and a host whose key has changed', { buffered: true }, async (t) => {
  const script = (password: string) => `#!/bin/sh\\necho ${password}\\n`;
  const word = mark();
  const asked = await ssh(
    'alice',
    'bastion1',
    `printf '${script('alice')}' >/tmp/${word}; chmod 700 /tmp/${word}; SSH_ASKPASS=/tmp/${word} SSH_ASKPASS_REQUIRE=force ` +
      `ssh -o PreferredAuthentications=password alice@db1 echo in-${word}`,
  );
  t.match(asked, { out: `in-${word}\n` });
  const other = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
  const changed = await ssh(
    'bob',
    'bastion1',
    `cp ~/.ssh/known_hosts /tmp/${word}-kept 2>/dev/null; echo '10.77.0.30 ${other}' >>~/.ssh/known_hosts; ssh bob@10.77.0.30 true; ` +
      `code=$?; sed -i /10.77.0.30/d ~/.ssh/known_hosts; exit $code`,
  );
  t.match(changed, {
    code: 255,
    err: /REMOTE HOST IDENTIFICATION HAS CHANGED[\s\S]*Host key verification failed/,
  });
});
