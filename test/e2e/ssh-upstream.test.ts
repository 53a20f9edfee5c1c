// Hosts that are not there, refuse, or go away: ssh's own exit status, words that say which hop, and why it ended on record.
import t, { type Test } from 'tap';

import { type Attempt, attempt } from './ssh-record.ts';
import {
  gate,
  hopline,
  labUp,
  mark,
  openGate,
  programs,
  service,
  ssh,
  sshArgs,
  start,
  waitForHop,
} from './support.ts';

t.before(labUp);
t.setTimeout(1_200_000);

const FIRST = 2301;
const [EARLY, HALF, SILENT, ODD] = [FIRST, FIRST + 1, FIRST + 2, FIRST + 3];
const NOTHING = FIRST + 4;
const WEB1 = '10.77.0.30';
const HOP = { target: 'odd-ssh', protocol: 'ssh', mode: 'inspect', decision: { outcome: 'allow' } };
const odd = (port: number, account = 'alice', more = 'true', options = '') =>
  `ssh -o BatchMode=yes ${options} -p ${port} ${account}@${WEB1} ${more}`;

/** With alice's known_hosts on bastion1 as it was, at the end. */
async function known(t: Test, ...lines: string[]): Promise<void> {
  t.teardown(() => ssh('alice', 'bastion1', `sed -i '/:${ODD}\\]\\?[ ,]/d; /:${ODD} /d' ~/.ssh/known_hosts`));
  const all = lines.map((line) => `[${WEB1}]:${ODD} ${line}`.replace(/^(\S+) (@\S+) /, '$2 $1 '));
  await ssh(
    'alice',
    'bastion1',
    `touch ~/.ssh/known_hosts; sed -i '/:${ODD} /d' ~/.ssh/known_hosts; cat >>~/.ssh/known_hosts`,
    {
      input: all.map((line) => `${line}\n`).join(''),
    },
  );
}

function failed(t: Test, one: Attempt, err: RegExp, endReason: RegExp | null, more: object = {}): void {
  t.match(one, { code: 255, err, ...more }, one.err);
  t.match(one.hop, HOP);
  t.match(one.hop.endReason, endReason);
}

