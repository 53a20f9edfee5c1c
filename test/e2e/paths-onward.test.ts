// Onward from a bastion by the tools that people use: shells, files, databases; and a second bastion beside the first.
import t from 'tap';
import { isHop, isLoginOf, processesOf } from './assertions.ts';
import {
  bracketed,
  exclusively,
  FAMILIES,
  type Family,
  lab,
  labUp,
  mark,
  ssh,
  waitForHop,
  waitForLogin,
} from './support.ts';

t.before(labUp);
t.jobs = 4;

interface Path {
  readonly name: string;
  readonly command: (family: Family, word: string) => string;
  readonly says: RegExp;
  readonly chain: readonly string[];
  readonly port: number;
  readonly target: string;
}
const paths: readonly Path[] = [
  {
    name: 'ssh',
    command: (family) => `ssh ${family.address('db1')} hostname`,
    says: /^db1$/m,
    chain: ['bash', 'ssh'],
    port: 22,
    target: 'db1-ssh',
  },
  {
    name: 'scp',
    command: (family, word) =>
      `echo text-${word} >${word}; scp -q ${word} ${bracketed(family.address('db1'))}:/tmp/ && ssh ${family.address('db1')} cat /tmp/${word}`,
    says: /^text-m/m,
    chain: ['bash', 'scp', 'ssh'],
    port: 22,
    target: 'db1-ssh',
  },
  {
    name: 'sftp',
    command: (family, word) =>
      `echo text-${word} >${word}; echo "put ${word} /tmp/${word}" | sftp -q -b - ${bracketed(family.address('db1'))} && echo done`,
    says: /^done$/m,
    chain: ['bash', 'sftp', 'ssh'],
    port: 22,
    target: 'db1-ssh',
  },
  {
    name: 'psql',
    command: (family) => `psql -h ${family.address('db1')} orders -Atc 'select count(*) from orders'`,
    says: /^1000$/m,
    // Debian's psql is a script that finds the version to run.
    chain: ['bash', 'perl psql', 'psql'],
    port: 5432,
    target: 'orders-db',
  },
];
for (const { name, command, says, chain, port, target } of paths) {
  for (const family of FAMILIES) {
    t.test(`${name}, ${family.name}`, { buffered: true }, async (t) => {
      const word = mark();
      const { out, err } = await ssh('alice', 'bastion1', `: ${word}; ${command(family, word)}; :`, {
        family,
      });
      t.match(out, says, err);
      const last = chain.at(-1);
      const found = await waitForHop(
        'bastion1',
        word,
        (hop) => hop.chain.length === chain.length && hop.chain.at(-1) === last && hop.ended !== null,
      );
      isLoginOf(t, found.login, { user: 'alice', client: family.address('laptop') });
      const protocol = target === 'orders-db' ? 'postgres' : 'ssh';
      isHop(t, found, { chain, address: family.address('db1'), port, target, protocol });
      t.ok((found.hop.bytesUp ?? 0) > 50 && (found.hop.bytesDown ?? 0) > 50, 'bytes both ways');
    });
  }
}

for (const family of FAMILIES) {
  t.test(`a file brought in by scp is a login too, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    const to = `alice@${bracketed(family.address('bastion1'))}:${word}`;
    // By scp's own protocol (-O), in which the far program is told the name.
    const { code, err } = await lab([
      'exec',
      'laptop',
      '--user',
      'alice',
      '--',
      'scp',
      '-qO',
      '/etc/hosts',
      to,
    ]);
    t.equal(code, 0, err);
    const login = await waitForLogin('bastion1', word, ({ ended }) => ended !== null);
    isLoginOf(t, login, { user: 'alice', client: family.address('laptop') });
    t.same(
      processesOf(login, 'scp').map(({ argv, uid }) => ({ argv, uid })),
      [{ argv: ['scp', '-t', word], uid: 2001 }],
    );
    t.same(login.hops, []);
  });

  t.test(
    `a second bastion: two trees, the hop of the first into the second, ${family.name}`,
    { buffered: true },
    (t) =>
      exclusively('bastion2', async () => {
        const [first, second] = [mark(), mark()];
        const inner = `: ${second}; curl -s ${family.url('web1', 80, second)}; :`;
        const { out, err } = await ssh(
          'alice',
          'bastion1',
          `: ${first}; ssh ${family.address('bastion2')} "${inner}"`,
          { family },
        );
        t.match(out, '404 Not Found', err);
        const from = await waitForHop('bastion1', first, ({ destination }) => destination.port === 22);
        isLoginOf(t, from.login, { user: 'alice', client: family.address('laptop') });
        isHop(t, from, {
          chain: ['bash', 'ssh'],
          address: family.address('bastion2'),
          port: 22,
          target: 'bastion2-ssh',
        });
        const to = await waitForHop('bastion2', second);
        t.match(to.login, { kind: 'ssh', user: 'alice', host: 'bastion2' });
        t.equal(to.login.client?.address, family.address('bastion1'), 'it came from the first bastion');
        isHop(t, to, { chain: ['bash', 'curl'], address: family.address('web1'), port: 80, target: 'web1' });
        t.not(to.login.id, from.login.id);
        t.equal(from.login.hops.length, 1, 'what happens behind is in the second tree');
      }),
  );
}
