// Hosts of a fleet on a network that lies: copied and invented evidence, a clock that is wrong, noise on the port for peers.
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { macOf } from '../../src/kernel/hop-option.ts';
import { optionKey } from '../../src/peers/option-key.ts';
import { authority } from '../peers/authority.ts';

// Before anything of the lab is imported: its name is read then. Another than the one of fleet.test.ts, which runs beside this.
process.env.FLEET_LAB = process.env.FORGED_LAB ?? 'forged';
process.env.LAB_NAME = process.env.FLEET_LAB;
const { BASTIONS, connected, fleetUp, peers, PORT, speaker } = await import('./fleet-support.ts');
const { clockOf } = await import('./wrong-clock.ts');
const { forger, listenTo, sshFrom } = await import('./forged-syn.ts');
const { hopline, mark, notices, programs, rootOf, service, ssh, start, tree, until, waitForLogin } =
  await import('./support.ts');

t.before(() => fleetUp(t));
t.setTimeout(1_200_000);

const BASTION2 = '10.77.0.12';
const ONWARD = 'ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new';
/** A handle that its host never made, and no MAC of it. */
const invented = () => ({ handle: randomBytes(8).toString('hex'), mac: randomBytes(8).toString('hex') });

/** What a bastion has on record of the others, a line each. */
const troubles = async (host: 'bastion1' | 'bastion2') =>
  (await notices(host, ['--kind', 'peer'])).map(({ detail, count }) => `${count} ${detail}`).join('\n');

/** That bastion1 has it on record, as soon as it does. */
async function told(t: Test, what: RegExp): Promise<void> {
  const found = () => troubles('bastion1');
  await until(async () => what.test(await found()), `${what} on record`).catch(() => {});
  t.match(await found(), what);
}

/** A login on bastion2 with this word, once it is known whether it is linked. */
const arrived = (word: string) => waitForLogin('bastion2', word, ({ link }) => link !== null);

/** That it hangs below nothing, in the record and as it is drawn. */
async function isUnlinked(t: Test, word: string, host: string | null, reason: RegExp): Promise<void> {
  const login = await arrived(word);
  t.match(login, { parentHop: null, link: { evidence: null, host, hop: null, reason } });
  const { out } = await hopline('bastion2', ['tree', login.id, '--local']);
  t.match(out, new RegExp(`unlinked( from bastion1)?: .*${reason.source}`));
}

