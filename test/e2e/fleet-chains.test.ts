// Chains that nobody drew: many people at once, connections of several sessions, jumps and forwardings, logins that are over before
// what came by them, hosts that are slow or restarted in the midst. Each login hangs below its own hop, and a revocation finds it.
import t, { type Test } from 'tap';
import type { TreeLoginJson } from '../../src/api/json.ts';
import type { Bastion } from './fleet-support.ts';

// A lab of its own, beside that of fleet.test.ts.
process.env.FLEET_LAB = process.env.CHAINS_LAB ?? 'chains';
process.env.LAB_NAME = process.env.FLEET_LAB;
const fleet = await import('./fleet-support.ts');
const { configured, connected, daemon, fleetUp, hopline, mark, notices, service, speaker, ssh, start } =
  fleet;
const { tree, until, waitForLogin } = fleet;

t.before(() => fleetUp(t));
t.setTimeout(1_200_000);

const OPTIONS = '-o BatchMode=yes -o StrictHostKeyChecking=accept-new';
const B1 = '10.77.0.11';
const B2 = '10.77.0.12';
const to = (address: string, command: string, more = '') => `ssh ${OPTIONS} ${more} ${address} "${command}"`;
const QUIET = '</dev/null >/dev/null 2>&1';

const linked = (login: TreeLoginJson) => login.link?.evidence != null;

const argvOf = ({ processes }: TreeLoginJson) => processes.map(({ argv }) => argv.join(' ')).join('\n');

async function treesOf(host: Bastion): Promise<TreeLoginJson[]> {
  return JSON.parse((await hopline(host, ['--json', 'tree', '--local', '--limit', '1000'])).out);
}

/** The logins on a host, each by the word that it has, once all are there as expected. */
function loginsWith(host: Bastion, words: readonly string[], ready: (login: TreeLoginJson) => boolean) {
  return until(async () => {
    const trees = await treesOf(host);
    const found = new Map<string, TreeLoginJson>();
    for (const word of words) {
      const login = trees.find((one) => argvOf(one).includes(word) && ready(one));
      if (login) found.set(word, login);
    }
    return found.size === words.length ? found : null;
  }, `logins of all ${words.length} on ${host}`);
}

/** The login on a host that has `word`, once it is known by which hop it came, and whose hop that is. */
async function under(t: Test, host: Bastion, word: string, above: TreeLoginJson): Promise<TreeLoginJson> {
  const login = await waitForLogin(host, word, linked);
  const hop = await until(
    async () =>
      (await tree(above.host as Bastion, above.id)).hops.find(({ childLogin }) => childLogin === login.id),
    `${word} on ${above.host}: its hop`,
  );
  t.equal(hop.id, login.parentHop, `${word}: each knows the other`);
  return login;
}

for (const evidence of ['syn-option', 'four-tuple'] as const)
  t.test(`people at the same moment, by ${evidence}`, async (t) => {
    const peering = evidence === 'syn-option' ? '' : 'syn_option: false';
    await configured({ bastion1: { peering }, bastion2: { peering } });
    const all = [...Array(20).keys()].map((n) => ({ user: n % 2 ? 'bob' : 'alice', word: mark() }));
    await Promise.all(
      all.map(({ user, word }) =>
        ssh(user, 'bastion1', to(B2, `: ${word}; sleep 0.3`), { timeoutMs: 60_000 }),
      ),
    );
    const words = all.map(({ word }) => word);
    const below = await loginsWith('bastion2', words, linked);
    const above = await loginsWith('bastion1', words, ({ hops }) =>
      hops.some(({ childLogin }) => childLogin),
    );
    for (const { user, word } of all) {
      const [from, login] = [above.get(word), below.get(word)];
      t.match(from, { user, identity: { name: user }, hops: [{ childLogin: login?.id }] });
      t.match(login, { user, identity: { name: user }, parentHop: from?.hops[0]?.id });
      t.match(login?.link, { evidence, host: 'bastion1', depth: 1 });
    }
    await configured();
  });

