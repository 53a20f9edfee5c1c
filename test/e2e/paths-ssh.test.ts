// SSH from a bastion on: terminated, decided, under the login and chain that did it; the client knows of nothing.
import t, { type Test } from 'tap';
import type { ActionJson } from '../../src/api/json.ts';
import { isHop, isLoginOf } from './assertions.ts';
import {
  exclusively,
  FAMILIES,
  type Family,
  hopline,
  IPV4,
  labUp,
  mark,
  SH,
  ssh,
  until,
  waitForHop,
} from './support.ts';

t.before(labUp);
t.jobs = 3;

async function actionsOf(hop: string, count: number): Promise<ActionJson[]> {
  return until(async () => {
    const { out } = await hopline('bastion1', ['actions', '--hop', hop, '--json']);
    const found = (JSON.parse(out) as ActionJson[]).reverse();
    return found.length >= count && found.every(({ ended }) => ended !== null) ? found : null;
  }, `${count} actions of ${hop}`);
}

async function found(t: Test, family: Family, word: string, chain = ['bash', 'ssh']) {
  const one = await waitForHop('bastion1', word, ({ ended }) => ended !== null);
  isLoginOf(t, one.login, { user: 'alice', client: family.address('laptop') });
  isHop(t, one, {
    chain,
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
  const said = await ssh('alice', 'bastion1', `ssh alice@10.77.0.20 shred /tmp/${word}`);
  t.match(said, {
    code: 126,
    err: /Hopline: no-wipes-on-hosts forbids shred on db1-ssh for alice: Say which files, to somebody who can bring them back\./,
  });
  const one = await found(t, IPV4, word);
  t.match(await actionsOf(one.hop.id, 1), [
    { kind: 'exec', decision: { outcome: 'deny' }, result: { error: 'denied' } },
  ]);
});

t.test('files, forwardings and a jump', { buffered: true, timeout: 1_200_000 }, async (t) => {
  const word = mark();
  const commands = [
    `echo ${word} >/tmp/${word}`,
    `scp -q /tmp/${word} alice@db1:/tmp/${word}-up`,
    `scp -qO alice@db1:/tmp/${word}-up /tmp/${word}-down`,
    `cat /tmp/${word}-down`,
    `echo | ssh -W 127.0.0.1:22 alice@db1 | head -c 7`,
    `ssh -J alice@bastion2 alice@db1 hostname`,
  ];
  // Where its daemon is away, what goes on from bastion2 does not pass.
  const said = await exclusively('bastion2', () => ssh('alice', 'bastion1', commands.join(' && ')));
  t.match(said, { code: 0, out: `${word}\nSSH-2.0db1\n` });
});

t.test('keys: of a file, of an agent, of another whom root may read', { buffered: true }, async (t) => {
  const signed = async (command: string, by: string, chain: string[]) => {
    const name = mark();
    t.match(await ssh('alice', 'bastion1', command.replace('NAME', name)), { out: `${name}\n`, code: 0 });
    const { hop } = await found(t, IPV4, name, chain);
    t.match(await actionsOf(hop.id, 1), [
      { detail: { authentication: by, hostKey: /^\/etc\/ssh\/ssh_known_hosts:\d+$/ } },
    ]);
  };
  const file = 'key file id_ed25519';
  const to = 'alice@10.77.0.20 echo';
  await signed(`ssh ${to} NAME`, file, ['bash', 'ssh']);
  const agent = ['bash', 'ssh-agent', SH, 'ssh'];
  await signed(`ssh-agent sh -c 'ssh-add -q ~/.ssh/id_ed25519 && ssh ${to} NAME'`, 'agent', agent);
  await signed(`sudo ssh -i ~/.ssh/id_ed25519 ${to} NAME`, file, ['bash', 'sudo', 'ssh']);
  await signed(`cd .ssh && sudo ssh -i id_ed25519 ${to} NAME`, file, ['bash', 'sudo', 'ssh']);
  const less = '-dac_override,-dac_read_search';
  const refused = `sudo setpriv --bounding-set=${less} --inh-caps=${less} ssh -i ~/.ssh/id_ed25519 ${to} NAME`;
  t.match(
    await ssh('alice', 'bastion1', refused),
    { code: 255, err: /Permission denied/ },
    'as without Hopline',
  );
});

t.test('a password', { buffered: true }, async (t) => {
  const script = (password: string) => `#!/bin/sh\\necho ${password}\\n`;
  const word = mark();
  const asked = await ssh(
    'alice',
    'bastion1',
    `printf '${script('alice')}' >/tmp/${word}; chmod 700 /tmp/${word}; SSH_ASKPASS=/tmp/${word} SSH_ASKPASS_REQUIRE=force ` +
      `ssh -o PreferredAuthentications=password alice@db1 echo in-${word}`,
  );
  t.match(asked, { out: `in-${word}\n` });
});

t.test('a shell and a command are recorded, and played again', { buffered: true }, async (t) => {
  const word = mark();
  // What is typed is not what is asked for: `Word:` is only shown when nothing is echoed any more.
  const seen = `/tmp/${word}-seen`;
  const asked = `for i in $(seq 300); do grep -q Word: ${seen} && break; sleep 0.1; done`;
  const typing = `{ echo "echo said-\\$((6*7)); read -s -p W''ord: w"; ${asked}; echo open-sesame; echo exit 5; }`;
  const typed = await ssh(
    'alice',
    'bastion1',
    `: ${word} >${seen}; ${typing} | ssh -tt alice@10.77.0.20 >${seen}; echo code $?; cat ${seen}`,
  );
  t.match(typed, { out: /code 5[\s\S]*said-42/, code: 0 });
  const { hop } = await found(t, IPV4, word, ['bash', 'ssh']);
  await actionsOf(hop.id, 1);
  const play = (...args: string[]) => hopline('bastion1', [...args, hop.id]);
  const recordings = await hopline('bastion1', ['--json', 'recordings', '--hop', hop.id]);
  t.match(JSON.parse(recordings.out), [{ kind: 'terminal', reason: null }]);
  const lines = await play('play');
  t.match(lines, {
    code: 0,
    out: /shell[\s\S]*terminal of \d+ by \d+:[\s\S]*said-42[\s\S]*bytes of input are not kept/,
  });
  const cast = await play('play', '--cast');
  const [header, ...events] = cast.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.match(header, { version: 3, term: { cols: Number, rows: Number } });
  t.match(events.at(-1), [Number, 'x', '5']);
  const kept = events.filter(([, code]) => code === 'i' || code === 'o').map(([, , data]) => data);
  t.match(kept.join(''), /said-42/);
  t.notMatch(`${lines.out}${cast.out}`, 'open-sesame');
  t.match(await play('play', '--search', 'SAID-42'), { code: 0, out: /#1 .*said-42/ });
  t.match(await play('play', '--search', 'open-sesame'), { code: 1, out: '' });
});

t.test('a session is followed while it goes on, and ended', { buffered: true }, async (t) => {
  const word = mark();
  const going = ssh('alice', 'bastion1', `: ${word}; ssh alice@db1 'echo begun; sleep 300'; echo code $?`);
  const { hop } = await waitForHop('bastion1', word, ({ actions }) => actions > 0);
  const followed = hopline('bastion1', ['watch', '--follow', hop.id]);
  await until(
    async () => (await hopline('bastion1', ['play', '--search', 'begun', hop.id])).code === 0,
    'its line',
  );
  t.match(await hopline('bastion1', ['revoke', hop.id]), { code: 0 });
  t.match(await going, { out: /begun\ncode 255/ });
  t.match(await followed, { code: 0, out: /begun/ });
});
