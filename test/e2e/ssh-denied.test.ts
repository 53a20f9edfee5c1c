// What policy refuses over SSH, each with what the person saw and what is on record: targets hosts.cedar and lab.cedar.
import t from 'tap';
import { attempt } from './ssh-record.ts';
import { labUp, mark, service } from './support.ts';

t.before(labUp);
t.jobs = 3;

const DENIED = { decision: { outcome: 'deny' }, result: { error: 'denied' } };
const HOP = {
  target: 'db1-ssh',
  protocol: 'ssh',
  mode: 'inspect',
  decision: { outcome: 'allow' },
  endReason: null,
};
const denied = (kind: string, policy: string, more: object = {}) => ({
  ...DENIED,
  kind,
  decision: { outcome: 'deny', policies: [policy] },
  ...more,
});
/** A file of alice's on db1. */
async function file(path: string): Promise<void> {
  const { code, err } = await service('db1', `echo content >${path}; chown alice ${path}`);
  if (code !== 0) throw new Error(err);
}
const isThere = async (path: string) => (await service('db1', `test -e ${path}`)).code === 0;

t.test('a shell', { buffered: true }, async (t) => {
  const why = 'Hopline: not-as-bob forbids a shell on db1-ssh for alice: Use your own account for that.';
  const terminal = await attempt(mark(), 'ssh -tt bob@db1 </dev/null 2>&1; echo code $?');
  t.match(terminal.out, `${why}\r\n`);
  t.match(terminal.out, /code 126\n$/);
  t.match(terminal.hop, HOP);
  t.match(terminal.actions, [denied('shell', 'not-as-bob', { detail: { account: 'bob', pty: true } })]);
  const piped = await attempt(mark(), 'echo "touch /tmp/never" | ssh bob@db1');
  t.match(piped, { code: 126, out: '', err: `${why}\n`, hop: HOP, actions: [denied('shell', 'not-as-bob')] });
});

t.test('a command, and one that runs in the same connection', { buffered: true }, async (t) => {
  const word = mark();
  const one = await attempt(word, `ssh alice@db1 shred /tmp/${word}`);
  t.match(one, {
    ...{ code: 126, out: '', hop: HOP, actions: [denied('exec', 'no-wipes-on-hosts')] },
    err: 'Hopline: no-wipes-on-hosts forbids shred on db1-ssh for alice: Say which files, to somebody who can bring them back.\n',
  });
  const other = mark();
  const control = `-o ControlPath=/tmp/${other}-c`;
  const both = await attempt(
    other,
    `ssh ${control} -MNf alice@db1 && { ssh ${control} alice@db1 shred /tmp/${other}; ssh ${control} alice@db1 echo lives; }; ssh ${control} -O exit alice@db1`,
  );
  t.match(both.out, 'lives\n');
  t.match(both.actions, [denied('exec', 'no-wipes-on-hosts'), { kind: 'exec', result: { exitStatus: 0 } }]);
});

t.test('a subsystem', { buffered: true }, async (t) => {
  const one = await attempt(mark(), 'ssh -s alice@db1 netconf </dev/null');
  t.match(one, {
    ...{ code: 126, hop: HOP, actions: [denied('exec', 'no-netconf', { subject: 'netconf' })] },
    err: /Hopline: no-netconf forbids netconf on db1-ssh for alice: Configuration is changed by deployment\.\n/,
  });
  const sftp = await attempt(mark(), 'echo ls | sftp -b - bob@db1');
  t.match(sftp, {
    ...{ code: 255, hop: HOP, actions: [denied('transfer', 'no-sessions-of-files-as-bob')] },
    err: /Hopline: no-sessions-of-files-as-bob forbids .* on db1-ssh for alice: Files are fetched by your own account\./,
  });
});

