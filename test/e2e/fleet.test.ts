// Hosts of a fleet: their trees are one, by each kind of evidence alone; what is revoked ends on all of them.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import t from 'tap';
import type { TreeLoginJson } from '../../src/api/json.ts';
import type { Family } from './support.ts';

// Before anything of the lab is imported: its name is read then.
process.env.LAB_NAME = process.env.FLEET_LAB ?? 'fleet';
const { certifiedSshd } = await import('./certified-sshd.ts');
const { shellSshd } = await import('./shell-sshd.ts');
const { BASTIONS, configured, connected, fleetUp, peers, speaker } = await import('./fleet-support.ts');
const support = await import('./support.ts');
const { FAMILIES, IPV4, hopline, mark, notices, rootOf, service, ssh, start, tree, until } = support;
const { waitForHop, waitForLogin } = support;

t.before(() => fleetUp(t));
t.setTimeout(1_200_000);

const NO_OPTION = 'syn_option: false';
/** Nobody can tell from the address that it is bastion1. */
const ELSEWHERE = 'addresses: ["192.0.2.1"]';
/** Of an sshd that records its terminals. */
const RECORDED = 2240;
const TERMINAL = ['-tt', '-p', `${RECORDED}`];

/** What a person types on the laptop, and what comes of it on both hosts. */
async function through(family: Family, { port = 22, command = 'select 40+2', terminal = ['-tt'] } = {}) {
  const word = mark();
  const psql = `: ${word}; psql -XAtq -P pager=off -h db1 -d orders -c '${command}'`;
  const onward = `ssh -tt -p ${port} -o StrictHostKeyChecking=accept-new ${family.address('bastion2')} "${psql}"`;
  const { out, err } = await ssh('alice', 'bastion1', onward, { family, ssh: terminal });
  const { hop, login: from } = await waitForHop(
    'bastion1',
    word,
    ({ ended, protocol }) => ended !== null && protocol === 'ssh',
  );
  const login = await waitForLogin('bastion2', word, ({ hops }) => hops.some(({ ended }) => ended !== null));
  return { word, out, err, hop, from, login };
}

/** What is drawn of it changes no more. */
const settled = ({ ended, lingering, hops }: TreeLoginJson) =>
  ended !== null && !lingering && hops.every((hop) => hop.ended !== null);

t.test('joined, each knows the other', async (t) => {
  for (const host of BASTIONS) {
    const { out, code } = await hopline(host, ['peer', 'list']);
    t.equal(code, 0);
    t.match(
      out,
      new RegExp(`${host === 'bastion1' ? 'bastion2' : 'bastion1'} +10\\.77\\.0\\.\\d+:7422 +connected`),
    );
  }
  const told = async () =>
    (await notices('bastion1', ['--kind', 'peer'])).map(({ detail }) => detail).reverse();
  await until(async () => (await told()).length >= 3, 'three notices').catch(() => {});
  t.match(await told(), [
    'uid 0 invited bastion2',
    'bastion2 joined, as it was invited to',
    'bastion2 is connected',
  ]);
  const again = await hopline('bastion2', ['peer', 'join', '10.77.0.11:7422', `hopline-${'A'.repeat(64)}`]);
  t.equal(again.code, 1);
  t.match(again.err, 'this host is in a fleet already: hopline peer leave takes it out');
  const invites = await hopline('bastion2', ['peer', 'invite', 'bastion3']);
  t.match(invites.err, 'hosts are invited where the fleet was made');
});

const EVIDENCE = [
  { evidence: 'syn-option', port: 22, over: { bastion1: { peering: ELSEWHERE } } },
  {
    evidence: 'four-tuple',
    port: 22,
    over: { bastion1: { peering: NO_OPTION }, bastion2: { peering: NO_OPTION } },
  },
  {
    evidence: 'certificate',
    port: 2223,
    over: { bastion1: { peering: `${NO_OPTION}, ${ELSEWHERE}` }, bastion2: { peering: NO_OPTION } },
  },
] as const;