t.test('one connection with several sessions, and one that outlives the login that made it', async (t) => {
  const [first, second] = [mark(), mark()];
  const master = '-o ControlPath=/tmp/chain-%r -o ControlMaster=auto -o ControlPersist=30';
  const sessions = [1, 2, 3].map((n) => to(B2, `echo ${n}`, master)).join(' & ');
  const { out } = await ssh('alice', 'bastion1', `${to(B2, `: ${first}`, master)}; ${sessions} & wait`);
  t.strictSame(out.trim().split('\n').sort(), ['1', '2', '3']);
  const above = await waitForLogin('bastion1', first, ({ lingering }) => lingering);
  await ssh('alice', 'bastion1', to(B2, `: ${second}`, master));
  await waitForLogin('bastion2', first, (one) => argvOf(one).includes(second));
  const login = await under(t, 'bastion2', first, above);
  t.match(argvOf(login), second, 'a later login had the first one’s connection do it');
  const later = await waitForLogin('bastion1', second, ({ handoffs }) => handoffs.length > 0);
  t.match(later, {
    hops: { length: 0 },
    handoffs: [{ kind: 'controlmaster', login: later.id, toLogin: above.id }],
  });
  await ssh('alice', 'bastion1', `ssh -o ControlPath=/tmp/chain-%r -O exit ${B2}`);
});

t.test('jumps and forwardings: the login hangs below the hop of whoever holds the way', async (t) => {
  const laptop = (command: string) => service('laptop', `HOME=/home/alice; ${command}`, 'alice');
  const words = [...Array(5).keys()].map(() => mark());
  const [jump = '', forward = '', own = '', stdio = '', mapped = ''] = words;
  await t.test('ssh -J from the laptop', async (t) => {
    const { err, code } = await laptop(to(B2, `: ${jump}`, `-J ${B1}`));
    t.equal(code, 0, err);
    const login = await waitForLogin('bastion2', jump, linked);
    t.match(login.link, { host: 'bastion1', evidence: 'syn-option', depth: 1 });
  });
  await t.test('ssh -L from the laptop', async (t) => {
    const way = to(B1, `: ${forward}; sleep 8`, `-f -o ExitOnForwardFailure=yes -L 2222:${B2}:22`);
    const { err, code } = await laptop(
      `${way}; ${to('127.0.0.1', `: ${forward}`, '-p 2222 -o HostKeyAlias=bastion2')}`,
    );
    t.equal(code, 0, err);
    await under(t, 'bastion2', forward, await waitForLogin('bastion1', forward));
  });
  for (const [name, word, more] of [
    ['ssh -J on bastion1, by way of bastion2 and back', own, `-J ${B2}`],
    ['ssh -W as its ProxyCommand', stdio, `-o ProxyCommand='ssh ${OPTIONS} -W %h:%p ${B2}'`],
  ] as const)
    await t.test(name, async (t) => {
      const back = mark();
      const { err, code } = await ssh('alice', 'bastion1', `: ${word}; ${to(B1, `: ${back}`, more)}`);
      t.equal(code, 0, err);
      const above = await waitForLogin('bastion1', word, ({ hops }) =>
        hops.some(({ childLogin }) => childLogin),
      );
      const between = await tree('bastion2', above.hops[0]?.childLogin ?? '');
      const last = await until(
        async () =>
          (await treesOf('bastion1')).find(({ parentHop }) =>
            between.hops.some(({ id }) => id === parentHop),
          ),
        'the login by its hop',
      );
      t.match(last?.link, { host: 'bastion2', depth: 2 });
      t.match(last && argvOf(last), back);
    });
  await t.test('an IPv4 address in IPv6', async (t) => {
    const { err, code } = await ssh(
      'alice',
      'bastion1',
      to(`::ffff:${B2}`, `: ${mapped}`, '-o HostKeyAlias=bastion2'),
    );
    t.equal(code, 0, err);
    await under(t, 'bastion2', mapped, await waitForLogin('bastion1', mapped));
  });
});