t.test('the SYN option of somebody else', async (t) => {
  const wire = await listenTo(t, 'bastion1');
  const forge = forger(t);

  /** By way of bastion1, as it should be. */
  async function honest() {
    const word = mark();
    const before = wire.options(22).length;
    await ssh('alice', 'bastion1', `${ONWARD} ${BASTION2} ': ${word}'`);
    const login = await waitForLogin('bastion2', word, ({ link }) => link?.evidence != null);
    t.match(login.link, { evidence: 'syn-option', host: 'bastion1' });
    await until(() => wire.options(22).length > before, 'its SYN has left');
    const [option, ...more] = wire.options(22).slice(before);
    t.same(more, [], 'one connection has left for bastion2');
    if (option === undefined) throw new Error('its SYN had no option');
    return { word, login, option };
  }

  await t.test('copied, from another address, and from the same', async (t) => {
    const { login, option } = await honest();
    const words = [mark(), mark()] as const;
    forge(option);
    const said = [
      await ssh('alice', 'bastion2', `: ${words[0]}; echo in`),
      await sshFrom('bastion1', BASTION2, `: ${words[1]}; echo in`),
    ];
    forge(null);
    for (const { out, err } of said) t.equal(out, 'in\n', err);
    const from = ['10.77.0.2', '10.77.0.11'];
    for (const [n, word] of words.entries()) {
      t.match((await arrived(word)).client, { address: from[n] });
      await isUnlinked(t, word, 'bastion1', /the handle of its SYN option was used before/);
    }
    t.match(await tree('bastion2', login.id), {
      parentHop: login.parentHop,
      link: { evidence: 'syn-option' },
    });
  });

  await t.test('copied, and there before the login that it is of', async (t) => {
    const [word, copied] = [mark(), mark()];
    const before = wire.options(22).length;
    const password = `ssh -tt -o PreferredAuthentications=password -o StrictHostKeyChecking=accept-new ${BASTION2}`;
    const session = start(t, ['ssh', 'alice@10.77.0.11', '-tt', '--', `${password} ': ${word}; sleep 5'`]);
    await session.until(/assword:/);
    const option = await until(() => wire.options(22)[before], 'its SYN has left');
    forge(option);
    await ssh('alice', 'bastion2', `: ${copied}`);
    forge(null);
    await isUnlinked(
      t,
      copied,
      'bastion1',
      /the connection left bastion1 from 10\.77\.0\.11 port \d+, and came from elsewhere/,
    );
    session.write('alice\n');
    const login = await waitForLogin('bastion2', word, ({ link }) => link?.evidence != null);
    t.match(login.link, { evidence: 'syn-option', host: 'bastion1' }, 'nothing was taken from it');
    const { hops } = await waitForLogin('bastion1', word, ({ hops }) => hops[0]?.childLogin != null);
    t.match(hops, [{ id: login.parentHop, childLogin: login.id }]);
    await session.stop();
  });

  await t.test('copied from a connection that is no login', async (t) => {
    const [word, copied] = [mark(), mark()];
    await ssh('alice', 'bastion1', `: ${word}; curl -s --max-time 5 http://${BASTION2}:2299/`);
    const option = await until(() => wire.options(2299)[0], 'its SYN has left');
    forge(option);
    await ssh('alice', 'bastion2', `: ${copied}`);
    forge(null);
    await isUnlinked(t, copied, 'bastion1', /the connection left bastion1 from .*, and came from elsewhere/);
  });

  await t.test('invented', async (t) => {
    const word = mark();
    forge(invented());
    await ssh('alice', 'bastion2', `: ${word}`);
    forge(null);
    await isUnlinked(t, word, null, /its SYN option has a MAC that no host of the fleet has made/);
  });

  await t.test('with a MAC that holds, of a handle that was never given out', async (t) => {
    const word = mark();
    const secret = readFileSync(join(rootOf('bastion2'), 'var/lib/hopline/fleet/option.key'));
    const handle = randomBytes(8);
    forge({
      handle: handle.toString('hex'),
      mac: macOf(optionKey(secret, 'bastion1'), handle).toString('hex'),
    });
    await ssh('alice', 'bastion2', `: ${word}`);
    forge(null);
    await isUnlinked(t, word, 'bastion1', /the handle of its SYN option is of no connection of this host/);
  });

  await t.test('whose answer was lost: the same login asks again, and it is the same handle', async (t) => {
    const word = mark();
    const there = speaker('bastion1');
    process.kill(there, 'SIGSTOP');
    try {
      await ssh('alice', 'bastion1', `${ONWARD} ${BASTION2} ': ${word}'`);
      await waitForLogin('bastion2', word);
      // Asked by now: it lies in the other's socket. Who asked goes away.
      await new Promise((resolve) => setTimeout(resolve, 300));
      process.kill(speaker('bastion2'), 'SIGKILL');
      await waitForLogin('bastion2', word, ({ link }) => /does not answer/.test(link?.reason ?? ''));
    } finally {
      process.kill(there, 'SIGCONT');
    }
    const login = await waitForLogin('bastion2', word, ({ link }) => link?.evidence != null);
    t.match(login.link, { evidence: 'syn-option', host: 'bastion1' });
    await connected();
  });
});