t.test('laptop, bastion1, bastion2, database: one tree', async (t) => {
  await shellSshd(t, 'bastion1', RECORDED);
  const { out: lines } = await hopline('bastion1', ['ca', 'keys']);
  await certifiedSshd(t, 'bastion2', { directory: '/run/certified', port: 2223, lines });
  const { out: key } = await service('bastion2', 'cut -d" " -f1,2 /etc/ssh/ssh_host_ed25519_key.pub');
  const known = FAMILIES.map((family) => `[${family.address('bastion2')}]:2223 ${key.trim()}`);
  await ssh('alice', 'bastion1', `printf '%s\\n' '${known.join("' '")}' >>~/.ssh/known_hosts`);
  for (const { evidence, port, over } of EVIDENCE)
    await t.test(`by ${evidence} alone`, async (t) => {
      await configured(over);
      for (const family of FAMILIES) {
        const { word, out, err, hop, from, login } = await through(family, { port, terminal: TERMINAL });
        t.match(out, /^42\r\n/, err);
        const linked = await until(
          async () => {
            const now = await tree('bastion2', login.id);
            return now.link?.evidence ? now : null;
          },
          `${login.id} linked, ${family.name}: ${JSON.stringify(login.link)}`,
        );
        t.match(linked, {
          parentHop: hop.id,
          link: { evidence, host: 'bastion1', hop: hop.id, depth: 1, reason: null },
        });
        await until(
          async () =>
            (await tree('bastion1', from.id)).hops.some(({ childLogin }) => childLogin === login.id),
          'bastion1 knows the login on bastion2',
        );
        for (const host of BASTIONS) await waitForLogin(host, word, settled);
        const [here, there] = await Promise.all([
          hopline('bastion1', ['tree', from.id]),
          hopline('bastion2', ['tree', login.id]),
        ]);
        for (const { out: drawn } of [here, there]) {
          t.match(
            drawn,
            new RegExp(`^bastion1  alice .*\\[L ${from.id}\\]\\n└─ `),
            'the laptop’s login is on top',
          );
          t.match(
            drawn,
            new RegExp(`─ bastion2  alice .*⇠ bastion1 hop ${hop.id} \\(${evidence}\\)  \\[L ${login.id}\\]`),
          );
          t.match(drawn, /psql -XAtq [^\n]* → orders-db .* allow .* 1 action/);
        }
        t.equal(here.out, there.out, 'both hosts draw the same');
        for (const recording of [`${from.id}-1`, `${hop.id}-1`]) {
          const { out: kept } = await hopline('bastion1', ['play', recording]);
          t.match(kept, '42', `what the person saw is in ${recording}`);
        }
        const actions = await hopline('bastion2', ['actions', '--login', login.id]);
        t.match(actions.out, 'select 40+2');
      }
    });
  await configured();
});

t.test('there and back again: each host has its part of the way, and both draw all of it', async (t) => {
  const word = mark();
  const options = '-o BatchMode=yes -o StrictHostKeyChecking=accept-new';
  const back = `ssh ${options} 10.77.0.11 ': ${word}; curl -s -o /dev/null http://10.77.0.30/ && echo fine'`;
  const { out, err } = await ssh('alice', 'bastion1', `ssh ${options} 10.77.0.12 "${back}"`);
  t.equal(out, 'fine\n', err);
  const there = await waitForLogin('bastion2', word, ({ link }) => link?.evidence != null);
  const [first, last] = await until(async () => {
    const { out: said } = await hopline('bastion1', ['--json', 'tree', '--local']);
    const logins = (JSON.parse(said) as TreeLoginJson[]).filter(({ processes }) =>
      processes.some(({ argv }) => argv.join(' ').includes(word)),
    );
    return logins.length === 2 && logins[1]?.link?.evidence ? logins : null;
  }, 'the second login on bastion1 is linked');
  t.match(first, { link: null });
  t.match(there, { link: { host: 'bastion1', depth: 1 } });
  t.match(last, { link: { host: 'bastion2', depth: 2, evidence: 'syn-option' } });
  for (const [host, id] of [
    ['bastion1', first?.id ?? ''],
    ['bastion2', there.id],
    ['bastion1', last?.id ?? ''],
  ] as const) {
    const { out: drawn } = await hopline(host, ['tree', id]);
    const ids = [...drawn.matchAll(/^(.*?)(?:bastion\d {2})?alice .*\[L (\w+)\]$/gm)].map(
      (match) => match[2],
    );
    t.strictSame(ids, [first?.id, there.id, last?.id], `${host} from ${id}`);
    t.match(drawn, /curl .* → web1 /);
  }
});

t.test('policies see by how many hosts a login came, of its first connection too', async (t) => {
  const path = `${rootOf('bastion2')}/etc/hopline/policies/fleet.cedar`;
  const far = (id: string, action: string, when: string) =>
    `@id("${id}") forbid (principal, action == Action::"${action}", resource) when { context.hops > 0 && ${when} };`;
  const port = 'context.port == 80';
  const version = 'context.functions.contains("version")';
  writeFileSync(path, [far('no-web', 'connect', port), far('no-version', 'query', version)].join('\n'));
  t.teardown(async () => {
    rmSync(path);
    await hopline('bastion2', ['reload']);
  });
  const { err } = await hopline('bastion2', ['reload']);
  t.equal(err, '');
  const word = mark();
  const here = (word: string) =>
    `: ${word}; curl -s http://10.77.0.30/ >/dev/null && echo web; psql -XAtqc 'select 1 from version()' -h db1 -d orders`;
  const options = '-o BatchMode=yes -o StrictHostKeyChecking=accept-new';
  t.equal((await ssh('alice', 'bastion2', here(mark()))).out, 'web\n1\n', 'from the laptop');
  const onward = await ssh('alice', 'bastion1', `ssh ${options} 10.77.0.12 "${here(word)}"`);
  t.equal(onward.out, '');
  t.match(onward.err, /no-version forbids/);
  const login = await waitForLogin('bastion2', word, ({ link }) => link?.evidence === 'syn-option');
  t.match(login.hops, [{ decision: { policies: ['no-web'] } }, { protocol: 'postgres' }]);
  const explained = await hopline('bastion2', ['policy', 'explain', '--login', login.id, '--target', 'web1']);
  t.match(explained.out, 'no-web');
});