t.test('a revocation reaches what goes on below logins that are over', async (t) => {
  const revokedAt = (host: Bastion, word: string) =>
    waitForLogin(host, word, ({ revoked }) => revoked !== null, 30_000);
  const middle = async (hop: string | null) =>
    (await treesOf('bastion2')).find(({ hops }) => hops.some(({ id }) => id === hop));
  const chain = async (after: string) => {
    const [top, last] = [mark(), mark()];
    const left = to(B1, `: ${last}; nohup sleep 300 ${QUIET} &`).replaceAll('"', '\\"');
    const all = start(t, ['ssh', `alice@${B1}`, '--', `: ${top}; ${to(B2, left)}; ${after}`]);
    const login = await waitForLogin('bastion1', last, (one) => linked(one) && one.lingering);
    t.match(login.link, { depth: 2, host: 'bastion2' });
    await until(async () => {
      const between = await middle(login.parentHop);
      return between?.hops.every(({ ended }) => ended !== null);
    }, 'the end of the hop by which it came');
    t.teardown(() => service('bastion1', `kill ${login.processes.at(-1)?.pid}`));
    return { all, last, top: await waitForLogin('bastion1', top) };
  };
  await t.test('the one in the middle is over', async (t) => {
    const { top, last } = await chain('sleep 60');
    const { out, code } = await hopline('bastion1', ['revoke', top.id, '--reason', 'stolen']);
    t.equal(code, 0);
    t.match(out, /\n {2}bastion2: 1 login, 0 live hops closed\n {2}bastion1: 1 login, 0 live hops closed\n/);
    t.match(await revokedAt('bastion1', last), { link: { host: 'bastion2' } });
  });
  await t.test('all but the last are over, and a person is revoked', async (t) => {
    const { all, top, last } = await chain('true');
    await all.ended;
    await waitForLogin(
      'bastion1',
      top.processes[0]?.argv.join(' ').match(/m[0-9a-f]{12}/)?.[0] ?? '',
      (one) => one.ended !== null,
    );
    const { out, err, code } = await hopline('bastion2', ['revoke', 'alice', '--reason', 'gone']);
    t.equal(code, 0, err);
    t.match(out, /\n {2}bastion1: \d+ logins?, 0 live hops closed\n/);
    await revokedAt('bastion1', last);
  });
});

t.test('a hop that is revoked while the other host is away', async (t) => {
  const [word, left] = [mark(), mark()];
  start(t, [
    'ssh',
    `alice@${B1}`,
    '--',
    to(B2, `: ${word}; nohup sh -c 'sleep 300; : ${left}' ${QUIET} & sleep 60`),
  ]);
  const login = await waitForLogin('bastion2', word, linked);
  t.teardown(() =>
    service('bastion2', `kill ${login.processes.find(({ argv }) => argv.includes('300'))?.pid}`),
  );
  const pid = speaker('bastion2');
  process.kill(pid, 'SIGSTOP');
  try {
    const { out } = await hopline('bastion1', ['revoke', `hop:${login.parentHop}`, '--reason', 'strayed']);
    t.match(out, /bastion2 was not told \(.*\); it is when it answers/);
  } finally {
    // What it has been sent is not read any more.
    process.kill(pid, 'SIGKILL');
  }
  await waitForLogin('bastion2', word, ({ revoked }) => revoked !== null, 30_000);
  const [noted] = await notices('bastion2', ['--kind', 'revoke']);
  t.match(noted, { detail: 'revoked by uid 0 on bastion1: strayed' });
});