t.test('a clock that is wrong by days', async (t) => {
  const [first, second] = await Promise.all(BASTIONS.map(clockOf));
  const clocks = { bastion1: first, bastion2: second };
  for (const [wrong, right, days, is] of [
    ['bastion2', 'bastion1', -3, 'is not valid before'],
    ['bastion1', 'bastion2', 4000, 'ended on'],
  ] as const)
    await t.test(`of ${wrong}, by ${days} days`, async (t) => {
      await connected();
      // Each time anew: a day may end meanwhile.
      const there = () => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
      clocks[wrong]?.(days * 86_400);
      // Connections that are there stay.
      process.kill(speaker(wrong), 'SIGKILL');
      const todo = 'a clock is wrong, there or here.*';
      const said = () => ({
        [wrong]: new RegExp(`not connected: .* its certificate ${is} .*Z: ${todo}; here it is ${there()}`),
        [right]: new RegExp(
          `not connected: it says: this host's certificate ${is} .*Z, and there it is ${there()}T.*: ${todo}`,
        ),
      });
      for (const host of BASTIONS)
        await until(
          async () => said()[host]?.test((await hopline(host, ['peer', 'list'])).out),
          `${host} says so`,
        ).catch(async (error: Error) => {
          t.fail(`${error.message}: ${(await hopline(host, ['peer', 'list'])).out}`);
        });
      const refused = new RegExp(`${right} at 10.77.0.1. was refused: its certificate ${is} `);
      await until(async () => refused.test(await troubles(wrong)), `${refused} is on record`);
      const word = mark();
      const { out, err } = await ssh('alice', 'bastion1', `${ONWARD} ${BASTION2} ': ${word}; echo in'`);
      t.equal(out, 'in\n', err);
      await isUnlinked(
        t,
        word,
        'bastion1',
        new RegExp(
          `syn-option: bastion1 does not answer: .* certificate ${is} .*; it is asked again when it does`,
        ),
      );
      clocks[wrong]?.(0);
      await connected();
      const login = await waitForLogin('bastion2', word, ({ link }) => link?.evidence != null);
      t.match(login.link, { evidence: 'syn-option', host: 'bastion1' });
      await waitForLogin('bastion1', word, ({ hops }) => hops[0]?.childLogin === login.id);
    });
});