t.test('files by sftp, operation by operation', { buffered: true }, async (t) => {
  const word = mark();
  const closed = `/tmp/${word}-closed`;
  await file(closed);
  const lines = [
    `-get ${closed} /tmp/${word}-down`,
    `-put /etc/hostname ${closed}-up`,
    `-rm ${closed}`,
    `-rename ${closed} /tmp/${word}-else`,
    `-mkdir ${closed}-d`,
    `-chmod 600 ${closed}`,
    `-ln -s /etc/passwd ${closed}-l`,
    `put /etc/hostname /tmp/${word}-open`,
  ];
  const one = await attempt(
    word,
    `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')} | sftp -b - alice@db1`,
  );
  t.equal(one.code, 0, 'the session goes on');
  const said =
    one.err.match(/^Hopline: closed-files forbids .* on db1-ssh for alice: These files are closed\.$/gm) ??
    [];
  t.equal(said.length, 7, one.err);
  t.match(one.err, /Permission denied/);
  t.match(one.hop, HOP);
  t.match(
    one.actions.map(({ subject, decision, result }) => [subject, decision.outcome, result]),
    [
      ['sftp', 'allow', {}],
      ...['read', 'write', 'remove', 'rename', 'mkdir', 'change', 'symlink'].map((operation) => [
        new RegExp(`^${operation} `),
        'deny',
        { error: 'denied' },
      ]),
      [`write /tmp/${word}-open`, 'allow', { bytes: 9, sha256: String }],
    ],
  );
  t.ok(await isThere(closed));
  for (const never of [`${closed}-up`, `/tmp/${word}-else`, `${closed}-d`, `${closed}-l`])
    t.notOk(await isThere(never), never);
});

t.test('files by scp, old and new, and rsync', { buffered: true }, async (t) => {
  const why = /Hopline: closed-files forbids .* on db1-ssh for alice: These files are closed\./;
  for (const [tool, operation] of [
    ['scp -q /etc/hostname alice@db1:FILE', 'write'],
    ['scp -q alice@db1:FILE /tmp/WORD', 'read'],
    ['scp -qO /etc/hostname alice@db1:FILE', 'write'],
    ['scp -qO alice@db1:FILE /tmp/WORD', 'read'],
    ['rsync /etc/hostname alice@db1:FILE', 'write'],
    ['rsync alice@db1:FILE /tmp/WORD', 'read'],
    // Not the last of what is asked for.
    ['rsync alice@db1:FILE alice@db1:/etc/hostname /tmp/', 'read'],
    ["scp -qO 'alice@db1:FILE /etc/hostname' /tmp/", 'read'],
  ] as const) {
    const word = mark();
    const path = `/tmp/${word}-closed`;
    if (operation === 'read') await file(path);
    const one = await attempt(word, tool.replace('FILE', path).replace('WORD', word));
    t.match(one.err, why, tool);
    t.not(one.code, 0, tool);
    t.match(one.hop, HOP);
    t.match(one.actions.at(-1), denied('transfer', 'closed-files', { subject: `${operation} ${path}` }));
    if (operation === 'write') t.notOk(await isThere(path));
  }
});

t.test('what rsync tells the host later has no path on record', { buffered: true }, async (t) => {
  const word = mark();
  const directory = `/tmp/${word}-module`;
  const made = `mkdir ${directory} && echo content >${directory}/file && printf 'use chroot=no\n[${word}]\npath=${directory}\n' >rsyncd.conf`;
  const one = await attempt(
    word,
    `ssh alice@db1 "${made}"; rsync -e ssh alice@db1::${word}/file /tmp/${word} && cat /tmp/${word}; ssh alice@db1 rm rsyncd.conf`,
    ({ actions }) => actions > 1,
  );
  t.match(one, { code: 0, out: 'content\n', hop: HOP }, one.err);
  const rsync = (direction: string) => ({
    kind: 'transfer',
    subject: 'rsync',
    detail: { direction, path: '' },
  });
  t.match(one.actions, [{ kind: 'exec' }, rsync('upload'), rsync('download')]);
  const secluded = await attempt(
    mark(),
    `rsync -s alice@db1:${directory}/file /tmp/${word}; rm /tmp/${word}`,
  );
  t.match(secluded.actions, [{ kind: 'exec' }, rsync('download')], secluded.err);
});

