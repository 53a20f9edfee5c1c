// Where one login has another's process do something for it: no descent, and yet an edge between two trees.
import t, { type Test } from 'tap';
import type { HandoffJson, TreeLoginJson } from '../../src/api/json.ts';
import { isHop, isLoginOf } from './assertions.ts';
import {
  bracketed,
  FAMILIES,
  type Family,
  handoffs,
  IPV4,
  IPV6,
  labUp,
  mark,
  PYTHON,
  programs,
  ssh,
  sshArgs,
  start,
  until,
  waitForHop,
  waitForLogin,
} from './support.ts';

t.before(labUp);
t.jobs = 4;

/** Waits for the handoff that a login made. */
async function handoffOf(
  word: string,
  kind: HandoffJson['kind'],
): Promise<{ login: TreeLoginJson; handoff: HandoffJson }> {
  const login = await waitForLogin('bastion1', word);
  const handoff = await until(
    async () =>
      (await handoffs('bastion1', ['--login', login.id])).find(
        (one) => one.kind === kind && one.login === login.id,
      ) ?? null,
    `a handoff of kind ${kind} from ${login.id}`,
  );
  return { login, handoff };
}

/** A shell on the bastion, for as long as the test. */
function shell(t: Test, user: string, word: string, command: string, family: Family, options: string[] = []) {
  return start(t, sshArgs(user, 'bastion1', `: ${word}; ${command}`, { family, ssh: options }));
}