t.test('noise on the port for peers', async (t) => {
  await connected();
  const BASTION1 = '10.77.0.11';
  const openssl = `timeout 20 openssl s_client -quiet -alpn hopline-peer/1 -connect ${BASTION1}:${PORT}`;
  /** What the port answers, in the shell, once it has closed the connection. */
  const said = async (command: string) => {
    const { code, out } = await service('laptop', command);
    t.not(code, 124, `${command} was closed`);
    return out;
  };
  const files = (name: string, certificate: string, key: string) => {
    writeFileSync(join(rootOf('laptop'), `run/${name}.crt`), certificate);
    writeFileSync(join(rootOf('laptop'), `run/${name}.key`), key);
    return `${openssl} -cert /run/${name}.crt -cert_chain /run/${name}.crt -key /run/${name}.key 2>/dev/null`;
  };
  const own = (file: string) => readFileSync(join(rootOf('bastion2'), 'var/lib/hopline/fleet', file), 'utf8');
  const member = files('member', own('host.crt'), own('host.key'));
  const elsewhere = await (await authority()).of('bastion2');
  const other = files('other', elsewhere.certificate, elsewhere.key);
  const hwm = () => {
    const [, kB] = /^VmHWM:\s*(\d+)/m.exec(readFileSync(`/proc/${speaker('bastion1')}/status`, 'utf8')) ?? [];
    return Number(kB) / 1024;
  };
  const pid = speaker('bastion1');
  const before = hwm();

  const connect500 = (t: Test, how: 'silent' | 'tls') =>
    start(t, [
      ...['exec', 'laptop', '--', 'python3', `${programs}/noise.py`],
      ...[how, BASTION1, `${PORT}`, '500'],
    ]);
  const silent = connect500(t, 'silent');
  await silent.until(/"left": 500/);
  await t.test('while 500 connections say nothing, a login is linked', async (t) => {
    const word = mark();
    await ssh('alice', 'bastion1', `${ONWARD} ${BASTION2} ': ${word}'`);
    const login = await waitForLogin('bastion2', word, ({ link }) => link !== null);
    t.match(login.link, { evidence: 'syn-option' });
  });

  await t.test('what is no TLS', async (t) => {
    await said(
      `exec bash -c 'exec 3<>/dev/tcp/${BASTION1}/${PORT}; echo SSH-2.0-noise >&3; timeout 20 cat <&3'`,
    );
    await said(
      `exec bash -c 'exec 3<>/dev/tcp/${BASTION1}/${PORT}; head -c 1000000 /dev/urandom >&3; timeout 20 cat <&3'`,
    );
    await told(t, /what came at 10\.77\.0\.2 was refused: it is no TLS as hosts speak it: wrong version/);
  });
  await t.test('TLS without a certificate', async (t) => {
    const tree = '{"id":7,"method":"tree","params":{"up":[],"down":[],"asked":[]}}';
    const out = await said(`(echo '${tree}'; sleep 0.5; echo noise) | ${openssl} 2>/dev/null`);
    t.same(JSON.parse(out), { id: 7, error: 'a certificate of the fleet is needed for that' });
    await said(`head -c 1000000 /dev/zero | ${openssl} 2>/dev/null`);
    const join = '{"id":8,"method":"join","params":{"host":"bastion9","secret":"c2VjcmV0","key":"a2V5"}}';
    t.match(
      await said(`(echo '${join}'; sleep 0.5; echo noise) | ${openssl} 2>/dev/null`),
      /no such invitation/,
    );
    await told(t, /a host that calls itself bastion9 was not let in: there is no such invitation/);
  });
  await t.test('with a certificate of another authority', async (t) => {
    t.match(JSON.parse(await said(`echo noise | ${other}`)), {
      method: 'refused',
      params: { reason: /^this host's certificate is not of its fleet: / },
    });
    await told(t, /a host at 10\.77\.0\.2 was refused: its certificate is not of this fleet/);
  });
  await t.test('with a certificate of the fleet', async (t) => {
    await said(`echo noise | ${member}`);
    await said(`head -c 200000000 /dev/zero | ${member}`);
    const hello = `{"host":"bastion9","addresses":["10.77.0.12"],"endpoint":null,"authorities":[],"optionKey":"","members":[]}`;
    await said(`echo '{"id":1,"method":"hello","params":${hello}}' | ${member}`);
    for (const why of [
      'it sent what is no JSON',
      'it sent a line that is too long',
      'it calls itself bastion9, and its certificate bastion2',
    ])
      await told(t, new RegExp(`bastion2 was cut off: ${why}`));
    t.strictSame(
      (await peers('bastion1')).peers.map(({ host }) => host),
      ['bastion2'],
    );
  });
  await t.test('500 with TLS: those that are not of the fleet have sixteen places', async (t) => {
    const tls = connect500(t, 'tls');
    await tls.until(/"count": 500/);
    const [, left] = /"left": (\d+)/.exec(tls.said()) ?? [];
    t.ok(Number(left) <= 16, `${left} are left`);
    await told(t, /too many that are not of the fleet are here/);
    await tls.stop();
  });
  await silent.until(/"left": 0, "seconds": \d/);
  t.equal(speaker('bastion1'), pid, 'the process that reads all this is the same');
  t.ok(hwm() - before < 64, `it has grown by ${Math.round(hwm() - before)} MiB`);
  for (const host of BASTIONS) {
    const [peer] = (await peers(host)).peers;
    t.match(peer, { connected: true });
  }
  const kinds = (await notices('bastion1', ['--kind', 'peer'])).length;
  t.ok(kinds < 60, `${kinds} notices`);
});
