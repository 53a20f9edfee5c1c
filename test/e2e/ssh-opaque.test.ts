// SSH that nobody terminates: verified by the client alone, between it and the host, and a connection on record.
import t from 'tap';
import type { HopJson } from '../../src/api/json.ts';
import { attempt } from './ssh-record.ts';
import {
  exclusively,
  hopline,
  lab,
  labUp,
  listensBy,
  mark,
  service,
  ssh,
  until,
  waitForHop,
} from './support.ts';

t.before(labUp);
t.setTimeout(1_200_000);

const DIRECTORY = '/run/opaque';
const PORTS = [2307, 2308];
const WEB1 = '10.77.0.30';

t.test('targets without protocol: ssh', async (t) => {
  const { code, err, out } = await service(
    'web1',
    `mkdir -p ${DIRECTORY} && /usr/sbin/sshd -E ${DIRECTORY}/log -o Port=${PORTS[0]} -o Port=${PORTS[1]} -o PidFile=${DIRECTORY}/pid &&
     { ${listensBy(`${DIRECTORY}/pid`)}; } &&
     cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub`,
  );
  t.equal(code, 0, err);
  t.teardown(() => service('web1', `kill "$(cat ${DIRECTORY}/pid)"; rm -r ${DIRECTORY}`));
  const key = out.trim();
  const another = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAzgA8ipxmsAh2lNUFq0FaHeUgcIPlxdPZ1AqRe9D36U';
  for (const [port, target, mode] of [
    [2307, 'opaque-ssh', 'inspect'],
    // Policy asks who connects, so that it is redirected all the same.
    [2308, 'direct-ssh', 'inspect'],
  ] as const) {
    const word = mark();
    const login = (known: string) =>
      `echo '[${WEB1}]:${port} ${known}' >/tmp/${word}; ssh -v -o UserKnownHostsFile=/tmp/${word} -p ${port} alice@${WEB1} 'hostname; head -c 1000000 /dev/zero | wc -c'`;
    const one = await attempt(word, login(key));
    t.match(one, { code: 0, out: 'web1\n1000000\n', actions: [] }, one.err);
    t.match(one.err, /Server host key: ssh-ed25519 /);
    t.match(one.err, /remote software version OpenSSH_(?!Hopline)/);
    t.match(one.hop, {
      ...{ target, mode, protocol: 'tcp', chain: ['bash', 'ssh'], destination: { address: WEB1, port } },
      decision: { outcome: 'allow' },
    });
    t.ok((one.hop.bytesUp ?? 0) > 1000 && (one.hop.bytesDown ?? 0) > 1000, 'with its bytes');
    const other = mark();
    const changed = await attempt(other, login(another).replaceAll(word, other));
    t.match(changed, { code: 255, err: /REMOTE HOST IDENTIFICATION HAS CHANGED/, hop: { target } });
  }
});

t.test('through a bastion, from the laptop: end to end, and a hop of the login there', async (t) => {
  const before = new Date().toISOString();
  const said = await lab([
    'exec',
    'laptop',
    '--user',
    'alice',
    '--',
    'ssh',
    '-v',
    '-J',
    'alice@bastion1',
    'alice@db1',
    'hostname',
  ]);
  t.match(said, { code: 0, out: 'db1\n' }, said.err);
  t.notMatch(said.err, /remote software version OpenSSH_Hopline/, 'db1 itself answers');
  // Others on this bastion connect to port 22 meanwhile, by programs of theirs.
  const inner = await until(async () => {
    const { out } = await hopline('bastion1', ['hops', '--json']);
    const all = JSON.parse(out) as HopJson[];
    return all.find(
      ({ started, ended, destination, chain }) =>
        started >= before && ended !== null && destination.port === 22 && chain.join() === 'sshd',
    );
  }, 'the hop of the login on bastion1');
  t.match(inner, { target: 'db1-ssh', protocol: 'tcp', mode: 'inspect', decision: { outcome: 'allow' } });
  t.ok((inner.bytesDown ?? 0) > 1000);
});

t.test(
  'from one bastion through another: the first leg is terminated, the inner one a hop of the second',
  (t) =>
    exclusively('bastion2', async () => {
      for (const command of [
        'ssh -J alice@bastion2 alice@db1 hostname',
        `ssh -o ProxyCommand='ssh -W %h:%p alice@bastion2' alice@db1 hostname`,
      ]) {
        const before = new Date().toISOString();
        const word = mark();
        const one = await attempt(word, command);
        t.match(one, { code: 0, out: 'db1\n' }, one.err);
        t.match(one.hop, { target: 'bastion2-ssh', protocol: 'ssh' });
        t.match(one.actions, [
          { kind: 'forward', subject: /^local tcp (db1|10\.77\.0\.20):22$/, result: { bytesUp: Number } },
        ]);
        const inner = await until(async () => {
          const { out } = await hopline('bastion2', ['hops', '--json']);
          return (JSON.parse(out) as HopJson[]).find(
            ({ started, ended, destination }) =>
              started >= before && ended !== null && destination.port === 22,
          );
        }, 'the hop on bastion2');
        t.match(inner, { target: 'db1-ssh', protocol: 'tcp' }, 'as sshd connects for somebody else');
      }
      const word = mark();
      const nested = await ssh(
        'alice',
        'bastion1',
        `: ${word}; ssh alice@bastion2 'ssh alice@db1 "echo ${word}"'`,
      );
      t.match(nested, { code: 0, out: `${word}\n` });
      const { hop } = await waitForHop('bastion2', word, ({ ended }) => ended !== null);
      t.match(hop, { target: 'db1-ssh', protocol: 'ssh', actions: 1 });
    }),
);