for (const family of FAMILIES) {
  t.test(
    `tmux: what is typed into another login's server is that login's, ${family.name}`,
    { buffered: true },
    async (t) => {
      const [first, second] = [mark(), mark()];
      const url = family.url('web1', 80, first);
      const socket = `/tmp/tmux-${first}`;
      const server = `tmux -S ${socket} new-session -d -s work; echo started; read _; tmux -S ${socket} kill-server`;
      const owner = shell(t, 'alice', first, server, family);
      await owner.until(/started/);
      const keys = `tmux -S ${socket} send-keys -t work "curl -s ${url}" Enter; tmux -S ${socket} list-sessions; sleep 1`;
      const { out, err } = await ssh('alice', 'bastion1', `: ${second}; ${keys}`, { family });
      t.match(out, 'work:', err);
      const { login, handoff } = await handoffOf(second, 'tmux');
      const found = await waitForHop('bastion1', first);
      t.not(login.id, found.login.id);
      isLoginOf(t, found.login, { user: 'alice', client: family.address('laptop') });
      t.equal(found.hop.chain.at(-1), 'curl');
      t.match(found.hop.chain.join(' '), /^bash tmux.* bash curl$/, "the first login's tmux and its shell");
      isHop(t, found, { chain: found.hop.chain, address: family.address('web1'), port: 80, target: 'web1' });
      t.equal(handoff.toLogin, found.login.id, 'from the second login to the first');
      t.equal(handoff.via, socket);
      t.equal(login.hops.length, 0, 'nothing of it is in the second tree');
      owner.write('\n');
    },
  );

  t.test(`tmux: a terminal that attaches, ${family.name}`, { buffered: true }, async (t) => {
    const [first, second] = [mark(), mark()];
    const socket = `/tmp/tmux-${first}`;
    const server = `tmux -S ${socket} new-session -d -s work; echo started; read _; tmux -S ${socket} kill-server`;
    const owner = shell(t, 'alice', first, server, family);
    await owner.until(/started/);
    const attached = shell(
      t,
      'alice',
      second,
      `export TERM=xterm; tmux -S ${socket} attach -t work`,
      family,
      ['-tt'],
    );
    const { handoff } = await handoffOf(second, 'tmux');
    attached.write(`curl -s ${family.url('web1', 80, first)}\r`);
    const found = await waitForHop('bastion1', first);
    t.equal(handoff.toLogin, found.login.id);
    t.same(found.hop.destination, { address: family.address('web1'), port: 80 });
    owner.write('\n');
    await attached.ended;
  });

  t.test(`ControlMaster of another login, ${family.name}`, { buffered: true }, async (t) => {
    const [first, second] = [mark(), mark()];
    const socket = `/tmp/cm-${first}`;
    const to = family.address('db1');
    const master = shell(
      t,
      'alice',
      first,
      `ssh -M -S ${socket} -N ${to} & until [ -S ${socket} ]; do sleep 0.1; done; echo up; read _; kill %1`,
      family,
    );
    await master.until(/up/);
    const said = await ssh('alice', 'bastion1', `: ${second}; ssh -S ${socket} ${to} hostname`, { family });
    t.equal(said.out, 'db1\n', said.err);
    const { login, handoff } = await handoffOf(second, 'controlmaster');
    const found = await waitForHop('bastion1', first);
    isHop(t, found, { chain: ['bash', 'ssh'], address: to, port: 22, target: 'db1-ssh' });
    t.equal(handoff.toLogin, found.login.id);
    t.ok(handoff.via.startsWith(socket), 'by the socket');
    t.same(login.hops, [], 'the second login connected nowhere itself');
    master.write('\n');
  });

  t.test(`ControlMaster on the laptop: one login, ${family.name}`, { buffered: true }, async (t) => {
    const [first, second] = [mark(), mark()];
    const socket = `/tmp/cm-${first}`;
    const master = shell(t, 'alice', first, 'echo up; read _', family, ['-M', '-S', socket]);
    await master.until(/up/);
    const { out } = await ssh('alice', 'bastion1', `: ${second}; curl -s ${family.url('web1', 80, second)}`, {
      family,
      ssh: ['-S', socket],
    });
    t.match(out, '404 Not Found');
    const found = await waitForHop('bastion1', first);
    isHop(t, found, { chain: ['bash', 'curl'], address: family.address('web1'), port: 80 });
    const both = [first, second].map((word) =>
      found.login.processes.some(({ argv }) => argv.join(' ').includes(word)),
    );
    t.same(both, [true, true], 'many sessions, one connection, one login');
    master.write('\n');
  });

  t.test(`ssh-agent of another login, ${family.name}`, { buffered: true }, async (t) => {
    const [first, second] = [mark(), mark()];
    const socket = `/tmp/agent-${first}`;
    const agent = `eval $(ssh-agent -a ${socket}) >/dev/null; ssh-add -q .ssh/id_ed25519; echo up; read _; ssh-agent -k`;
    const owner = shell(t, 'alice', first, agent, family);
    await owner.until(/up/);
    const to = family.address('db1');
    const use = `SSH_AUTH_SOCK=${socket} ssh -o IdentityFile=/nonexistent ${to} hostname`;
    const said = await ssh('alice', 'bastion1', `: ${second}; ${use}`, { family });
    t.equal(said.out, 'db1\n', said.err);
    const { login, handoff } = await handoffOf(second, 'ssh-agent');
    t.equal(handoff.toLogin, (await waitForLogin('bastion1', first)).id);
    t.equal(handoff.via, socket);
    const found = await waitForHop('bastion1', second);
    t.equal(found.login.id, login.id);
    isHop(t, found, { chain: ['bash', 'ssh'], address: to, port: 22, target: 'db1-ssh' });
    owner.write('\n');
  });

  t.test(`a forwarded agent of another login, ${family.name}`, { buffered: true }, async (t) => {
    const [first, second] = [mark(), mark()];
    const onLaptop = `eval $(ssh-agent) >/dev/null; ssh-add -q ~/.ssh/id_ed25519; ssh -A alice@${family.address('bastion1')} `;
    const remote = `': ${first}; echo socket $SSH_AUTH_SOCK; read _'; ssh-agent -k`;
    const owner = start(t, ['exec', 'laptop', '--user', 'alice', '--', 'bash', '-c', onLaptop + remote]);
    await owner.until(/socket \/\S+\n/);
    const socket = /socket (\S+)/.exec(owner.said())?.[1] ?? '';
    const to = family.address('db1');
    const use = `SSH_AUTH_SOCK=${socket} ssh -o IdentityFile=/nonexistent ${to} hostname`;
    const said = await ssh('alice', 'bastion1', `: ${second}; ${use}`, { family });
    t.equal(said.out, 'db1\n', said.err);
    const { handoff } = await handoffOf(second, 'ssh-agent');
    t.equal(handoff.toLogin, (await waitForLogin('bastion1', first)).id, "the login's sshd holds it");
    t.equal(handoff.via, socket);
    owner.write('\n');
  });
}

t.test('the socket of a container engine', { buffered: true }, async (t) => {
  const engine = start(t, ['exec', 'bastion1', '--', 'python3', `${programs}/engine.py`, '/run/docker.sock']);
  await engine.until(/ready/);
  for (const user of ['alice', 'bob']) {
    const word = mark();
    const call = `curl -s --unix-socket /run/docker.sock http://engine/${word}`;
    const { out } = await ssh(user, 'bastion1', `: ${word}; ${call}`);
    t.equal(out, 'OK');
    const { login, handoff } = await handoffOf(word, 'container-engine');
    t.equal(login.identity?.name, user);
    t.equal(handoff.via, '/run/docker.sock');
    t.match(handoff.toPid, Number);
  }
});

interface Forward {
  readonly name: string;
  readonly serve: (family: Family, port: number, word: string) => string;
  readonly ready: RegExp;
  readonly use: (family: Family, port: number, url: string) => string;
  readonly chain: readonly string[];
  /** Where the owner's process connects to. */
  readonly to: { readonly host: 'db1' | 'web1'; readonly port: number };
}
const listening = (port: number) =>
  `until ss -Hltn "sport = :${port}" | grep -q .; do sleep 0.1; done; echo up; read _; kill %1`;
