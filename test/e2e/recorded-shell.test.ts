/**
 * `hopline shell` as a ForceCommand: whatever a login does through it, the client sees what it sees without it, byte by
 * byte; and what a terminal showed is in the record.
 */
import t, { type Test } from 'tap';
import type { RecordingJson } from '../../src/api/json.ts';
import { ClientTerminal } from './client-terminal.ts';
import { FORCED, shellSshd } from './shell-sshd.ts';
import {
  type Bastion,
  exclusively,
  hopline,
  lab,
  labUp,
  mark,
  notices,
  type Said,
  service,
  ssh,
  sshArgs,
  start,
  until,
  waitForLogin,
} from './support.ts';

t.before(labUp);
t.setTimeout(1_200_000);

const PLAIN = 22;
const RECORDED = 2240;
const BOTH = [PLAIN, RECORDED] as const;

/** Shell: what differs between two logins of any kind. */
const ENV = "env | grep -vE '^SSH_(CLIENT|CONNECTION|TTY)=' | sort";

interface Run {
  readonly name: string;
  readonly command: string;
  readonly ssh?: readonly string[];
  readonly input?: string;
  /** What has to be in it, so that two failures are not taken for two successes. */
  readonly says: RegExp;
  readonly code?: number;
}

const RUNS: readonly Run[] = [
  { name: 'exit status', command: 'exit 37', says: /^$/, code: 37 },
  { name: 'no such command', command: 'no-such-thing', says: /command not found/, code: 127 },
  {
    name: 'the three streams',
    command: 'cat; echo err >&2; exit 3',
    input: 'in\n',
    says: /^in\nerr\n$/,
    code: 3,
  },
  { name: 'environment', command: ENV, says: /^HOME=.*LOGNAME=alice.*SHELL=\/bin\/bash\nSHLVL=1\n/s },
  { name: 'its name', command: 'echo $0; tr "\\0" "|" </proc/$$/cmdline', says: /^bash\nbash\|-c\|/ },
  { name: 'directory and mask', command: 'pwd; umask; umask -S', says: /^\/home\/alice\n/ },
  { name: 'limits', command: 'ulimit -a; ulimit -Ha; cat /proc/self/limits', says: /open files/ },
  { name: 'signals', command: "grep -E '^Sig[^Q]' /proc/self/status; trap", says: /SigIgn/ },
  {
    name: 'privileges',
    command: "grep -E '^(Cap|NoNewPrivs|Seccomp|Groups|Uid)' /proc/self/status; id",
    says: /NoNewPrivs/,
  },
  {
    name: 'descriptors',
    command: 'ls /proc/self/fd | wc -l; for n in 0 1 2; do readlink /proc/$$/fd/$n | cut -d: -f1; done',
    says: /socket|pipe/,
  },
  {
    name: 'where it stands',
    command: "ps -o comm= -p $PPID; ps -o pgid= -o sid= -p $$ | awk '{ print $1 == $2 }'",
    says: /^sshd/,
  },
  { name: 'signal', command: 'kill -TERM $$', says: /^$/, code: 255 },
  { name: 'signal with core', command: 'ulimit -c 0; kill -SEGV $$', says: /^$/, code: 255 },
  {
    name: 'every byte',
    command: "perl -e 'print map { chr } 0 .. 255'; perl -e 'print STDERR map { chr } 0 .. 255'",
    says: /\0/,
  },
  { name: 'end of input', command: 'wc -c', input: 'x'.repeat(100_000), says: /^100000\n$/ },
  {
    name: 'what outlives it',
    command: 'nohup sleep 2 >/dev/null 2>&1 </dev/null & echo started',
    says: /^started\n$/,
  },
  {
    name: 'words',
    command: `printf '<%s>\\n' "a  b" 'c"d' '$HOME' \\\\ "ü€"`,
    says: /<a {2}b>\n<c"d>\n<\$HOME>\n<\\>\n<ü€>/,
  },
  { name: 'several lines', command: 'echo one\necho two\n', says: /^one\ntwo\n$/ },
  { name: 'a command of 30 kB', command: `echo ${'y'.repeat(30_000)} | wc -c`, says: /^30001\n$/ },
  {
    name: 'a login shell without a terminal',
    command: '',
    ssh: ['-T'],
    input: 'echo $0 $-; shopt login_shell; exit 4\n',
    says: /^-bash \w+\nlogin_shell\s+on/,
    code: 4,
  },
  {
    name: 'its environment',
    command: '',
    ssh: ['-T'],
    input: `${ENV}; ulimit -n; grep ^Sig[^Q] /proc/self/status\n`,
    says: /SHLVL=1/,
  },
  { name: 'its end by a signal', command: '', ssh: ['-T'], input: 'kill -KILL $$\n', says: /^$/, code: 255 },
  {
    name: 'a terminal for a command',
    command: `tty | tr -d 0-9; stty -a; ${ENV}; echo err >&2; exit 5`,
    ssh: ['-tt'],
    says: /^\/dev\/pts\/\r\n.*TERM=/s,
    code: 5,
  },
  {
    name: 'its terminal',
    command:
      '[ "$SSH_TTY" = "$(tty)" ] && stat -c %U "$(tty)"; ps -o tpgid= -o pgid= -p $$ | awk \'{ print $1 == $2 }\'',
    ssh: ['-tt'],
    says: /^alice/,
  },
  {
    name: 'its limits, signals and descriptors',
    command: "ulimit -a; grep -E '^(Sig[^Q]|Cap|NoNew|Seccomp)' /proc/self/status; ls /proc/self/fd | wc -l",
    ssh: ['-tt'],
    says: /open files/,
  },
  { name: 'a signal on a terminal', command: 'kill -KILL $$', ssh: ['-tt'], says: /closed/, code: 255 },
  { name: 'SIGPIPE on a terminal', command: 'kill -PIPE $$', ssh: ['-tt'], says: /closed/, code: 255 },
  {
    name: 'a great deal on a terminal',
    command: 'seq 200000; exit 6',
    ssh: ['-tt'],
    says: /\r\n200000\r\n/,
    code: 6,
  },
  {
    name: 'binary on a terminal',
    command: "stty -opost; perl -e 'print map { chr } 0 .. 255'",
    ssh: ['-tt'],
    says: /\0/,
  },
  {
    name: 'what outlives a terminal',
    command: 'nohup sleep 2 >/dev/null 2>&1 & echo started',
    ssh: ['-tt'],
    says: /started\r\n/,
  },
  {
    name: 'no terminal, asked for none',
    command: 'tty',
    ssh: ['-o', 'RequestTTY=no'],
    says: /not a tty/,
    code: 1,
  },
  {
    name: 'typed to a terminal',
    command: 'read -r line; echo "<$line>"',
    ssh: ['-tt'],
    input: 'hello\n',
    says: /<hello>/,
  },
  {
    name: 'no command at all',
    command: '',
    ssh: [
      '-N',
      '-o',
      'ConnectTimeout=5',
      '-o',
      'ExitOnForwardFailure=yes',
      '-f',
      '-o',
      'ControlPath=none',
      '-O',
      'check',
    ],
    says: /Control/i,
    code: 255,
  },
];