t.test('hosts', async (t) => {
  const host = start(t, [
    ...['exec', 'web1', '--', process.execPath, '--disable-warning=ExperimentalWarning'],
    ...[`${programs}/odd-sshd.ts`, String(FIRST)],
  ]);
  await host.until(/^ssh-ed25519 \S+\r?\n/m);
  const [key = ''] = /ssh-ed25519 \S+/.exec(host.said()) ?? [];
  const another = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAzgA8ipxmsAh2lNUFq0FaHeUgcIPlxdPZ1AqRe9D36U';
  const where = `from ${WEB1} port`;

  await t.test('one that refuses connections, and one that nobody has', async (t) => {
    failed(
      t,
      await attempt(mark(), odd(NOTHING)),
      /from 10\.77\.0\.30 port 2305:10: Hopline: not reached: 10\.77\.0\.30 port 2305: .*ECONNREFUSED/,
      /^not reached: 10\.77\.0\.30 port 2305: .*ECONNREFUSED/,
      { actions: [] },
    );
    const nowhere = await attempt(mark(), 'ssh 10.77.0.99 true');
    t.match(nowhere, {
      ...{
        code: 255,
        err: /from 10\.77\.0\.99 port 22:10: Hopline: not reached: 10\.77\.0\.99 port 22: .*EHOSTUNREACH/,
      },
      hop: { target: 'nowhere-ssh', endReason: /^not reached: .*EHOSTUNREACH/ },
      actions: [],
    });
  });

  await t.test('one that does not answer, beyond the time for a dial', async (t) => {
    // To a network card that nobody has: what is sent there is lost.
    const way = `dev "$(ip -o route get 10.77.0.98 | grep -o 'dev [^ ]*' | cut -d' ' -f2)"`;
    const { code } = await service(
      'bastion1',
      `ip neigh replace 10.77.0.98 lladdr 02:00:00:00:00:98 nud permanent ${way}`,
    );
    t.equal(code, 0);
    t.teardown(() => service('bastion1', `ip neigh del 10.77.0.98 ${way}`));
    const one = await attempt(mark(), 'ssh 10.77.0.98 true', undefined, { timeoutMs: 120_000 });
    t.match(one, {
      code: 255,
      err: /from 10\.77\.0\.98 port 22:10: Hopline: not reached: 10\.77\.0\.98 port 22 did not answer within \d+ s/,
      hop: { target: 'nowhere-ssh', endReason: /^not reached: .* did not answer within \d+ s$/ },
      actions: [],
    });
  });

  await t.test('one that closes before it says anything, and one in the key exchange', async (t) => {
    for (const port of [EARLY, HALF])
      failed(
        t,
        await attempt(mark(), odd(port)),
        new RegExp(`${where} ${port}:11: Hopline: the host closed the connection`),
        /^the host closed the connection$/,
        { actions: [] },
      );
  });

  await t.test('one that says nothing', async (t) => {
    failed(
      t,
      await attempt(mark(), odd(SILENT), undefined, { timeoutMs: 120_000 }),
      new RegExp(
        `${where} ${SILENT}:10: Hopline: 10.77.0.30 port ${SILENT} did not finish the key exchange within 30 s`,
      ),
      /did not finish the key exchange within 30 s/,
    );
  });

  await t.test('an unknown key: nobody to ask, a no, a yes', async (t) => {
    await known(t);
    const batch = await attempt(mark(), odd(ODD, 'statusless'));
    failed(
      t,
      batch,
      /statusless@10\.77\.0\.30: Permission denied \(keyboard-interactive\)/,
      /^nobody has said that the ED25519 key SHA256:\S+ is that of /,
    );
    const nobody = await attempt(mark(), `ssh -p ${ODD} statusless@${WEB1} true </dev/null`);
    failed(t, nobody, /Host key verification failed\./, /^Host key verification failed\.$/);
    const word = mark();
    const asking = (answer: string) =>
      `printf '#!/bin/sh\\necho "$1" >>/tmp/${word}-q\\necho ${answer}\\n' >/tmp/${word}-a; chmod 700 /tmp/${word}-a; ` +
      `SSH_ASKPASS=/tmp/${word}-a SSH_ASKPASS_REQUIRE=force ssh -p ${ODD} statusless@${WEB1} true`;
    const no = await attempt(word, asking('no'));
    failed(t, no, /Host key verification failed\./, /^Host key verification failed\.$/);
    const yes = await attempt(mark(), `${asking('yes')}; echo code $?; cat /tmp/${word}-q`);
    t.match(yes.err, /Warning: Permanently added '\[web1\]:2304' \(ED25519\) to the list of known hosts\./);
    t.match(yes.out, /begun\ncode 255\n[\s\S]*Are you sure you want to continue connecting/);
    t.match(yes.actions, [{ kind: 'exec', detail: { hostKey: /^asked, kept in ~\/\.ssh\/known_hosts$/ } }]);
    await ssh('alice', 'bastion1', 'sed -i "$ d" ~/.ssh/known_hosts');
  });

  await t.test('another key than is known, and one that is revoked', async (t) => {
    await known(t, another);
    const changed = await attempt(mark(), odd(ODD));
    failed(
      t,
      changed,
      /WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED![\s\S]*Offending ED25519 key in \S+known_hosts:\d+[\s\S]*Host key verification failed\./,
      /^Host key verification failed\.$/,
    );
    await known(t, `@revoked ${key}`);
    const revoked = await attempt(mark(), odd(ODD));
    failed(
      t,
      revoked,
      /WARNING: REVOKED HOST KEY DETECTED![\s\S]*Host key verification failed\./,
      /^Host key verification failed\.$/,
    );
  });

  await known(t, key);
  await t.test('one that takes no login', async (t) => {
    const one = await attempt(mark(), odd(ODD, 'nobody'));
    failed(
      t,
      one,
      /nobody@10\.77\.0\.30: Permission denied \(publickey,password\)\./,
      /^the host refused nobody: it takes publickey, password$/,
      { actions: [] },
    );
    const real = await attempt(
      mark(),
      'ssh -o BatchMode=yes -o PreferredAuthentications=password bob@db1 true; ssh -o BatchMode=yes carol@db1 true',
      ({ endReason }) => endReason !== null,
    );
    t.match(real.err, /carol@db1: Permission denied \(publickey,password\)\./);
    t.match(real.hop.endReason, /^the host refused (bob|carol): it takes publickey, password$/);
  });

  await t.test('one that goes in the middle: closes, resets, says goodbye, makes noise', async (t) => {
    const cases: [account: string, err: RegExp, endReason: RegExp][] = [
      ['closes', /Connection to 10\.77\.0\.30 closed by remote host\./, /^the host closed the connection$/],
      [
        'resets',
        /from 10\.77\.0\.30 port 2304:10: Hopline: reset by the host \(ECONNRESET\)/,
        /^reset by the host \(ECONNRESET\)$/,
      ],
      [
        'leaves',
        /Received disconnect from 10\.77\.0\.30 port 2304:11: down for the night/,
        /^the host disconnected: down for the night$/,
      ],
      ['noise', /Hopline: the host: /, /^the host: /],
    ];
    for (const [account, err, endReason] of cases) {
      const one = await attempt(mark(), odd(ODD, account, 'cat'));
      failed(t, one, err, endReason, { out: 'begun\n' });
      t.match(
        one.actions,
        [{ kind: 'exec', result: { error: 'the connection ended first', bytesDown: 6 } }],
        account,
      );
    }
  });

  await t.test('a program without a status', async (t) => {
    const one = await attempt(mark(), odd(ODD, 'statusless'));
    t.match(one, { code: 255, out: 'begun\n', hop: { ...HOP, endReason: null } });
    t.match(one.actions, [{ kind: 'exec', result: { bytesDown: 6 } }]);
    t.notOk(Object.hasOwn(one.actions[0]?.result ?? {}, 'exitStatus'));
  });

  await t.test(
    'one that floods, and one that is deaf: another connection of the worker goes on',
    async (t) => {
      const [word, quiet] = [mark(), mark()];
      // Each worker has one that counts beside it.
      const beside = [0, 1].map(() => mark());
      const counting = beside.map((each) =>
        start(
          t,
          sshArgs(
            'alice',
            'bastion1',
            `ssh alice@db1 'for i in $(seq 60); do echo ${each} $i; sleep 0.2; done; echo done'`,
          ),
        ),
      );
      for (const one of counting) await one.until(/ 1\n/);
      const flooded = start(
        t,
        sshArgs('alice', 'bastion1', `${odd(ODD, 'flood', 'cat')} | { ${gate(word)}; wc -c; }`),
      );
      const deaf = start(
        t,
        sshArgs('alice', 'bastion1', `: ${quiet}; head -c 300000000 /dev/zero | ${odd(ODD, 'deaf', 'cat')}`),
      );
      await deaf.until(/begun/);
      for (const one of counting) await one.until(/\ndone/);
      for (const [n, one] of counting.entries()) {
        const lines = one
          .said()
          .split('\n')
          .filter((line) => line.startsWith(beside[n] ?? '-'));
        t.equal(lines.length, 60, 'its stream is whole');
      }
      const most = await service(
        'bastion1',
        `ps -eo rss,args | grep '[h]opline.*worker\\|[w]orker.ts' | sort -n | tail -1`,
      );
      t.ok(
        Number.parseInt(most.out.trim(), 10) < 500_000,
        `the largest worker: ${most.out.trim().slice(0, 60)}`,
      );
      await flooded.stop();
      await deaf.stop();
      openGate('bastion1', word);
      // Nobody is there any more to end them, and neither side does.
      for (const which of [word, quiet]) {
        const { hop, login } = await waitForHop('bastion1', which, ({ target }) => target === 'odd-ssh');
        await hopline('bastion1', ['revoke', login.id, '--reason', 'stuck']);
        const ended = await waitForHop('bastion1', which, ({ id, ended }) => id === hop.id && ended !== null);
        t.match(ended.hop, { ...HOP, endReason: 'revoked: stuck' });
        const { out } = await hopline('bastion1', ['--json', 'actions', '--hop', hop.id]);
        t.match(JSON.parse(out), [{ kind: 'exec', subject: 'cat', ended: String }]);
      }
    },
  );
});