t.test('evidence that does not hold', async (t) => {
  await t.test('a MAC of nobody’s: unlinked, whatever the address', async (t) => {
    // bastion2 forgets the secret by which it has made bastion1's key.
    const path = `${rootOf('bastion2')}/var/lib/hopline/fleet/option.key`;
    const before = readFileSync(path);
    writeFileSync(path, Buffer.alloc(32, 7));
    const arrived = await through(IPV4);
    const login = await waitForLogin('bastion2', arrived.word, ({ link }) => link !== null);
    writeFileSync(path, before);
    t.match(login, {
      parentHop: null,
      link: {
        evidence: null,
        host: null,
        reason: 'its SYN option has a MAC that no host of the fleet has made',
      },
    });
    const { out } = await hopline('bastion2', ['tree', login.id, '--local']);
    t.match(out, 'unlinked: its SYN option has a MAC that no host of the fleet has made');
  });
});

t.test('other servers of SSH on the next host', async (t) => {
  const directory = '/run/others';
  const [without, once, dropbear] = [2241, 2242, 2243];
  const sshd = (port: number, more: string) =>
    `/usr/sbin/sshd -o Port=${port} -o PidFile=${directory}/${port} -E ${directory}/log-${port} ${more}`;
  const { code, err } = await service(
    'bastion2',
    `mkdir ${directory} && cd ${directory} && ${sshd(without, '-o UsePAM=no')} && { setsid ${sshd(once, '-D -d')} </dev/null >/dev/null 2>&1 & } &&
     dropbearkey -t ed25519 -f key >/dev/null 2>&1 && dropbear -r key -p ${dropbear} -P ${directory}/${dropbear} -E 2>log`,
  );
  t.equal(code, 0, err);
  t.teardown(() =>
    service('bastion2', `cd ${directory} && kill $(cat ${without} ${dropbear}); rm -r ${directory}`),
  );
  const into = async (port: number) => {
    const word = mark();
    const options = `-o BatchMode=yes -o StrictHostKeyChecking=accept-new -p ${port}`;
    const { out, err } = await ssh(
      'alice',
      'bastion1',
      `ssh ${options} 10.77.0.12 ': ${word}; echo in; curl -sS web1'`,
    );
    t.match(out, /^in\n$/, err);
    const { hop } = await waitForHop(
      'bastion1',
      word,
      ({ ended, destination }) => ended !== null && destination.port === port,
    );
    t.match(hop, { protocol: 'tcp', decision: { outcome: 'allow' } });
    const login = await waitForLogin('bastion2', word, ({ hops }) => hops.length > 0);
    t.match(login.hops, [{ target: 'web1', decision: { outcome: 'deny' } }], 'nobody has said who it is');
    return login;
  };
  for (const port of [without, once])
    t.match(await into(port), {
      ...{ kind: 'ssh', user: 'alice', client: { address: '10.77.0.11' }, parentHop: null },
      identity: { verified: false, evidence: { method: 'account', source: 'environ' } },
      link: { evidence: null, host: 'bastion1', depth: 0, reason: /^PAM has not told of it: UsePAM no/ },
    });
  t.match(await into(dropbear), { kind: 'unattended', identity: null, link: null }, 'no login to Hopline');
});

