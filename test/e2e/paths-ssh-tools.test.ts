/**
 * What people do over SSH from a bastion with their own tools: each is run on the laptop, which has no Hopline, and on
 * bastion1, says the same, and is found in the record as what it was.
 */
import t from 'tap';
import type { ActionJson } from '../../src/api/json.ts';
import { compared, exec, LISTENS, moved, type Tool, told, without } from './compared.ts';
import { exclusively, hopline, labUp, mark, programs, ssh, waitForLogin } from './support.ts';

t.before(labUp);
t.jobs = 3;
t.setTimeout(1_200_000);

const tools: readonly Tool[] = [
  {
    name: 'ssh-copy-id',
    command: `mkdir /tmp/W && ssh-keygen -q -t ed25519 -N '' -C of-W -f /tmp/W/key && ssh-copy-id -i /tmp/W/key.pub alice@db1 2>&1;
      ssh-copy-id -i /tmp/W/key.pub alice@db1 2>&1; ssh -i /tmp/W/key -o IdentitiesOnly=yes alice@db1 grep -c of-W .ssh/authorized_keys`,
    says: /Number of key\(s\) added: 1[\s\S]*already exist on the remote system[\s\S]*\n1\n$/,
    actions: [{ ...exec('grep -c of-W .ssh/authorized_keys'), detail: { authentication: 'key file key' } }],
    by: /^bash › (\S+ ssh-copy-id › )?ssh$/,
    // Each time it looks what the server is, and whether it takes the key, which the host does not know yet.
    hops: 6,
    refused: /^the host refused alice: it takes publickey, password$/,
  },
  ...['False', 'True'].map((pipelining) => ({
    name: `Ansible, pipelining ${pipelining}`,
    command: `export ANSIBLE_NOCOLOR=1 ANSIBLE_PIPELINING=${pipelining} ANSIBLE_LOCAL_TEMP=/tmp/W ANSIBLE_SSH_CONTROL_PATH_DIR=/tmp/W/cp;
      ansible-playbook -i db1, -e word=W ${programs}/tasks.yaml; cat /tmp/W-fetched;
      for master in /tmp/W/cp/*; do ssh -S $master -O exit db1 2>&1; done`,
    says: /ok=20 +changed=\d+ +unreachable=0 +failed=0[\s\S]*fifth\n[\s\S]*Exit request sent/,
    actions: [
      { ...exec(/echo raw \$\(\(6 \* 7\)\)/), detail: { pty: true } },
      { ...exec(/\/bin\/sh -c .*python3/), detail: { pty: pipelining === 'False' } },
      moved('sftp', 'upload', /AnsiballZ_|source/),
      moved('sftp', 'download', '/tmp/W-play/text'),
    ],
    by: /^bash › python\S* ansible-playbook .*ssh$/,
    hops: 1,
    fewest: 40,
  })),
  {
    name: 'ControlMaster with several sessions',
    command: `ssh -M -S /tmp/W -fN alice@db1 && for i in 1 2 3 4 5; do ssh -S /tmp/W alice@db1 "sleep 0.2; echo session $i; exit $i" || echo code $? & done | sort;
      ssh -tt -S /tmp/W alice@db1 tty </dev/null | sed 's/[0-9].*//'; ssh -S /tmp/W -O check db1 2>&1 | sed 's/[0-9]* *)*\\r*$//'; ssh -S /tmp/W -O exit db1 2>&1`,
    says: /code 1\n.*code 5\nsession 1\n.*session 5\n\/dev\/pts\/\nMaster running \(pid=\nExit request sent/s,
    actions: [
      ...[1, 2, 3, 4, 5].map((n) => exec(`sleep 0.2; echo session ${n}; exit ${n}`, n)),
      { ...exec('tty'), detail: { pty: true } },
    ],
    by: /^bash › ssh$/,
    hops: 1,
  },
  {
    name: 'ssh -L and -D',
    command: `ssh -M -S /tmp/W -fN -D PORT alice@db1 && curl -sS --socks5-hostname 127.0.0.1:PORT http://web1/;
      ssh -S /tmp/W -O cancel -D PORT db1; ssh -S /tmp/W -O forward -L PORT:web1:80 db1; curl -sS http://127.0.0.1:PORT/;
      ssh -S /tmp/W -O cancel -L PORT:web1:80 db1; ssh -S /tmp/W -O forward -L /tmp/W-web:web1:80 db1; curl -sS --unix-socket /tmp/W-web http://web1/;
      ssh -S /tmp/W -O exit db1 2>&1`,
    says: /^(hello from web1\n){3}Exit request sent/,
    actions: [
      {
        kind: 'forward',
        subject: 'local tcp web1:80',
        detail: { direction: 'local', toHost: 'web1', toPort: 80 },
        result: { bytesDown: Number },
      },
    ],
    by: /^bash › ssh$/,
    hops: 1,
    fewest: 3,
  },
  {
    name: 'ssh -R',
    command: `mkdir /tmp/W && cd /tmp/W && echo from-W >page && python3 -m http.server -b 127.0.0.1 PORT >/dev/null 2>&1 & served=$!;
      ${LISTENS}; ssh -o ExitOnForwardFailure=yes -R 127.0.0.1:PORT:127.0.0.1:PORT -R /tmp/W-web:127.0.0.1:PORT alice@db1 \
      'curl -sS http://127.0.0.1:PORT/page; curl -sS --unix-socket /tmp/W-web http://here/page'; kill $served`,
    says: /^(from-W\n){2}$/,
    actions: [
      { kind: 'forward', subject: /^remote tcp 127\.0\.0\.1:2\d{4}$/, detail: { direction: 'remote' } },
      { kind: 'forward', subject: 'remote unix /tmp/W-web', detail: { direction: 'remote' } },
      exec(/^curl -sS/),
    ],
    by: /^bash › ssh$/,
    hops: 1,
    fewest: 5,
  },
  {
    name: 'sftp, a batch',
    command: `printf '%s\\n' 'mkdir /tmp/W' 'put /usr/bin/env /tmp/W/env' 'put -p /etc/hostname /tmp/W/name' 'rename /tmp/W/name /tmp/W/named' \
      'symlink env /tmp/W/link' 'chmod 700 /tmp/W/env' 'cd /tmp/W' 'ls -1' 'get env /tmp/W-env' '-rm missing' 'rm *' 'cd /' 'rmdir /tmp/W' |
      sftp -b - alice@db1 2>&1 | grep -v -e ' [0-9]*% ' -e hostname; cmp /usr/bin/env /tmp/W-env && echo same`,
    says: /env\s+link\s+named[\s\S]*same\n$/,
    actions: [
      { ...moved('sftp', 'upload', '/tmp/W/env'), result: { sha256: /^[0-9a-f]{64}$/ } },
      { ...moved('sftp', 'download', '/tmp/W/env'), result: { sha256: /^[0-9a-f]{64}$/ } },
      { kind: 'transfer', detail: { operation: 'rename', path: '/tmp/W/name', to: '/tmp/W/named' } },
      { kind: 'transfer', detail: { operation: 'rmdir', path: '/tmp/W' } },
    ],
    by: /^bash › sftp › ssh$/,
    hops: 1,
    fewest: 9,
  },
  {
    name: 'rsync',
    command: `mkdir /tmp/W && cp -r ${programs} /tmp/W/here && head -c 3000000 /dev/urandom >/tmp/W/here/large && rsync -a /tmp/W/here alice@db1:/tmp/W/ &&
      echo more >>/tmp/W/here/large && rm /tmp/W/here/ask.py && rsync -ac --delete --info=del2 -e ssh /tmp/W/here alice@db1:/tmp/W/ &&
      rsync -az db1:/tmp/W/here/ /tmp/W/back && diff -r /tmp/W/here /tmp/W/back && echo same; rsync -a db1:/tmp/W/missing /tmp/W; echo code $?`,
    says: /^deleting here\/ask\.py\nsame\ncode 23\n$/,
    actions: [
      moved('rsync', 'upload', /^\/tmp\/W/),
      { ...moved('rsync', 'download', '/tmp/W/here/'), result: { exitStatus: 0, bytesDown: Number } },
      { ...moved('rsync', 'download', '/tmp/W/missing'), result: { exitStatus: 23 } },
    ],
    by: /^bash › rsync › ssh$/,
    hops: 4,
    fewest: 8,
  },
  {
    name: 'git over ssh',
    command: `export GIT_CONFIG_GLOBAL=/tmp/W-gitconfig; git config --global user.name a; git config --global user.email a@b; git config --global init.defaultBranch main;
      ssh db1 git init -q --bare /tmp/W.git; git clone -q db1:/tmp/W.git /tmp/W 2>&1; cd /tmp/W && cp ${programs}/*.py . && git add . && git commit -qm first &&
      git push -q origin main 2>&1; git clone -q ssh://alice@db1/tmp/W.git /tmp/W-again && git -C /tmp/W-again log --format=%s && ls /tmp/W-again;
      git clone -q db1:/tmp/W-missing /tmp/W-none 2>&1; echo code $?`,
    says: /first\n[\s\S]*dial\.py[\s\S]*does not appear to be a git repository[\s\S]*code 128/,
    actions: [
      moved('git', 'upload', '/tmp/W.git'),
      moved('git', 'download', '/tmp/W.git'),
      { ...moved('git', 'download', '/tmp/W-missing'), result: { exitStatus: 128 } },
    ],
    by: /^bash › (git.* › )?ssh$/,
    hops: 5,
    fewest: 9,
  },
];

for (const tool of tools) t.test(tool.name, { buffered: true }, (t) => compared(t, tool));

t.test('an agent over two hops', { buffered: true }, (t) =>
  exclusively('bastion2', async () => {
    const [there, here] = [mark(), mark()];
    // The key is the agent's alone: the hosts between have others, which they are not to use.
    const inner = 'ssh -A -i /dev/null alice@db1 "hostname; ssh-add -l | wc -l"';
    const command = (between: string, word: string) =>
      `: ${word}; ssh-agent sh -c 'ssh-add -q ~/.ssh/id_ed25519; ssh -A -i /dev/null alice@${between} ": ${word}; ${inner.replaceAll('"', '\\"')}"'`;
    const alone = await without(command('web1', there));
    const said = await ssh('alice', 'bastion1', command('bastion2', here));
    t.match(said, { code: 0, out: 'db1\n1\n' }, said.err);
    t.same(told(said, here), told(alone, there), 'as it is without Hopline');
    for (const [host, target] of [
      ['bastion1', 'bastion2-ssh'],
      ['bastion2', 'db1-ssh'],
    ] as const) {
      const login = await waitForLogin(host, here, ({ hops }) => hops.some(({ ended }) => ended !== null));
      t.match(login.hops, [{ target, protocol: 'ssh' }], host);
      const { out } = await hopline(host, ['actions', '--hop', login.hops[0]?.id ?? '', '--json']);
      const actions = JSON.parse(out) as ActionJson[];
      t.ok(
        actions.some(({ kind, subject }) => kind === 'forward' && subject === 'remote agent'),
        out,
      );
      t.ok(
        actions.some(({ kind, detail }) => kind === 'exec' && detail.authentication === 'agent'),
        out,
      );
    }
  }),
);