t.test('forwardings', { buffered: true }, async (t) => {
  const why = (what: string) =>
    `Hopline: not-as-bob forbids forwarding ${what} db1-ssh for alice: Use your own account for that.`;
  const local = await attempt(mark(), 'ssh -W 127.0.0.1:22 bob@db1 </dev/null');
  t.match(local, {
    ...{ code: 255, hop: HOP, out: '' },
    actions: [denied('forward', 'not-as-bob', { subject: 'local tcp 127.0.0.1:22' })],
  });
  t.match(local.err, `open failed: administratively prohibited: ${why('to 127.0.0.1 by')}`);
  const word = mark();
  const listening = await attempt(
    word,
    `ssh -L /tmp/${word}.s:/run/no.sock bob@db1 'echo up; sleep 5' >/tmp/${word}.up & for i in $(seq 600); do [ -s /tmp/${word}.up ] && break; sleep 0.1; done; python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.connect("/tmp/${word}.s"); print(s.recv(9))'; wait`,
  );
  t.match(listening, { out: "b''\n", err: why('to /run/no.sock by') });
  t.match(listening.actions, [
    { kind: 'exec' },
    denied('forward', 'not-as-bob', { detail: { kind: 'unix', toHost: '/run/no.sock' } }),
  ]);
  const remote = await attempt(
    mark(),
    'ssh -v -o ExitOnForwardFailure=yes -R 2380:127.0.0.1:22 bob@db1 true',
  );
  t.match(remote, {
    ...{
      code: 255,
      err: /Remote: Hopline: not-as-bob forbids forwarding[\s\S]*remote port forwarding failed for listen port 2380/,
      hop: HOP,
    },
    actions: [denied('forward', 'not-as-bob', { detail: { direction: 'remote', toPort: 2380 } })],
  });
});

t.test('an agent and a display: the command goes on without', { buffered: true }, async (t) => {
  const agent = await attempt(mark(), `ssh-agent sh -c 'ssh -A bob@db1 "echo agent=\\$SSH_AUTH_SOCK"'`);
  const why =
    /Hopline: not-as-bob forbids (agent|x11) forwarding by db1-ssh for alice: Use your own account for that\.\n/;
  t.match(agent, { code: 0, out: 'agent=\n', err: why, hop: HOP });
  t.match(agent.actions, [denied('forward', 'not-as-bob', { subject: 'remote agent' }), { kind: 'exec' }]);
  const display = await attempt(mark(), `DISPLAY=:9 ssh -Y bob@db1 'echo display=$DISPLAY'`);
  t.match(display, { code: 0, out: 'display=\n', err: why, hop: HOP });
  t.match(display.actions, [denied('forward', 'not-as-bob', { subject: 'remote x11' }), { kind: 'exec' }]);
});

t.test("an environment is the host's to take", { buffered: true }, async (t) => {
  const one = await attempt(
    mark(),
    `LC_HOPLINE=taken LD_PRELOAD= SECRET=left ssh -o 'SendEnv LC_* SECRET' alice@db1 'echo "$LC_HOPLINE $SECRET."'`,
  );
  t.match(one, {
    code: 0,
    out: 'taken .\n',
    hop: HOP,
    actions: [{ kind: 'exec', decision: { outcome: 'allow' } }],
  });
});

t.test('at a depth, and by a chain', { buffered: true }, async (t) => {
  t.match(await attempt(mark(), 'ssh alice@db1 nproc'), {
    code: 0,
    actions: [{ decision: { outcome: 'allow' } }],
  });
  const deep = await attempt(
    mark(),
    `bash -c 'bash -c "bash -c \\"ssh alice@db1 nproc; exit \\\\\\$?\\"; exit \\$?"; exit $?'`,
  );
  t.match(deep, {
    ...{ code: 126, out: '', hop: { ...HOP, chain: ['bash', 'bash', 'bash', 'bash', 'ssh'] } },
    err: /Hopline: not-so-deep forbids nproc on db1-ssh for alice: Run it from your own shell\./,
    actions: [denied('exec', 'not-so-deep')],
  });
  const chained = await attempt(mark(), `perl -e 'exit system("ssh alice\\@db1 nproc") >> 8'`);
  t.match(chained, {
    ...{ code: 126, out: '', hop: { ...HOP, chain: ['bash', 'perl', 'ssh'] } },
    err: /Hopline: not-by-perl forbids nproc on db1-ssh for alice: Programs do not ask that\./,
    actions: [denied('exec', 'not-by-perl')],
  });
});

t.test('a host that policy closes', { buffered: true }, async (t) => {
  const why =
    /Hopline: closed-hosts forbids connect to closed-ssh for alice: This host is being taken apart\./;
  const one = await attempt(mark(), 'ssh -p 2309 10.77.0.30 true');
  t.match(one, {
    ...{ code: 255, out: '', err: why, actions: [] },
    hop: { target: 'closed-ssh', mode: 'denied', decision: { outcome: 'deny', policies: ['closed-hosts'] } },
  });
  t.match(one.err, 'from 10.77.0.30 port 2309');
});
