// Trees go on over the daemon's end, and what began while it was away is in one.
import { readdirSync, rmSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { TreeLoginJson } from '../../src/api/json.ts';
import { isHop, isLoginOf } from './assertions.ts';
import {
  exclusively,
  FAMILIES,
  type Family,
  gate,
  lab,
  labName,
  labUp,
  mark,
  notices,
  openGate,
  PYTHON,
  programs,
  ssh,
  sshArgs,
  start,
  waitForHop,
  waitForLogin,
} from './support.ts';

const HOST = 'bastion2';
t.before(labUp);
t.setTimeout(1_200_000);

async function daemon(t: Test, verb: 'start' | 'stop' | 'kill' | 'restart'): Promise<void> {
  const { code, out, err } = await lab(['daemon', HOST, verb], { timeoutMs: 120_000 });
  t.equal(code, 0, `hoplined: ${verb} ${code === 0 ? '' : out + err}`);
}

interface Session {
  readonly family: Family;
  readonly word: string;
  /** Lets it connect, and waits until it has. */
  go(): Promise<string>;
}

/** Logins, one by each family, that have begun, and whose programs connect when they are told to. */
async function sessions(t: Test, user = 'alice'): Promise<readonly Session[]> {
  const all = FAMILIES.map(async (family) => {
    const word = mark();
    const command = `${gate(word)}; curl -sS ${family.url('web1', 80, word)}; echo "code $?"`;
    const running = start(
      t,
      sshArgs(user, HOST, `: ${word}; echo begun; bash -c '${command}'; :`, { family }),
    );
    const go = async () => {
      openGate(HOST, word);
      await running.until(/code \d+/);
      return running.said();
    };
    await running.until(/begun/);
    return { family, word, go };
  });
  return Promise.all(all);
}

const begun = (login: TreeLoginJson) => login.processes.length >= 2;
const toWeb = (family: Family) => ({
  chain: ['bash', 'bash', 'curl'],
  address: family.address('web1'),
  port: 80,
  target: 'web1',
});

t.test('a bastion of its own for these tests', async (t) => {
  await exclusively(HOST, async () => {
    await t.test('a restart: logins go on under the same id', async (t) => {
      const before = await sessions(t);
      const ids = new Map<string, string>();
      for (const { word } of before) ids.set(word, (await waitForLogin(HOST, word, begun)).id);
      await daemon(t, 'restart');
      for (const { word, family, go } of before) {
        t.match(await go(), '404 Not Found', 'and connect');
        const found = await waitForHop(HOST, word);
        t.equal(found.login.id, ids.get(word), `the same login, ${family.name}`);
        isLoginOf(t, found.login, { user: 'alice', client: family.address('laptop') });
        t.equal(found.login.recovered, false, 'it was seen being born');
        isHop(t, found, toWeb(family));
      }
    });

    await t.test(
      'killed: what happened meanwhile is read when it is back, and the gap is told',
      async (t) => {
        const since = new Date().toISOString();
        const before = await sessions(t);
        const ids = new Map<string, string>();
        for (const { word } of before) ids.set(word, (await waitForLogin(HOST, word, begun)).id);
        await daemon(t, 'kill');
        const during = await sessions(t, 'bob');
        const lost = mark();
        const refused = await ssh(
          'alice',
          HOST,
          `: ${lost}; curl -sS --max-time 3 http://10.77.0.30/${lost}`,
        );
        t.not(refused.code, 0, 'nothing passes while it is away');
        t.equal(refused.out, '');
        await daemon(t, 'start');
        for (const { word, family, go } of before) {
          t.match(await go(), '404 Not Found');
          const found = await waitForHop(HOST, word);
          t.equal(found.login.id, ids.get(word), `the same login, ${family.name}`);
          isHop(t, found, toWeb(family));
        }
        for (const { word, family, go } of during) {
          t.match(await go(), '404 Not Found');
          const found = await waitForHop(HOST, word);
          isLoginOf(t, found.login, { user: 'bob', client: family.address('laptop') });
          isHop(t, found, toWeb(family));
        }
        const { hop } = await waitForHop(HOST, lost);
        t.equal(hop.decision.outcome, 'deny', 'what was refused is on record');
        t.same(hop.chain, ['bash', 'curl']);
        const gaps = await notices(HOST, ['--kind', 'gap', '--since', since]);
        t.equal(gaps.length, 1, 'one gap');
      },
    );

    await t.test('stopped: a login that began meanwhile is whole', async (t) => {
      await daemon(t, 'stop');
      const during = await sessions(t);
      const over = mark();
      await ssh('alice', HOST, `true ${over}; sleep 0.1`);
      await daemon(t, 'start');
      for (const { word, family, go } of during) {
        t.match(await go(), '404 Not Found');
        const found = await waitForHop(HOST, word);
        isLoginOf(t, found.login, { user: 'alice', client: family.address('laptop') });
        isHop(t, found, toWeb(family));
      }
      const past = await waitForLogin(HOST, over, ({ ended }) => ended !== null);
      t.equal(past.identity?.name, 'alice', 'also one that is over already');
    });

    await t.test('from nothing: what was there before the first start is recovered', async (t) => {
      await daemon(t, 'stop');
      const pins = `/sys/fs/bpf/hopline-${labName === 'lab' ? '' : `${labName}-`}${HOST}`;
      rmSync(pins, { recursive: true });
      t.notOk(readdirSync('/sys/fs/bpf').includes(pins), 'no program is left in the kernel');
      const before = await sessions(t);
      const detached = FAMILIES.map((family) => {
        const word = mark();
        const command = `python3 ${programs}/detached.py ${family.address('web1')} 80 /tmp/gate-${word} ${word}`;
        return { family, word, out: ssh('bob', HOST, `: ${word}; ${command}`, { family }) };
      });
      for (const { out } of detached) t.equal((await out).code, 0);
      await daemon(t, 'start');
      for (const { word, family, go } of before) {
        t.match(await go(), '404 Not Found');
        const found = await waitForHop(HOST, word);
        t.match(found.login, { kind: 'ssh', user: 'alice', uid: 2001, recovered: true });
        // The hook has written down who it was, though nobody listened.
        isLoginOf(t, found.login, { user: 'alice', client: family.address('laptop') });
        isHop(t, found, toWeb(family));
        const [first] = found.login.processes;
        t.equal(first?.recovered, true, 'its programs are marked as well');
        t.equal(found.login.processes.at(-1)?.recovered, false, 'what came after was seen');
      }
      for (const { word, family } of detached) {
        // Its sshd has gone: whose it is can not be told from what is left, but the account can.
        openGate(HOST, word);
        const found = await waitForHop(HOST, word);
        t.match(found.login, {
          kind: 'unattended',
          source: 'unattributed',
          user: 'bob',
          recovered: true,
          identity: null,
        });
        t.equal(found.hop.chain.at(-1), `${PYTHON} detached.py`);
        t.same(found.hop.destination, { address: family.address('web1'), port: 80 });
        t.equal(found.hop.decision.outcome, 'deny', "nobody's login: no person's rights");
      }
      const word = mark();
      await ssh('alice', HOST, `: ${word}; curl -s http://10.77.0.30/${word}`);
      const next = await waitForHop(HOST, word);
      t.equal(next.login.recovered, false, 'the next login is seen being born');
      isLoginOf(t, next.login, { user: 'alice', client: '10.77.0.2' });
    });
  });
});