t.test('a host that does not answer', async (t) => {
  await configured({ bastion1: { peering: NO_OPTION }, bastion2: { peering: NO_OPTION } });
  const pid = speaker('bastion1');
  process.kill(pid, 'SIGSTOP');
  try {
    const { hop, login } = await through(IPV4);
    const waiting = await until(async () => {
      const now = await tree('bastion2', login.id);
      return now.link ? now : null;
    }, 'it is told that bastion1 was not heard');
    t.match(waiting, {
      parentHop: null,
      link: {
        evidence: null,
        host: 'bastion1',
        reason: /^four-tuple: bastion1 does not answer: .*; it is asked again/,
      },
    });
    const away = await until(async () => {
      const said = await hopline('bastion2', ['peer', 'list']);
      return said.code === 1 ? said.out : null;
    }, 'it is missed');
    t.match(away, /bastion1 .*not connected: /);
    process.kill(pid, 'SIGCONT');
    const linked = await until(async () => {
      const now = await tree('bastion2', login.id);
      return now.parentHop === null ? null : now;
    }, 'linked when it answers');
    t.match(linked, { parentHop: hop.id, link: { evidence: 'four-tuple', host: 'bastion1' } });

    process.kill(pid, 'SIGSTOP');
    await until(
      async () => (await peers('bastion2')).peers.some((peer) => !peer.connected),
      'it is missed',
      30_000,
    );
    const drawn = await hopline('bastion2', ['tree', login.id]);
    t.equal(drawn.code, 0);
    t.match(drawn.out, /^bastion1 does not say what it has of this: .*\nalice /);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await connected();
  await configured();
});

t.test('what is revoked ends on every host', async (t) => {
  const word = mark();
  const onward = `ssh -tt -o StrictHostKeyChecking=accept-new 10.77.0.12 ": ${word}; nohup sh -c 'while sleep 0.2; do curl -s -o /dev/null http://10.77.0.30/ && echo fine; done' >/tmp/${word} 2>&1 & psql -XAtq -P pager=off -h db1 -d orders -c 'select pg_sleep(60)'"`;
  const session = start(t, ['ssh', 'alice@10.77.0.11', '-tt', '--', onward]);
  const login = await waitForLogin(
    'bastion2',
    word,
    ({ link, hops }) => link?.evidence != null && hops.some(({ protocol }) => protocol === 'postgres'),
  );
  const file = `${rootOf('bastion2')}/tmp/${word}`;
  const said = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').length : 0);
  await until(() => said() > 2, 'what goes on in the background connects');
  const above = await waitForLogin('bastion1', word);
  const began = performance.now();
  const { out } = await hopline('bastion1', ['revoke', above.id, '--reason', 'laptop stolen']);
  t.match(out, /\n {2}bastion2: 1 login, \d+ live hops? closed/);
  const ended = await until(async () => {
    const now = await tree('bastion2', login.id);
    return now.revoked && now.hops.every(({ ended: at }) => at !== null) ? now : null;
  }, 'the login on bastion2 is revoked');
  t.comment(
    `revoked on both hosts within ${Math.round(performance.now() - began)} ms, the command and the look included`,
  );
  t.match(
    ended.hops.find(({ protocol }) => protocol === 'postgres'),
    { endReason: 'revoked: laptop stolen' },
  );
  const [noted] = await notices('bastion2', ['--kind', 'revoke']);
  t.match(noted, { login: login.id, detail: 'revoked by uid 0 on bastion1: laptop stolen' });
  await session.ended;
  // What one of them was told before may be written down still.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const before = said();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  t.equal(said(), before, 'what was left in the background connects no more');
  await service('bastion2', 'pkill -u alice -f "while sleep 0.2"');
});

t.test('what was revoked while a host was away ends there when it is back', async (t) => {
  const word = mark();
  const onward = `ssh -tt -o StrictHostKeyChecking=accept-new 10.77.0.12 ": ${word}; nohup sleep 60 >/dev/null 2>&1 & curl -s http://10.77.0.30/ >/dev/null; sleep 60"`;
  start(t, ['ssh', 'alice@10.77.0.11', '-tt', '--', onward]);
  const login = await waitForLogin(
    'bastion2',
    word,
    ({ link, hops }) => link?.evidence != null && hops.length > 0,
  );
  const above = await waitForLogin('bastion1', word);
  const pid = speaker('bastion2');
  process.kill(pid, 'SIGSTOP');
  try {
    await until(
      async () => (await peers('bastion1')).peers.some((peer) => !peer.connected),
      'it is missed',
      30_000,
    );
    const { out } = await hopline('bastion1', ['revoke', above.id, '--reason', 'gone']);
    t.match(out, /bastion2 was not told \(.*\); it is when it answers/);
    const drawn = await hopline('bastion1', ['tree', above.id]);
    t.match(drawn.out, /─ bastion2 does not say what it has of this: /);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until(
    async () => (await tree('bastion2', login.id)).revoked !== null,
    'told when it is back',
    30_000,
  );
});

t.test('a host that was put out is not believed, and not told', async (t) => {
  const { code } = await hopline('bastion2', ['peer', 'remove', 'bastion1']);
  t.equal(code, 0);
  await until(
    async () => (await peers('bastion1')).peers.some((peer) => !peer.connected),
    'bastion1 is out',
    30_000,
  );
  const { login, from } = await through(IPV4);
  t.match(login, { parentHop: null });
  t.match(await tree('bastion1', from.id), { hops: [{ childLogin: null }] });
});
