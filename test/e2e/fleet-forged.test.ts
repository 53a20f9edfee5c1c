// Hosts of a fleet on a network that lies: copied and invented evidence, a clock that is wrong, noise on the port for peers.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { macOf } from '../../src/kernel/hop-option.ts';
import { optionKey } from '../../src/peers/option-key.ts';

// Before anything of the lab is imported: its name is read then. Another than the one of fleet.test.ts, which runs beside this.
process.env.FLEET_LAB = process.env.FORGED_LAB ?? 'forged';
process.env.LAB_NAME = process.env.FLEET_LAB;
const { connected, fleetUp, speaker } = await import('./fleet-support.ts');
const { forger, listenTo, sshFrom } = await import('./forged-syn.ts');
const { hopline, mark, rootOf, ssh, start, tree, until, waitForLogin } = await import('./support.ts');

t.before(() => fleetUp(t));
t.setTimeout(300_000);

const BASTION2 = '10.77.0.12';
const ONWARD = 'ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new';
/** A handle that its host never made, and no MAC of it. */
const invented = () => ({ handle: randomBytes(8).toString('hex'), mac: randomBytes(8).toString('hex') });

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