const normal = ({ out, err, code }: Said) => ({
  code,
  text: out + err.replaceAll(/port \d+|:\d+|\[?fd77::11\]?/g, ''),
});

t.test('the same with it and without', async (t) => {
  await shellSshd(t, 'bastion1', RECORDED);
  t.jobs = 2;
  for (const { name, command, ssh: options = [], input, says, code = 0 } of RUNS)
    t.test(name, async (t) => {
      const [plain, recorded] = await Promise.all(
        BOTH.map((port) => {
          const given = { ssh: ['-p', `${port}`, ...options], ...(input === undefined ? {} : { input }) };
          return ssh('alice', 'bastion1', command, given);
        }),
      );
      if (plain === undefined || recorded === undefined) throw new Error('not run');
      t.match(plain.out + plain.err, says);
      t.equal(plain.code, code);
      t.same(normal(recorded), normal(plain));
    });
});

/** Shell, on the laptop; PORT is sshd's, W a word of this run alone. */
const TOOLS: Readonly<Record<string, string>> = {
  'scp by sftp':
    'scp -qP PORT d/b W:b.W && scp -qP PORT W:b.W back && cmp back d/b; scp -qP PORT W:nothing x',
  'scp as it was':
    'scp -OqP PORT d/b W:b.W && scp -OqP PORT W:b.W back && cmp back d/b; scp -OqP PORT W:nothing x',
  sftp: 'printf "put d/b b.W\\nls -n b.W\\nget b.W back\\nrm b.W\\nget nothing\\n" | sftp -b - -qP PORT W | sed "s/ [A-Z][a-z][a-z] .*//"; cmp back d/b',
  rsync:
    'rsync -ae "ssh -p PORT" d W:tree.W && rsync -acn --itemize-changes -e "ssh -p PORT" d W:tree.W; rsync -ae "ssh -p PORT" W:tree.W/d/ back && cmp back/b d/b',
  git: 'ssh -p PORT W "git init -q --bare g.W && git -C g.W symbolic-ref HEAD refs/heads/main" && git init -qb main r && cd r && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m one && git push -q ssh://WHO:PORT/~/g.W main && git clone -q ssh://WHO:PORT/~/g.W c && git -C c log --format=%s',
  'twenty megabytes':
    'head -c 20000000 /dev/urandom >f && ssh -p PORT W "cat >f.W" <f && ssh -p PORT W "cat f.W" | cmp - f && ssh -p PORT W "sha256sum <f.W" | cut -d" " -f1 >sum && sha256sum <f | grep -qf sum && echo same',
  'a command that ends first': 'yes | head -c 50000000 | ssh -p PORT W "head -c 5"; echo $?',
  'who reads no further': 'ssh -p PORT W "yes; echo \\$? >&2" | head -n 1',
  'agent forwarding': 'ssh-agent sh -c "ssh-add -q ~/.ssh/id_ed25519 && ssh -Ap PORT W ssh-add -l"',
  'agent forwarding with a terminal':
    'ssh-agent sh -c "ssh-add -q ~/.ssh/id_ed25519 && ssh -ttAp PORT W ssh-add -l </dev/null"',
  'several sessions in a connection':
    'ssh -MNfS m -p PORT W && for n in 1 2 3; do ssh -S m W "echo $n; exit $n"; echo "=$?"; done; ssh -ttS m W tty </dev/null | tr -d 0-9; ssh -S m -O exit W',
  'a tunnel':
    'ssh -NfMS m -L 127.0.0.1:LOCAL:127.0.0.1:PORT -p PORT W && timeout 3 sh -c "exec 3<>/dev/tcp/127.0.0.1/LOCAL" 2>/dev/null; ssh -p LOCAL -o HostKeyAlias=bastion1 alice@127.0.0.1 echo through; ssh -S m -O exit W',
};