t.test('a host that answers too late, and who asked was restarted meanwhile', async (t) => {
  const word = mark();
  const pid = speaker('bastion1');
  process.kill(pid, 'SIGSTOP');
  try {
    start(t, ['ssh', `alice@${B1}`, '--', to(B2, `: ${word}; sleep 60`)]);
    const silent = /is asked again when it does/;
    await waitForLogin('bastion2', word, ({ link }) => silent.test(link?.reason ?? ''));
    await daemon('bastion2', 'restart');
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await connected();
  const login = await under(t, 'bastion2', word, await waitForLogin('bastion1', word));
  t.match(login.link, { evidence: 'syn-option', host: 'bastion1', depth: 1 });
});

t.test('daemons that come and go in the midst of a chain', async (t) => {
  const word = mark();
  await daemon('bastion2', 'stop');
  start(t, ['ssh', `alice@${B1}`, '--', to(B2, `: ${word}; nohup sleep 300 ${QUIET} & sleep 60`)]);
  await waitForLogin('bastion1', word, ({ hops }) => hops.length > 0);
  await daemon('bastion2', 'start');
  const above = await waitForLogin('bastion1', word);
  const login = await under(t, 'bastion2', word, above);
  t.teardown(() =>
    service('bastion2', `kill ${login.processes.find(({ argv }) => argv.includes('300'))?.pid}`),
  );
  t.match(login.link, { evidence: 'syn-option' }, 'it came while no daemon ran there');
  for (const host of ['bastion2', 'bastion1'] as const) {
    await daemon(host, 'kill');
    await daemon(host, 'start');
  }
  await connected();
  t.match(await tree('bastion2', login.id), { parentHop: login.parentHop, revoked: null });
  const { out } = await hopline('bastion1', ['revoke', above.id]);
  t.match(out, /bastion2: 1 login/);
  await waitForLogin('bastion2', word, ({ revoked }) => revoked !== null);
});

t.test('from a host to itself: one login below another, and a revocation ends both', async (t) => {
  const [top, back, last] = [mark(), mark(), mark()];
  const { out: names } = await service('bastion1', 'cut -d" " -f1,2 /etc/ssh/ssh_host_ed25519_key.pub');
  await ssh('alice', 'bastion1', `echo 'localhost,127.0.0.1,::1 ${names.trim()}' >>~/.ssh/known_hosts`);
  const all = ['localhost', '127.0.0.1', B1, 'fd77::11'].map((address) => ({ address, word: mark() }));
  const each = all.map(({ address, word }) => to(address, `: ${word}`)).join(' && ');
  const reverse = `ssh ${OPTIONS} -f -o ExitOnForwardFailure=yes -R 2299:127.0.0.1:22 ${B2} sleep 8; ${to(B2, to('127.0.0.1', `: ${back}`, '-p 2299 -o HostKeyAlias=bastion1').replaceAll('"', '\\"'))}`;
  const left = to('localhost', `: ${last}; nohup sleep 300 ${QUIET} &`);
  const { code, err } = await ssh('alice', 'bastion1', `: ${top}; ${each} && { ${reverse}; } && ${left}`);
  t.equal(code, 0, err);
  const above = await waitForLogin('bastion1', top, ({ ended }) => ended !== null);
  const found = await loginsWith(
    'bastion1',
    [...all.map(({ word }) => word), back],
    (one) => one.id !== above.id && linked(one),
  );
  for (const { address, word } of [...all, { address: 'by -R', word: back }]) {
    const login = found.get(word);
    t.match(login?.link, { evidence: 'four-tuple', host: 'bastion1', depth: 1 }, address);
    t.match(
      above.hops.find(({ id }) => id === login?.parentHop),
      { childLogin: login?.id },
      address,
    );
  }
  const { out: drawn } = await hopline('bastion1', ['tree', above.id]);
  t.match(drawn, /^bastion1 {2}alice /);
  const ids = [...drawn.matchAll(/bastion\d {2}alice .*\[L (\w+)\]$/gm)].map(([, id]) => id);
  t.equal(ids.length, 9);
  t.equal(new Set(ids).size, 9, 'each is drawn once');
  const lingers = await waitForLogin('bastion1', last, ({ lingering }) => lingering);
  t.teardown(() => service('bastion1', `kill ${lingers.processes.at(-1)?.pid}`));
  const { out } = await hopline('bastion1', ['revoke', above.id, '--reason', 'gone']);
  t.match(out, /revoked login \w+: 1 login/);
  t.match(await tree('bastion1', lingers.id), { revoked: String });
});
