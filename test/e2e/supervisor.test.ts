// The supervisor under what its users do to it: floods, restarts, revocations of what began before.
import { rmSync } from 'node:fs';
import t, { type Test } from 'tap';
import { isHop } from './assertions.ts';
import {
  DIAL,
  dial,
  exclusively,
  hopline,
  hops,
  IPV4,
  lab,
  labName,
  labUp,
  mark,
  notices,
  programs,
  service,
  ssh,
  sshArgs,
  start,
  until,
  waitForHop,
  waitForLogin,
} from './support.ts';

const HOST = 'bastion2';
t.before(labUp);
t.setTimeout(1_200_000);

const RESOLVER = IPV4.address('web1');

async function daemon(t: Test, verb: 'start' | 'stop' | 'kill' | 'restart'): Promise<void> {
  const { code, out, err } = await lab(['daemon', HOST, verb], { timeoutMs: 120_000 });
  t.equal(code, 0, `hoplined: ${verb} ${code === 0 ? '' : out + err}`);
}

async function timed<T>(action: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const began = performance.now();
  const result = await action();
  return { result, ms: performance.now() - began };
}

t.test('bastion2, whose supervisor has a hard time', async (t) => {
  await exclusively(HOST, async () => {
    await t.test(
      'a loop of refused datagrams: others go on, and the record has a hop and a number',
      async (t) => {
        const [word, other] = [mark(), mark()];
        const since = new Date().toISOString();
        const command = `python3 ${programs}/flood.py ${RESOLVER} 9999 8 ${word}`;
        const flood = start(t, sshArgs('bob', HOST, command));
        await flood.until(/flooding/);
        const page = await timed(() =>
          ssh('alice', HOST, `: ${other}; curl -sS ${IPV4.url('web1', 80, other)}`),
        );
        t.match(page.result.out, '404 Not Found', `another's connection is served (${page.ms.toFixed()} ms)`);
        const status = await timed(() => hopline(HOST, ['status']));
        t.equal(status.result.code, 0, `the control socket answers (${status.ms.toFixed()} ms)`);
        await flood.until(/refused \d+/);
        const refused = Number(/refused (\d+)/.exec(flood.said())?.[1]);
        t.ok(refused > 10_000, `${refused} datagrams were refused`);
        const { login } = await waitForHop(HOST, word);
        const counted = await until(async () => {
          const all = await notices(HOST, ['--since', since]);
          const sum = (kind: string) =>
            all
              .filter((one) => one.kind === kind && (kind === 'loss' || one.login === login.id))
              .reduce((total, { count }) => total + count, 0);
          const { length } = await hops(HOST, ['--login', login.id]);
          const found = { told: sum('refused'), lost: sum('loss'), hops: length, notices: all.length };
          return found.told + found.lost + length >= refused ? found : null;
        }, 'each of them in the record');
        // Where a second's events are all lost, what follows is a refusal of its own.
        t.ok(counted.hops <= 4, `${counted.hops} hops`);
        t.ok(
          counted.notices < 60,
          `${counted.notices} notices; ${counted.told} counted, ${counted.lost} lost`,
        );
        const [notice] = await notices(HOST, ['--since', since, '--kind', 'refused']);
        t.match(notice, {
          login: login.id,
          detail: new RegExp(`^refused again: ${RESOLVER}:9999 udp, by bash › `),
        });
      },
    );

    await t.test('a flood does not keep it from stopping', async (t) => {
      const word = mark();
      const flood = start(
        t,
        sshArgs('bob', HOST, `python3 ${programs}/flood.py ${RESOLVER} 9999 40 ${word}`),
      );
      await flood.until(/flooding/);
      const { ms } = await timed(() => daemon(t, 'stop'));
      t.ok(ms < 9_000, `stopped within ${ms.toFixed()} ms, not killed after ten seconds`);
      await flood.stop();
      // Its far end goes on without its client, and what the ring can't take would be missing from the next test's record.
      await service(HOST, 'pkill -KILL -f flood[.]py; true');
      await daemon(t, 'start');
      const [last] = await notices(HOST, ['--kind', 'stop']);
      t.match(last?.detail, 'the daemon was stopped in order');
    });

    await t.test('a start that fails half-way ends, and leaves nothing running', async (t) => {
      await daemon(t, 'stop');
      const node = `${process.execPath} --disable-warning=ExperimentalWarning`;
      const run = `${node} ${programs}/workerless.ts`;
      const { result, ms } = await timed(() => service(HOST, run, 'root', { timeoutMs: 90_000 }));
      t.equal(result.code, 7, `ended after ${ms.toFixed()} ms: ${result.err}`);
      t.match(result.err, /no proxy worker got ready/);
      await daemon(t, 'start');
      const [last] = await notices(HOST, ['--kind', 'stop']);
      t.match(last?.detail, 'the start failed: no proxy worker got ready');
      const word = mark();
      await ssh('alice', HOST, `curl -sS ${IPV4.url('web1', 80, word)}`);
      t.equal((await waitForHop(HOST, word)).hop.decision.outcome, 'allow', 'the next is well');
    });

    await t.test('a direct connection from before a restart is closed by a revocation', async (t) => {
      const word = mark();
      const session = start(t, sshArgs('alice', HOST, dial('hold', RESOLVER, 53, word)));
      await session.until(/connected/);
      const before = await waitForHop(HOST, word);
      isHop(t, before, { chain: ['bash', DIAL], address: RESOLVER, port: 53, mode: 'direct' });
      t.match(before.hop.source, { address: IPV4.address(HOST), port: /\d+/ });
      await daemon(t, 'restart');
      const { code, out } = await hopline(HOST, ['revoke', before.login.id, '--json']);
      t.equal(code, 0);
      t.match(JSON.parse(out), { hops: [before.hop.id], silenced: [], open: [] });
      await session.until(/closed/);
      const after = await waitForHop(HOST, word, ({ id, ended }) => id === before.hop.id && ended !== null);
      t.match(after.hop.endReason, /^revoked: /);
    });

    await t.test('UDP is silenced, not closed, and the answer says which', async (t) => {
      const word = mark();
      const session = start(t, sshArgs('alice', HOST, `python3 ${programs}/beat.py ${RESOLVER} 53 ${word}`));
      await session.until(/sent\nsent/);
      const { hop, login } = await waitForHop(HOST, word, ({ transport }) => transport === 'udp');
      const one = await hopline(HOST, ['revoke', `hop:${hop.id}`]);
      t.equal(one.code, 1);
      t.match(one.err, /goes on: udp has no connection that could be closed/);
      const all = await hopline(HOST, ['revoke', login.id, '--json']);
      t.match(JSON.parse(all.out), { hops: [], silenced: [hop.id], open: [] });
      t.equal(all.code, 0);
      await session.until(/EPERM/);
    });

    await t.test('what was revoked stays so where the kernel has forgotten', async (t) => {
      const word = mark();
      const asks = `while sleep 0.3; do ${dial('udpconnected', RESOLVER, 53, word)}; done`;
      const session = start(t, sshArgs('alice', HOST, `: ${word}; ${asks}`));
      await session.until(/sent/);
      const login = await waitForLogin(HOST, word);
      t.equal((await hopline(HOST, ['revoke', login.id])).code, 0);
      await session.until(/errno EPERM/);
      await daemon(t, 'stop');
      rmSync(`/sys/fs/bpf/hopline-${labName === 'lab' ? '' : `${labName}-`}${HOST}`, { recursive: true });
      await daemon(t, 'start');
      const from = session.said().length;
      await until(() => (session.said().slice(from).match(/\n/g) ?? []).length >= 6, 'some tries');
      t.notMatch(session.said().slice(from + 10), 'sent', 'nothing gets out of it');
      const denied = (await hops(HOST, ['--login', login.id, '--denied'])).at(0);
      t.equal(denied?.decision.reason, 'this login was revoked');
    });
  });
});