t.test('signals, and a status that the program has', async (t) => {
  for (const [command, code, result] of [
    ['kill -TERM $$', 255, { exitSignal: 'TERM' }],
    ['kill -KILL $$', 255, { exitSignal: 'KILL' }],
    ['exit 77', 77, { exitStatus: 77 }],
  ] as const) {
    const one = await attempt(mark(), `ssh alice@db1 '${command}'`);
    t.match(one, { code, actions: [{ kind: 'exec', result }], hop: { endReason: null } }, command);
  }
});

t.test('an sshd that is killed in the middle of a file', async (t) => {
  const word = mark();
  const command = `head -c 30000000 /dev/urandom >/tmp/${word}; scp -q -l 20000 /tmp/${word} alice@db1:/tmp/${word}-up; echo code $?; rm /tmp/${word}`;
  const going = ssh('alice', 'bastion1', command, { timeoutMs: 90_000 });
  const { hop } = await waitForHop(
    'bastion1',
    word,
    ({ target, actions }) => target === 'db1-ssh' && actions > 1,
  );
  await service(
    'db1',
    // The one that writes this file, once it does: hosts and labs see each other's processes.
    `for i in $(seq 600); do [ -s /tmp/${word}-up ] && break; sleep 0.1; done
     for pid in $(pgrep -U alice -f sftp-server); do ls -l /proc/$pid/fd | grep -q '/tmp/${word}-up' && kill -9 $pid; done; true`,
  );
  const said = await going;
  t.match(said, { out: /code (1|255)\n/ });
  t.match(said.err, /Connection closed|lost connection|closed/);
  const found = await waitForHop('bastion1', word, ({ id, ended }) => id === hop.id && ended !== null);
  t.match(found.hop, { ...HOP, target: 'db1-ssh', endReason: null });
  const { out } = await hopline('bastion1', ['--json', 'actions', '--hop', hop.id]);
  const [file, session] = JSON.parse(out);
  t.match(session, { subject: 'sftp', result: { exitSignal: 'KILL' } });
  t.match(file, { subject: `write /tmp/${word}-up`, result: { error: 'not closed' } });
  t.ok(file.result.bytes > 0 && file.result.bytes < 30_000_000, 'what was sent of it');
});
