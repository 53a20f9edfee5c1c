// Becoming somebody else on the host changes the account, never the login.
import t from 'tap';
import { isHop, isLoginOf, reachedWeb } from './assertions.ts';
import { FAMILIES, lab, labUp, mark, SH, ssh, sshArgs, start, waitForHop } from './support.ts';

t.before(labUp);
t.jobs = 4;

const ALICE = 2001;
const BOB = 2002;
const LOGINUID = '/proc/self/loginuid';
interface Path {
  readonly name: string;
  readonly command: (url: string) => string;
  readonly chain: readonly string[];
  readonly uid: number;
  /** What it says besides the page. */
  readonly says?: RegExp;
}
const paths: readonly Path[] = [
  { name: 'sudo', command: (url) => `sudo curl -s ${url}`, chain: ['bash', 'sudo', 'curl'], uid: 0 },
  {
    name: 'sudo -u',
    command: (url) => `sudo -u bob curl -s ${url}`,
    chain: ['bash', 'sudo', 'curl'],
    uid: BOB,
  },
  {
    name: 'sudo -i',
    command: (url) => `sudo -i curl -s ${url}`,
    chain: ['bash', 'sudo', 'bash', 'curl'],
    uid: 0,
  },
  {
    name: 'sudo su -',
    command: (url) => `sudo su - bob -c "curl -s ${url}"`,
    chain: ['bash', 'sudo', 'su', 'bash', 'curl'],
    uid: BOB,
  },
  {
    name: 'su with a password',
    command: (url) => `echo bob | su bob -c "curl -s ${url}"`,
    chain: ['bash', 'su', 'bash', 'curl'],
    uid: BOB,
  },
  {
    name: 'root, and back again',
    command: (url) => `sudo setsid -w su - alice -c "setsid -w curl -s ${url}"`,
    chain: ['bash', 'sudo', 'setsid', 'su', 'bash', 'setsid', 'curl'],
    uid: ALICE,
  },
  {
    name: 'another audit session',
    command: (url) =>
      `sudo sh -c "cat ${LOGINUID}; echo; echo 4294967295 >${LOGINUID}; echo ${BOB} >${LOGINUID}; cat ${LOGINUID}; echo; curl -s ${url}; :"`,
    chain: ['bash', 'sudo', SH, 'curl'],
    uid: 0,
    says: new RegExp(`^${ALICE}\n${BOB}\n`),
  },
];
for (const { name, command, chain, uid, says } of paths) {
  for (const family of FAMILIES) {
    t.test(`${name}, ${family.name}`, { buffered: true }, async (t) => {
      const word = mark();
      const url = family.url('web1', 80, word);
      const { out, err } = await ssh('alice', 'bastion1', `: ${word}; ${command(url)}`, { family });
      t.match(out, '404 Not Found', `the page was read ${err}`);
      if (says) t.match(out, says, `it did what it says ${err}`);
      const { login, hop } = await reachedWeb(t, { host: 'bastion1', word, family }, chain);
      t.equal(login.uid, ALICE);
      t.equal(login.processes.find(({ id }) => id === hop.process)?.uid, uid, 'the account that it ran as');
    });
  }
}

for (const [index, family] of FAMILIES.entries()) {
  for (const sudo of [false, true]) {
    const port = 2210 + index * 2 + (sudo ? 1 : 0);
    const who = sudo ? 'as root, by sudo' : 'as oneself';
    t.test(`an sshd of one's own, ${who}, ${family.name}`, { buffered: true }, async (t) => {
      const [word, inner] = [mark(), mark()];
      const path = `/tmp/${word}`;
      const config =
        `Port ${port}\\nHostKey ${path}/key\\nPidFile ${path}/pid\\nUsePAM no\\nStrictModes no\\n` +
        'AuthorizedKeysFile /home/alice/.ssh/authorized_keys\\n';
      const prepare =
        `mkdir ${path}; ssh-keygen -qt ed25519 -N "" -f ${path}/key; printf "${config}" >${path}/conf; ` +
        `${sudo ? 'sudo ' : ''}/usr/sbin/sshd -D -e -f ${path}/conf & echo up; read _; ${sudo ? 'sudo ' : ''}kill $(cat ${path}/pid)`;
      const own = start(t, sshArgs('alice', 'bastion1', prepare, { family }));
      await own.until(/listening on 0\.0\.0\.0[\s\S]*listening on ::/);
      const said = await ssh('alice', 'bastion1', `: ${inner}; curl -s ${family.url('web1', 80, inner)}`, {
        family,
        ssh: ['-p', `${port}`, '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'],
      });
      t.match(said.out, '404 Not Found', said.err);
      const found = await waitForHop('bastion1', word);
      isLoginOf(t, found.login, { user: 'alice', client: family.address('laptop') });
      // Each connection is served by an sshd that executes itself again (sshd(8), -R).
      isHop(t, found, {
        chain: ['bash', ...(sudo ? ['sudo'] : []), 'sshd', 'sshd', 'bash', 'curl'],
        address: family.address('web1'),
        port: 80,
      });
      const [first] = found.login.processes.filter(({ argv }) =>
        argv.some((argument) => argument.includes(inner)),
      );
      t.ok(first, 'what was run in it is in the tree of the login that started it');
    });
  }
}

t.test('two logins at once are two trees', { buffered: true }, async (t) => {
  const [one, two] = [mark(), mark()];
  const [family] = FAMILIES;
  if (!family) return;
  const command = (word: string) => `: ${word}; sleep 1; curl -s ${family.url('web1', 80, word)}`;
  await Promise.all([one, two].map((word) => ssh('alice', 'bastion1', command(word), { family })));
  const first = await reachedWeb(t, { host: 'bastion1', word: one, family }, ['bash', 'curl']);
  const second = await reachedWeb(t, { host: 'bastion1', word: two, family }, ['bash', 'curl']);
  t.not(first.login.id, second.login.id, 'ids differ');
  t.equal(first.login.hops.length, 1);
  t.equal(second.login.hops.length, 1);
  t.notSame(first.login.client, second.login.client, 'each from its own port');
});

t.test("alice in bob's account", { buffered: true }, async (t) => {
  for (const family of FAMILIES) {
    const word = mark();
    const command = `: ${word}; curl -s ${family.url('web1', 80, word)}`;
    // The laptop's alice, with her key, into the account that both may use.
    const at = `bob@${family.address('bastion1')}`;
    const { out } = await lab([
      'exec',
      'laptop',
      '--user',
      'alice',
      '--',
      'ssh',
      at,
      '-i',
      '/home/alice/.ssh/id_ed25519',
      command,
    ]);
    t.match(out, '404 Not Found');
    await reachedWeb(t, { host: 'bastion1', word, family, user: 'bob', identity: 'alice' }, ['bash', 'curl']);
  }
});