const forwards: readonly Forward[] = [
  {
    name: 'ssh -L',
    serve: (family, port) =>
      `ssh -N -L ${bracketed(family.loopback)}:${port}:${bracketed(family.address('web1'))}:80 ${family.address('db1')} & ${listening(port)}`,
    ready: /up/,
    use: (family, port, url) => `curl -s http://${bracketed(family.loopback)}:${port}/${url}`,
    chain: ['bash', 'ssh'],
    to: { host: 'db1', port: 22 },
  },
  {
    name: 'ssh -D',
    serve: (family, port) =>
      `ssh -N -D ${bracketed(family.loopback)}:${port} ${family.address('db1')} & ${listening(port)}`,
    ready: /up/,
    use: (family, port, url) =>
      `curl -s --socks5 ${bracketed(family.loopback)}:${port} http://${bracketed(family.address('web1'))}/${url}`,
    chain: ['bash', 'ssh'],
    to: { host: 'db1', port: 22 },
  },
  {
    name: "a proxy of one's own",
    serve: (family, port, word) =>
      `python3 ${programs}/proxy.py ${family.loopback} ${port} ${family.address('web1')} 80 ${word} & read _; kill %1`,
    ready: /listening/,
    use: (family, port, url) => `curl -s http://${bracketed(family.loopback)}:${port}/${url}`,
    chain: ['bash', `${PYTHON} proxy.py`],
    to: { host: 'web1', port: 80 },
  },
];
for (const [index, { name, serve, ready, use, chain, to }] of forwards.entries()) {
  for (const family of FAMILIES) {
    t.test(`bob through alice's port: ${name}, ${family.name}`, { buffered: true }, async (t) => {
      const [first, second] = [mark(), mark()];
      const port = 2300 + index * 10 + Number(family.version);
      const owner = shell(t, 'alice', first, serve(family, port, first), family);
      await owner.until(ready);
      const said = await ssh('bob', 'bastion1', `: ${second}; ${use(family, port, second)}`, { family });
      t.match(said.out, '404 Not Found', said.err + owner.said());
      const { login, handoff } = await handoffOf(second, 'loopback');
      isLoginOf(t, login, { user: 'bob', client: family.address('laptop') });
      const found = await waitForHop('bastion1', first);
      isLoginOf(t, found.login, { user: 'alice', client: family.address('laptop') });
      isHop(t, found, { chain, address: family.address(to.host), port: to.port });
      t.equal(handoff.toLogin, found.login.id, "bob's login, by alice's");
      t.equal(handoff.via, `${bracketed(family.loopback)}:${port}`);
      const [edge] = login.hops.filter(({ destination }) => destination.port === port);
      if (edge) t.same(edge.destination, { address: family.loopback, port });
      owner.write('\n');
    });
  }
}

t.test('one port, two listeners', { buffered: true }, async (t) => {
  const port = 2380;
  const owners = new Map<Family, string>();
  for (const [family, user] of [
    [IPV4, 'alice'],
    [IPV6, 'bob'],
  ] as const) {
    const word = mark();
    const serve = `python3 ${programs}/proxy.py ${family.loopback} ${port} ${family.address('web1')} 80 ${word}`;
    const owner = shell(t, user, word, `${serve} & read _; kill %1`, family);
    await owner.until(/listening/);
    owners.set(family, word);
  }
  for (const family of FAMILIES) {
    const word = mark();
    const user = family.version === '4' ? 'bob' : 'alice';
    const { out } = await ssh(
      user,
      'bastion1',
      `: ${word}; curl -s http://${bracketed(family.loopback)}:${port}/${word}`,
      { family },
    );
    t.match(out, '404 Not Found');
    const { handoff } = await handoffOf(word, 'loopback');
    t.equal(handoff.toLogin, (await waitForLogin('bastion1', owners.get(family) ?? '')).id, family.name);
    t.equal(handoff.via, `${bracketed(family.loopback)}:${port}`);
  }
});

for (const family of FAMILIES) {
  t.test(`the laptop's ssh -L: the login's sshd connects, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    const port = 2390 + Number(family.version);
    const owner = shell(t, 'alice', word, 'echo up; read _', family, [
      '-L',
      `127.0.0.1:${port}:${bracketed(family.address('web1'))}:80`,
    ]);
    await owner.until(/up/);
    const curl = start(t, [
      'exec',
      'laptop',
      '--user',
      'alice',
      '--',
      'curl',
      '-s',
      `http://127.0.0.1:${port}/${word}`,
    ]);
    await curl.until(/404 Not Found/);
    const found = await waitForHop('bastion1', word);
    isLoginOf(t, found.login, { user: 'alice', client: family.address('laptop') });
    t.same(found.hop.chain, ['sshd'], 'by no program of the person, but their sshd');
    t.same(found.hop.destination, { address: family.address('web1'), port: 80 });
    t.equal(found.hop.decision.outcome, 'allow');
    owner.write('\n');
  });
}
