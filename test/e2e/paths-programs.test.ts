// What a login starts, however it is started: each connection is the login's, by the programs that led to it.
import t, { type Test } from 'tap';
import { processesOf, reachedWeb } from './assertions.ts';
import { DIAL, FAMILIES, type Family, hopline, labUp, mark, PYTHON, programs, SH, ssh } from './support.ts';

interface Path {
  readonly name: string;
  readonly command: (url: string, word: string, family: Family) => string;
  readonly chain: readonly string[] | ((word: string) => readonly string[]);
  /** What it writes to its errors. */
  readonly says?: (word: string) => RegExp;
  readonly also?: (t: Test, login: Login, word: string) => Promise<void>;
}
type Login = Awaited<ReturnType<typeof reachedWeb>>['login'];

const paths: readonly Path[] = [
  { name: 'a plain command', command: (url) => `curl -s ${url}`, chain: ['bash', 'curl'] },
  {
    name: 'bash, python, sh, curl',
    command: (url) => `bash -c 'python3 ${programs}/nested.py ${url}; :'`,
    chain: ['bash', 'bash', `${PYTHON} nested.py`, SH, 'curl'],
  },
  { name: 'nohup', command: (url) => `nohup curl -s ${url}`, chain: ['bash', 'nohup', 'curl'] },
  { name: 'setsid', command: (url) => `setsid -w curl -s ${url}`, chain: ['bash', 'setsid', 'curl'] },
  {
    name: 'setsid in the background, waited for',
    command: (url) => `setsid bash -c "sleep 1; curl -s ${url}" & wait`,
    chain: ['bash', 'setsid', 'bash', 'curl'],
  },
  {
    name: 'disown',
    command: (url) => `{ sleep 0.3; curl -s ${url}; } & disown; sleep 1`,
    chain: ['bash', 'curl'],
  },
  {
    name: 'a false name',
    command: (url) => `exec -a falsename curl -s ${url}`,
    chain: ['bash', 'curl'],
    also: async (t, login) => {
      const [curl] = processesOf(login, 'curl');
      t.match(curl, { exe: '/usr/bin/curl', exeVerified: true, uid: 2001 });
      t.equal(curl?.argv[0], 'falsename', 'what it calls itself is kept');
    },
  },
  {
    name: 'a file deleted while it runs',
    command: (url, word) =>
      `cp /usr/bin/curl ${word}; mkfifo ${word}.url; ./${word} -s -K ${word}.url & ` +
      // It runs, and waits for what it is to do; then its file goes, and only then it is told.
      `for i in $(seq 300); do [ /proc/$!/exe -ef ${word} ] && break; sleep 0.1; done; rm ${word}; ` +
      `readlink /proc/$!/exe >&2; echo url = ${url} | timeout 20 tee ${word}.url >/dev/null; wait; rm ${word}.url`,
    says: (word) => new RegExp(`^/home/alice/${word} \\(deleted\\)$`, 'm'),
    chain: (word) => ['bash', word],
    also: async (t, login, word) => {
      const [ran, ...more] = login.processes.filter(({ exe }) => exe.includes(word));
      t.same(more, []);
      t.match(ran?.exe, new RegExp(`^/home/alice/${word}(?: \\(deleted\\))?$`), 'named as what it was');
      t.equal(ran?.exeVerified, true);
    },
  },
  {
    name: 'a file deleted before it was run',
    command: (url, word) =>
      `cp /usr/bin/curl ${word}; exec 9<${word}; rm ${word}; /proc/self/fd/9 -s ${url}; :`,
    chain: (word) => ['bash', word],
    also: async (t, login, word) => {
      t.ok(
        login.processes.some(({ exe }) => exe.includes(word) && !exe.startsWith('/proc/')),
        'the file is named as it was, not as its descriptor',
      );
    },
  },
  {
    name: 'a program without a file',
    command: (url, word) => `python3 ${programs}/memfd.py ${word} /usr/bin/curl -s ${url}`,
    chain: (word) => ['bash', `${PYTHON} memfd.py`, `memfd:${word}`],
  },
  {
    name: 'an argument with newlines and control characters',
    command: (url) => `curl -s ${url} -w $'X-Odd: \\e[31mred\\e]0;title\\a\\nnext\\tline\\r\\x9b1m'`,
    chain: ['bash', 'curl'],
    also: async (t, login) => {
      const [curl] = processesOf(login, 'curl');
      const odd = 'X-Odd: \u001b[31mred\u001b]0;title\u0007\nnext\tline\r';
      t.ok(curl?.argv.at(-1)?.startsWith(odd), 'kept as it was');
      const { out } = await hopline('bastion1', ['tree', login.id, '--full']);
      t.match(out, 'curl');
      t.notMatch(out.replaceAll('\n', ''), /\p{Cc}/u, 'never sent raw to a terminal');
    },
  },
  {
    name: 'a megabyte of arguments',
    command: (_, word, family) => `python3 ${programs}/large.py ${family.address('web1')} 80 ${word}`,
    chain: ['bash', `${PYTHON} large.py`, DIAL],
    also: async (t, login) => {
      const large = login.processes.find(({ argvBytes }) => argvBytes > 1_000_000);
      t.ok(large, 'its size is told');
      t.ok(JSON.stringify(large?.argv).length < 10_000, 'what is kept is bounded');
    },
  },
  {
    name: 'no environment',
    command: (url) => `env -i /usr/bin/curl -s ${url}`,
    chain: ['bash', 'env curl', 'curl'],
  },
  {
    name: 'another cgroup',
    command: (url, word) =>
      `sudo sh -c 'd=/sys/fs/cgroup$(grep -m1 ^0:: /proc/self/cgroup | cut -c4-)/${word}; [ -d /sys/fs/cgroup/unified ] && ` +
      `d=/sys/fs/cgroup/unified$(grep -m1 ^0:: /proc/self/cgroup | cut -c4-)/${word}; mkdir $d && echo $$ >$d/cgroup.procs && ` +
      `grep ^0:: /proc/self/cgroup >&2; curl -s ${url}; echo $$ >$d/../cgroup.procs; rmdir $d'`,
    // It did move.
    says: (word) => new RegExp(`/${word}$`, 'm'),
    chain: ['bash', 'sudo', SH, 'curl'],
  },
];

t.before(labUp);
t.jobs = 4;
for (const { name, command, chain, says, also } of paths) {
  for (const family of FAMILIES) {
    t.test(`${name}, ${family.name}`, { buffered: true }, async (t) => {
      const word = mark();
      const url = family.url('web1', 80, word);
      const { out, err } = await ssh('alice', 'bastion1', `: ${word}; ${command(url, word, family)}`, {
        family,
      });
      t.match(out, /404 Not Found|page 404/, `the page was read ${err}`);
      if (says) t.match(err, says(word), 'it did what it says');
      const expected = typeof chain === 'function' ? chain(word) : chain;
      const { login } = await reachedWeb(t, { host: 'bastion1', word, family }, expected);
      await also?.(t, login, word);
    });
  }
}