t.test('tools', async (t) => {
  await shellSshd(t, 'bastion1', RECORDED + 1);
  t.jobs = 2;
  for (const [name, command] of Object.entries(TOOLS))
    t.test(name, async (t) => {
      const [plain, recorded] = await Promise.all(
        [PLAIN, RECORDED + 1].map((port) => {
          const word = mark();
          const shell = command
            .replaceAll(/\bW:/g, 'alice@bastion1:')
            .replaceAll('WHO', 'alice@bastion1')
            .replaceAll(/(?<![.\w])W\b/g, 'alice@bastion1')
            .replaceAll(/\.W\b/g, `.${word}`)
            .replaceAll('PORT', `${port}`)
            // Nobody else's, and none that the kernel gives to who connects.
            .replaceAll('LOCAL', `${30_000 + port}`);
          const at = `cd && mkdir ${word} && cd ${word} && mkdir d && head -c 300000 /dev/urandom >d/b && { ${shell}; }; cd && rm -rf ${word}`;
          return service('laptop', at, 'alice', { timeoutMs: 120_000 }).then((said) => ({ said, word }));
        }),
      );
      if (plain === undefined || recorded === undefined) throw new Error('not run');
      const text = ({ said, word }: typeof plain) => ({
        code: said.code,
        out: said.out.replaceAll(word, 'W'),
        err: said.err.replaceAll(word, 'W').replaceAll(/:\d+/g, ''),
      });
      t.equal(plain.said.code, 0);
      t.same(text(recorded), text(plain));
      t.comment(JSON.stringify(text(plain)).slice(0, 300));
    });
});

