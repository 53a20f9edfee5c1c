// What goes on after its login is over stays in that login's tree, which says that it lingers.
import t from 'tap';
import { isLoginOf, reachedWeb } from './assertions.ts';
import {
  FAMILIES,
  type Family,
  gate,
  labUp,
  mark,
  openGate,
  PYTHON,
  programs,
  SH,
  ssh,
  waitForLogin,
} from './support.ts';

t.before(labUp);
t.jobs = 4;

const QUIET = '</dev/null >/dev/null 2>&1';
interface Path {
  readonly name: string;
  readonly command: (url: string, word: string, family: Family) => string;
  readonly chain: readonly string[];
}
const paths: readonly Path[] = [
  {
    name: 'setsid',
    command: (url, word) => `setsid bash -c '${gate(word)}; curl -s ${url}' ${QUIET} &`,
    chain: ['bash', 'setsid', 'bash', 'curl'],
  },
  {
    name: 'nohup',
    command: (url, word) => `nohup sh -c '${gate(word)}; curl -s ${url}; :' ${QUIET} &`,
    chain: ['bash', 'nohup', SH, 'curl'],
  },
  {
    name: 'disown',
    command: (url, word) => `{ ${gate(word)}; curl -s ${url}; } ${QUIET} & disown`,
    chain: ['bash', 'curl'],
  },
  {
    name: 'a double fork that executes nothing',
    command: (_, word, family) =>
      `python3 ${programs}/detached.py ${family.address('web1')} 80 /tmp/gate-${word} ${word}`,
    chain: ['bash', `${PYTHON} detached.py`],
  },
  {
    name: 'root, detached',
    command: (url, word) => `sudo setsid -f sh -c '${gate(word)}; curl -s ${url}; :' ${QUIET}`,
    chain: ['bash', 'sudo', 'setsid', SH, 'curl'],
  },
];
for (const { name, command, chain } of paths) {
  for (const family of FAMILIES) {
    t.test(`${name}, after logout, ${family.name}`, { buffered: true }, async (t) => {
      const word = mark();
      const url = family.url('web1', 80, word);
      const { code } = await ssh('alice', 'bastion1', `: ${word}; ${command(url, word, family)}`, { family });
      t.equal(code, 0);
      const left = await waitForLogin('bastion1', word, ({ ended }) => ended !== null);
      isLoginOf(t, left, { user: 'alice', client: family.address('laptop') });
      t.equal(left.lingering, true, 'over, and marked as lingering');
      t.equal(left.hops.length, 0, 'before anything has connected');
      openGate('bastion1', word);
      const { login } = await reachedWeb(t, { host: 'bastion1', word, family }, chain);
      t.equal(login.id, left.id);
      const done = await waitForLogin('bastion1', word, ({ lingering }) => !lingering);
      t.equal(done.lingering, false, 'and no more when the last program has gone');
      t.ok(done.ended, 'it stays over');
      t.ok(
        done.processes.every(({ exited }) => exited !== null),
        'with the end of every program',
      );
    });
  }
}

t.test('a shell that waits for what it left in the background', { buffered: true }, async (t) => {
  for (const family of FAMILIES) {
    const word = mark();
    const url = family.url('web1', 80, word);
    const before = Date.now();
    const { out } = await ssh('alice', 'bastion1', `setsid bash -c "sleep 1; curl -s ${url}" & wait`, {
      family,
    });
    t.match(out, '404 Not Found');
    t.ok(Date.now() - before >= 1000);
    await reachedWeb(t, { host: 'bastion1', word, family }, ['bash', 'setsid', 'bash', 'curl']);
  }
});
