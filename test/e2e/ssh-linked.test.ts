// A login on the next host is tied to the hop by which it came, by the certificate with which it was opened.
import { join } from 'node:path';
import t from 'tap';
import { certifiedSshd } from './certified-sshd.ts';
import {
  exclusively,
  FAMILIES,
  type Family,
  hopline,
  labUp,
  mark,
  service,
  ssh,
  tree,
  waitForHop,
  waitForLogin,
} from './support.ts';
import { under } from './under.ts';

t.before(labUp);
t.setTimeout(1_200_000);

const PORT = 2223;
const DIRECTORY = '/run/linked';

/** From bastion1 to bastion2, and from there to a database. @returns the hop there and the login here */
async function arrive(family: Family) {
  const word = mark();
  const inner = `: ${word}; psql -XAtq -h db1 -d orders -c "select 40+2"`;
  const outer = `ssh -o BatchMode=yes -p ${PORT} alice@${family.address('bastion2')} '${inner}'`;
  const { out, err } = await ssh('alice', 'bastion1', outer, { family });
  const { hop, login: from } = await waitForHop('bastion1', word, ({ ended }) => ended !== null);
  const login = await waitForLogin('bastion2', word, ({ hops }) => hops.some(({ ended }) => ended !== null));
  return { out, err, hop, from, login };
}

t.test('across hosts', async (t) =>
  exclusively('bastion2', async () => {
    const { out: lines, err: said } = await hopline('bastion1', ['ca', 'keys']);
    const ca = said.split(' ')[0] ?? '';
    await certifiedSshd(t, 'bastion2', { directory: DIRECTORY, port: PORT, lines });
    const { out: key } = await service('bastion2', 'cut -d" " -f1,2 /etc/ssh/ssh_host_ed25519_key.pub');
    const known = FAMILIES.map((family) => `[${family.address('bastion2')}]:${PORT} ${key.trim()}`);
    await ssh(
      'alice',
      'bastion1',
      `mkdir -p ~/.ssh && printf '%s\\n' '${known.join("' '")}' >>~/.ssh/known_hosts`,
    );
    t.teardown(() => ssh('alice', 'bastion1', `sed -i '/:${PORT} /d' ~/.ssh/known_hosts`));
    const peers = (host: string, fingerprint: string) => ({
      'hopline.yaml': (text: string) => `${text}\npeers: [{host: ${host}, ca: "${fingerprint}"}]\n`,
    });

    for (const family of FAMILIES)
      await t.test(`the login hangs below the hop: ${family.name}`, async (t) =>
        under(t, peers('bastion1', ca), async () => {
          const { out, err, hop, from, login } = await arrive(family);
          t.equal(out, '42\n', err);
          t.equal(login.parentHop, hop.id);
          t.match(login, {
            user: 'alice',
            identity: {
              name: 'alice',
              verified: true,
              groups: ['engineers'],
              evidence: {
                method: 'certificate',
                source: 'pam',
                ca,
                keyId: `hopline:v1:bastion1:${hop.id}:alice`,
              },
            },
          });
          const shown = await hopline('bastion2', ['tree', login.id]);
          t.match(shown.out, `⇠ bastion1 hop ${hop.id}`);
          const file = join(
            t.testdir({ 'other.json': JSON.stringify([await tree('bastion2', login.id)]) }),
            'other.json',
          );
          const joined = await hopline('bastion1', ['tree', from.id, '--with', file]);
          t.match(
            joined.out,
            new RegExp(`ssh -o BatchMode=yes[^\\n]*\\n +[├└]─ bastion2  alice[^\\n]*\\[L ${login.id}\\]\\n`),
          );
          t.match(joined.out, /psql [^\n]* → orders-db /);
        }),
      );

    await t.test('where the host is no peer, or another, nothing is tied', async (t) => {
      t.match((await arrive(FAMILIES[0] as Family)).login, {
        parentHop: null,
        identity: { verified: false },
      });
      await under(t, peers('bastion9', ca), async () => {
        t.match((await arrive(FAMILIES[0] as Family)).login, { parentHop: null });
      });
      await under(t, peers('bastion1', `SHA256:${'A'.repeat(43)}`), async () => {
        t.match((await arrive(FAMILIES[0] as Family)).login, { parentHop: null });
      });
    });
  }),
);