interface Line {
  readonly type: string;
  readonly text?: string;
  readonly columns?: number;
}

async function played(host: Bastion, what: string): Promise<Line[]> {
  const { out, err, code } = await hopline(host, ['--json', 'play', what]);
  if (code !== 0) throw new Error(`play ${what}: ${err}`);
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

async function recordings(host: Bastion, login: string): Promise<RecordingJson[]> {
  const { out } = await hopline(host, ['--json', 'recordings', '--login', login]);
  return (JSON.parse(out) as RecordingJson[]).filter(({ hop }) => hop === null).reverse();
}

const text = (lines: readonly Line[], type: string) =>
  lines
    .filter((line) => line.type === type)
    .map((line) => line.text ?? '')
    .join('');

/**
 * Typed: one program that says when it can be interrupted, and when it was woken; what had yet to run another could be stopped
 * before it has, and what is killed beside `fg` be over before that, or not.
 */
const sleep = (seconds: number) =>
  `perl -e '$|=1; $SIG{CONT}=sub{print "aw"."ake\\n"}; print "as"."leep\\n"; sleep ${seconds} while 1'\r`;

/** What a person does at a prompt. @returns what they saw, and how ssh ended */
async function session(t: Test, port: number, word: string): Promise<{ said: string; code: number }> {
  const terminal = new ClientTerminal(t, sshArgs('alice', 'bastion1', '', { ssh: ['-p', `${port}`] }));
  const prompt = /ready> $/;
  await terminal.sees(/\$ $/);
  await terminal.types(`PS1='re''ady> '; /bin/true ${word}\r`, prompt);
  await terminal.types('stty size; echo $TERM; shopt -q login_shell && echo login\r', prompt);
  terminal.pty.resize(120, 40);
  // The prompt is drawn anew.
  await terminal.sees(/\[K\rready> $/);
  await terminal.types('stty size\r', prompt);
  await terminal.types(sleep(50), /^asleep\r\n/m);
  await terminal.types('\x03', prompt);
  await terminal.types('echo "was $?"\r', prompt);
  await terminal.types(sleep(51), /^asleep\r\n/m);
  await terminal.types('\x1a', prompt);
  await terminal.types('fg\r', /^awake\r\n/m);
  await terminal.types('\x03', prompt);
  await terminal.types(sleep(52), /^asleep\r\n/m);
  await terminal.types('\x1c', prompt);
  await terminal.types('read -rsp "Pass""word: " x\r', /Password: $/);
  await terminal.types('Geheim-7\r', prompt);
  await terminal.types('printf %s "$x" | wc -c\r', prompt);
  await terminal.types('seq 500 | less\r', /\n39\r\n:/);
  await terminal.types('G', /\n500\r\n/);
  await terminal.types('q', prompt);
  terminal.pty.write('exit 7\r');
  return { code: await terminal.ended, said: terminal.said };
}

t.test('a person at a prompt', async (t) => {
  const port = RECORDED + 2;
  await shellSshd(t, 'bastion1', port);
  const words = [mark(), mark()] as const;
  const [plain, recorded] = await Promise.all([session(t, PLAIN, words[0]), session(t, port, words[1])]);
  const same = ({ said, code }: typeof plain) => ({
    code,
    said: said.replaceAll(/m[0-9a-f]{12}/g, 'W').replaceAll(/\] \d+/g, ']'),
  });
  t.same(same(recorded), same(plain));
  t.equal(recorded.code, 7);
  const [without, login] = await Promise.all(
    words.map((word) => waitForLogin('bastion1', word, ({ ended }) => ended !== null)),
  );
  if (without === undefined || login === undefined) throw new Error('no logins');
  const programs = (of: typeof login) =>
    of.processes.map(({ argv }) => argv.join(' ').replace(/m[0-9a-f]{12}/, 'W')).sort();
  t.same(programs(login), programs(without), 'the tree has what it has without');
  t.same(without.recordings, []);
  t.same(login.recordings, [`${login.id}-1`]);
  const lines = await played('bastion1', login.id);
  t.equal(text(lines, 'stdout'), recorded.said.replace(/Connection to .* closed\.\s*$/, ''));
  const input = text(lines, 'input');
  for (const typed of [words[1], 'stty size', '\x03', '\x1a']) t.ok(input.includes(typed), typed);
  t.notMatch(JSON.stringify(lines), /Geheim/);
  t.ok(lines.some(({ type }) => type === 'withheld'));
  t.ok(lines.some(({ type, columns }) => type === 'resize' && columns === 120));
  t.match(
    (await over('bastion1', login.id)).map(({ reason, sha256 }) => [reason, sha256]),
    [[null, /^\w{64}$/]],
  );
  t.match((await hopline('bastion1', ['play', `${login.id}-1`])).out, /seq 500 \| less/);
  t.match((await hopline('bastion1', ['play', login.id, '--search', 'was 130'])).out, /was 130/);
  t.match(
    (await hopline('bastion1', ['play', login.id, '--cast'])).out,
    /^\{"version":3,"term":\{"cols":100,"rows":30/,
  );
  t.match((await hopline('bastion1', ['tree', login.id])).out, /recorded {2}\[L /);
});

/** Shell: ends by a hangup, and says so, once it has said that it is ready for one. */
const HANGUP = (word: string) =>
  `trap "echo hup >/tmp/hup-${word}; exit" HUP; echo re''ady; : ${word}; while sleep 0.1; do :; done`;

/** The recordings of a login, when the last of them has ended. */
const over = (host: Bastion, login: string) =>
  until(async () => {
    const found = await recordings(host, login);
    return found.at(-1)?.ended ? found : null;
  }, `the end of what is recorded of ${login}`);

t.test('files of a person are read as often, and before it none', async (t) => {
  const port = RECORDED + 6;
  await shellSshd(t, 'bastion1', port);
  const word = mark();
  const [rc, log] = ['/home/bob/.bashrc', `/tmp/rc-${word}`];
  await service(
    'bastion1',
    `cp -p ${rc} ${rc}.kept && sed -i '1i echo "$0 $SHLVL $SSH_ORIGINAL_COMMAND" >>${log}' ${rc}`,
  );
  t.teardown(() => service('bastion1', `mv ${rc}.kept ${rc}`));
  const read = async (at: number, options: readonly string[]) => {
    await service('bastion1', `: >${log}; chmod 666 ${log}`);
    await ssh('bob', 'bastion1', 'echo in', { ssh: ['-p', `${at}`, ...options] });
    return (await service('bastion1', `cat ${log}`)).out;
  };
  for (const options of [['-T'], ['-tt']]) {
    const plain = await read(PLAIN, options);
    t.equal(plain, 'bash 1 \n');
    t.equal(await read(port, options), plain);
  }
});

t.test('the client goes away', async (t) => {
  const port = RECORDED + 3;
  await shellSshd(t, 'bastion1', port);
  for (const at of [PLAIN, port]) {
    const word = mark();
    const client = start(t, sshArgs('alice', 'bastion1', HANGUP(word), { ssh: ['-tt', '-p', `${at}`] }));
    const login = await waitForLogin('bastion1', word);
    await client.until(/ready/);
    // The client alone: hosts of the lab see each other's processes.
    await service('laptop', `pkill -KILL -f '^ssh .*${word}'`);
    await client.ended;
    await until(async () => (await service('bastion1', `cat /tmp/hup-${word}`)).out === 'hup\n', 'SIGHUP');
    await waitForLogin('bastion1', word, ({ ended }) => ended !== null);
    if (at === port) t.match(await over('bastion1', login.id), [{ reason: null }]);
  }
});

t.test('who kills the process that records kills the session', async (t) => {
  const port = RECORDED + 4;
  await shellSshd(t, 'bastion1', port);
  const word = mark();
  const client = start(t, sshArgs('alice', 'bastion1', HANGUP(word), { ssh: ['-tt', '-p', `${port}`] }));
  const login = await waitForLogin('bastion1', word, ({ recordings }) => recordings.length > 0);
  const id = login.recordings[0] ?? '';
  await client.until(/ready/);
  // This one alone: hosts and labs see each other's processes.
  const recorder = `program=$(pgrep -o -u alice -f '^bash -c trap.*${word}') && pid=$(ps -o ppid= -p $program) &&
    tr '\\0' ' ' </proc/$((pid))/cmdline | grep -q src/shell.ts && echo $((pid))`;
  const pid = (await service('bastion1', recorder)).out.trim();
  t.match(pid, /^\d+$/);
  t.not(
    (await service('bastion1', `cat /proc/${pid}/environ /proc/${pid}/mem | head -c 1`, 'alice')).code,
    null,
  );
  t.match((await service('bastion1', `head -c 1 /proc/${pid}/environ`, 'alice')).err, /Permission denied/);
  await service('bastion1', `kill -KILL ${pid}`, 'alice');
  t.equal(await client.ended, 255);
  await until(async () => (await service('bastion1', `cat /tmp/hup-${word}`)).out === 'hup\n', 'SIGHUP');
  const [one] = await over('bastion1', login.id);
  t.match(one, { id, reason: /was killed/ });
  await until(
    async () =>
      (await notices('bastion1', ['--kind', 'recording'])).some(({ detail }) => detail.includes(id)),
    'a notice of it',
  );
});

t.test('nobody but a login has a recording', async (t) => {
  const said = await service('bastion1', `script -qec "${FORCED}" /dev/null </dev/null`);
  t.match(
    said.out,
    /this terminal is to be recorded, and that cannot be done: this process descends from no SSH login/,
  );
  t.equal(said.code, 1);
});

t.test('sftp where sshd does it itself', async (t) => {
  const port = RECORDED + 5;
  await shellSshd(t, 'bastion1', port, 'Subsystem sftp internal-sftp');
  const said = await service('laptop', `echo pwd | sftp -b - -qP ${port} alice@bastion1`, 'alice');
  t.match(said, { code: 0, out: /Remote working directory: \/home\/alice/ });
  const { out } = await service(
    'bastion1',
    `/usr/sbin/sshd -T -f /tmp/shell-sshd-${port}/config -C user=root,host=h,addr=10.0.0.1 | grep -i forcecommand`,
  );
  t.equal(out, 'forcecommand none\n', "root's logins are as they were");
});

const HOST = 'bastion2';
const PORT = 2250;

/** With other settings of `recording`, put back at the test's end. */
async function settings(t: Test, recording: string): Promise<void> {
  const path = '/etc/hopline/hopline.yaml';
  const change = `cp ${path} /tmp/hopline.yaml && echo 'recording: ${recording}' >>${path}`;
  t.equal((await service(HOST, change)).code, 0);
  t.equal((await hopline(HOST, ['reload'])).code, 0);
  t.teardown(async () => {
    await service(HOST, `mv /tmp/hopline.yaml ${path}`);
    await hopline(HOST, ['reload']);
  });
}

const terminal = (command: string) => ssh('alice', HOST, command, { ssh: ['-tt', '-p', `${PORT}`] });
const daemon = async (t: Test, verb: string) => t.equal((await lab(['daemon', HOST, verb])).code, 0, verb);

t.test('bad days', (t) =>
  exclusively(HOST, async () => {
    await shellSshd(t, HOST, PORT);

    await t.test('nothing is recorded where nothing is to be', async (t) => {
      await settings(t, '{terminals: none}');
      const word = mark();
      t.match(await terminal(`sh -c 'echo $PPID' ${word}; exit 3`), { code: 3, out: /^\d+\r\n$/ });
      t.same((await waitForLogin(HOST, word)).recordings, []);
    });

    await t.test('a login that is revoked', async (t) => {
      const word = mark();
      const client = start(t, sshArgs('alice', HOST, HANGUP(word), { ssh: ['-tt', '-p', `${PORT}`] }));
      const login = await waitForLogin(HOST, word, ({ recordings }) => recordings.length > 0);
      await client.until(/ready/);
      t.equal((await hopline(HOST, ['revoke', login.id, '--reason', 'laptop stolen'])).code, 0);
      t.equal(await client.ended, 1);
      t.match(client.said(), /hopline shell: your login was revoked: laptop stolen/);
      await until(async () => (await service(HOST, `cat /tmp/hup-${word}`)).out === 'hup\n', 'SIGHUP');
      t.match(await over(HOST, login.id), [{ reason: 'your login was revoked: laptop stolen' }]);
    });

    await t.test('a daemon that is restarted: the terminal waits, and goes on', async (t) => {
      const word = mark();
      const terminal = new ClientTerminal(t, sshArgs('alice', HOST, '', { ssh: ['-p', `${PORT}`] }));
      await terminal.sees(/\$ $/);
      await terminal.types(`PS1='re''ady> '; /bin/true ${word}\r`, /ready> $/);
      const { id } = await waitForLogin(HOST, word);
      await daemon(t, 'stop');
      const before = terminal.said.length;
      terminal.pty.write('echo behind $((40 + 2))\r');
      await new Promise((resolve) => setTimeout(resolve, 1500));
      t.equal(terminal.said.slice(before), '', 'nothing goes through that nobody records');
      await daemon(t, 'start');
      await terminal.sees(/behind 42\r\n/);
      terminal.pty.write('exit 9\r');
      t.equal(await terminal.ended, 9);
      const [first, second] = await until(async () => {
        const found = await recordings(HOST, id);
        return found.length === 2 && found[1]?.ended ? found : null;
      }, 'two recordings');
      t.match(first, { id: `${id}-1`, reason: 'the daemon was stopped' });
      t.match(second, { id: `${id}-2`, reason: null });
      t.match(text(await played(HOST, `${id}-2`), 'stdout'), /behind 42/);
    });

    await t.test('no daemon', async (t) => {
      await daemon(t, 'kill');
      const refused = await terminal('echo in');
      t.equal(refused.code, 1);
      t.match(
        refused.out + refused.err,
        /^hopline shell: this terminal is to be recorded, and hoplined cannot do it: .*\. Ask an administrator to look: systemctl status hoplined, hopline doctor\r\n/,
      );
      t.match(
        await ssh('alice', HOST, 'echo in', { ssh: ['-p', `${PORT}`] }),
        { code: 0, out: 'in\n' },
        'no terminal',
      );
      await daemon(t, 'start');
      t.match(await terminal('echo in'), { code: 0, out: 'in\r\n' });
    });

    await t.test('no daemon, where it goes on', async (t) => {
      await settings(t, '{on_failure: continue}');
      const word = mark();
      const client = start(
        t,
        sshArgs('alice', HOST, `/bin/true ${word}; while read -r x; do echo "<$x>"; done`, {
          ssh: ['-tt', '-p', `${PORT}`],
        }),
      );
      const { id } = await waitForLogin(HOST, word, ({ recordings }) => recordings.length > 0);
      await daemon(t, 'kill');
      client.write('meanwhile\n');
      await client.until(/<meanwhile>/);
      t.match(await terminal('echo in'), { code: 0, out: 'in\r\n' });
      await daemon(t, 'start');
      const second = () => recordings(HOST, id).then((found) => found.length === 2);
      await until(second, 'the next recording');
      client.write('again\n');
      await client.until(/<again>/);
      client.write('\x04');
      t.equal(await client.ended, 0);
      t.match(text(await played(HOST, `${id}-2`), 'stdout'), /<again>/);
    });

    await t.test('a disk that is full', async (t) => {
      const full = '/var/lib/hopline/recordings';
      const word = mark();
      t.teardown(() => service(HOST, `umount ${full}`));
      t.equal(
        (
          await service(
            HOST,
            `mkdir -p ${full} && mount -t tmpfs -o size=16k none ${full} && head -c 1M /dev/zero >${full}/x`,
          )
        ).code,
        1,
      );
      const said = await terminal(`/bin/true ${word}`);
      t.equal(said.code, 1);
      t.match(
        said.out + said.err,
        /hopline shell: this terminal is to be recorded, and that cannot be done: the disk is full/,
      );
      t.match(await notices(HOST, ['--kind', 'recording', '--limit', '1']), [
        { detail: /could not be written: the disk is full; its shell ends/ },
      ]);
    });
  }),
);
