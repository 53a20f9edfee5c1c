// Keys that Hopline certifies for a target: none of the person's is used, and the host's own log says who it was.
import t from 'tap';
import type { ActionJson } from '../../src/api/json.ts';
import { certifiedSshd } from './certified-sshd.ts';
import { exclusively, hopline, labUp, mark, notices, service, ssh, until, waitForHop } from './support.ts';
import { HOST, under } from './under.ts';

t.before(labUp);
t.setTimeout(1_200_000);

const PORT = 2222;
const DIRECTORY = '/run/certified';

async function root(host: 'db1', command: string): Promise<string> {
  const { code, out, err } = await service(host, command);
  if (code !== 0) throw new Error(`${command}: ${err}`);
  return out;
}

const certified = (certificate: string) => ({
  'targets.yaml': (text: string) =>
    `${text}\n  certified:\n    addresses: [10.77.0.20]\n    ports: [${PORT}]\n    protocol: ssh\n    tags: [host]\n    certificate: ${certificate}\n`,
});

t.test('certificates', async (t) =>
  exclusively(HOST, async () => {
    const { out: lines, err: said } = await hopline(HOST, ['ca', 'keys']);
    t.match(lines, /^ssh-ed25519 AAAA\S+ hopline\n$/);
    t.match(said, /^SHA256:\S+ signs\n$/);
    await certifiedSshd(t, 'db1', { directory: DIRECTORY, port: PORT, lines });
    const key = await root('db1', 'cut -d" " -f1,2 /etc/ssh/ssh_host_ed25519_key.pub');
    const known = `[10.77.0.20]:${PORT} ${key.trim()}`;
    await ssh('alice', HOST, `mkdir -p ~/.ssh && echo '${known}' >>~/.ssh/known_hosts`);
    t.teardown(() => ssh('alice', HOST, `sed -i '/:${PORT} /d' ~/.ssh/known_hosts`));
    /** @returns with the hop's action and what the host has logged of it */
    const login = async (account: string) => {
      const word = mark();
      const command = `ssh -o BatchMode=yes -p ${PORT} ${account}@10.77.0.20 'echo ${word}; id -un'`;
      const ran = await ssh('alice', HOST, command);
      const { hop } = await waitForHop(HOST, word, ({ ended }) => ended !== null);
      const { out } = await hopline(HOST, ['actions', '--hop', hop.id, '--json']);
      const log = await root('db1', `grep -F '${hop.id}' ${DIRECTORY}/log || true`);
      return { ...ran, word, hop, actions: JSON.parse(out) as ActionJson[], log };
    };
    const refused = { code: 255, err: /Permission denied/ };

    await t.test('a target that says nothing of them gets none', async (t) => {
      t.match(await login('alice'), { code: 255, err: /Permission denied/ });
    });
    await t.test('for the account of their own name, and no other', async (t) =>
      under(t, certified('true'), async () => {
        const { word, out, code, err, hop, actions, log } = await login('alice');
        t.match({ out, code }, { out: `${word}\nalice\n`, code: 0 }, err);
        t.match(log, `ID hopline:v1:bastion2:${hop.id}:alice (serial`);
        t.match(actions, [{ kind: 'exec', detail: { authentication: /^certificate \d+$/ } }]);
        t.match(await login('bob'), refused);
      }),
    );
    await t.test('for the accounts that the target names', async (t) =>
      under(t, certified('{accounts: [bob]}'), async () => {
        const { word, out, log, hop } = await login('bob');
        t.equal(out, `${word}\nbob\n`);
        t.match(log, `Accepted publickey for bob`);
        t.match(log, `:${hop.id}:alice (serial`, 'who it is stays alice');
        t.match(await login('carol'), refused);
      }),
    );
    await t.test('a key is told to hosts before it is used', async (t) =>
      under(t, certified('true'), async () => {
        const { out: both } = await hopline(HOST, ['ca', 'rotate']);
        t.match(both, /hopline\n.*hopline-next\n$/);
        t.match(await login('alice'), { code: 0 }, 'the key before signs');
        await root('db1', `printf '%s' '${both}' >${DIRECTORY}/ca.pub`);
        t.match(await hopline(HOST, ['ca', 'rotate', '--use']), {
          code: 0,
          out: both.split('\n')[1]?.replace('-next', ''),
        });
        await root('db1', `sed -i 1d ${DIRECTORY}/ca.pub`);
        t.match(await login('alice'), { code: 0 }, 'the next one does');
        t.match(await hopline(HOST, ['ca', 'rotate', '--use']), { code: 1, err: /there is no next key/ });
        await until(
          async () => (await notices(HOST)).filter(({ kind }) => kind === 'authority').length === 2,
          'each change is on record',
        );
      }),
    );
  }),
);
