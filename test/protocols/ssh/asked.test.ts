import { randomBytes } from 'node:crypto';
import t from 'tap';
import { Secret } from '../../../src/core/secret.ts';
import { wireString } from '../../../src/core/ssh-wire.ts';
import type { Session } from '../../../src/protocols/room.ts';
import { outsideOf } from '../../../src/protocols/ssh/asked.ts';
import { keyType } from '../../../src/protocols/ssh/keys/public-key.ts';

const key = Buffer.concat([wireString('ssh-ed25519'), wireString(randomBytes(32))]);
const base64 = (bytes: Buffer | string) => Buffer.from(bytes).toString('base64');

function session(
  answers: Record<string, (detail: never) => unknown>,
  credential: Session['credential'] = null,
) {
  const asked: string[] = [];
  const given = {
    credential,
    ask: async (question: string, detail: unknown) => {
      asked.push(question);
      const answer = answers[question];
      if (answer === undefined) throw new Error(`no ${question}`);
      return answer(detail as never);
    },
  };
  return { asked, outside: outsideOf(given as unknown as Session) };
}

t.test('the host key signs elsewhere', async (t) => {
  const { outside } = session({
    'ssh.own-key': () => ({ key: base64(key), certifies: true }),
    'ssh.own-sign': ({ data }: { data: string }) => ({
      signature: base64(`signed ${Buffer.from(data, 'base64')}`),
    }),
  });
  const [own] = await outside.ownHostKeys();
  t.same(own?.publicKey, key);
  t.equal((await own?.sign('ssh-ed25519', Buffer.from('hash')))?.toString(), 'signed hash');
});

t.test('no certificate is asked for where none is issued', async (t) => {
  const { outside, asked } = session({ 'ssh.own-key': () => ({ key: base64(key), certifies: false }) });
  await outside.ownHostKeys();
  t.strictSame(await outside.auth.held('alice'), { account: 'alice', held: [] });
  t.strictSame(asked, ['ssh.own-key']);
});

t.test('known_hosts is asked for once', async (t) => {
  const { outside, asked } = session({
    'ssh.known-hosts': () => ({ names: ['db1'], files: [{ path: 'p', text: 'x' }] }),
    'ssh.remember': ({ line }: { line: string }) => ({ path: `kept ${line}` }),
  });
  t.strictSame(await outside.hostKeys.names(), ['db1']);
  t.strictSame(await outside.hostKeys.files(), [{ path: 'p', text: 'x' }]);
  t.equal(await outside.hostKeys.remember('a'), 'kept a');
  t.strictSame(asked, ['ssh.known-hosts', 'ssh.remember']);
});

t.test('a file that is locked: three tries, none of them empty', async (t) => {
  const locked = { name: null, locked: '/k' };
  const said: string[] = [];
  const { outside, asked } = session({
    'ssh.signer': () => locked,
    'ssh.unlock': ({ passphrase }: { passphrase: string }) => {
      said.push(Buffer.from(passphrase, 'base64').toString());
      return said.at(-1) === 'right' ? { name: 'key file k', locked: null } : locked;
    },
  });
  const answering =
    (...answers: (string | null)[]) =>
    async () => {
      const next = answers.shift();
      return next === null || next === undefined ? null : Buffer.from(next);
    };
  t.match(await outside.auth.signer(key, answering('wrong', 'right')), {
    name: 'key file k',
    publicKey: key,
  });
  t.equal(await outside.auth.signer(key, answering('', 'right')), null);
  t.equal(await outside.auth.signer(key, answering(null)), null);
  t.equal(await outside.auth.signer(key, answering('a', 'b', 'c', 'right')), null);
  t.strictSame(said, ['wrong', 'right', 'a', 'b', 'c']);
  t.equal(asked.filter((question) => question === 'ssh.signer').length, 4);
});

t.test('what Hopline holds for the target', async (t) => {
  let refused = 0;
  const login = { user: 'service', password: new Secret('p'), source: 'file x', decision: {} as never };
  const certify: { account: string; key: string }[] = [];
  const none = () => ({ certificate: null, serial: '' });
  const { outside } = session(
    {
      'ssh.certify': (detail: { account: string; key: string }) => {
        certify.push(detail);
        return { certificate: base64(Buffer.from('certificate')), serial: '17' };
      },
    },
    {
      ask: async () => login,
      refused: () => {
        refused += 1;
      },
    },
  );
  const { account, held } = await outside.auth.held('alice');
  t.equal(account, 'service', 'the account is the one that it is for');
  t.match(held, [
    { type: 'password', name: 'file x' },
    { type: 'key', signer: { name: 'certificate 17', publicKey: Buffer.from('certificate') } },
  ]);
  t.match(certify, [{ account: 'service' }], 'certified is a key for that account');
  t.equal(keyType(Buffer.from(certify[0]?.key ?? '', 'base64')), 'ssh-ed25519');
  if (held[0]?.type === 'password') held[0].refused();
  t.equal(refused, 1);
  t.strictSame(await session({ 'ssh.certify': none }).outside.auth.held('alice'), {
    account: 'alice',
    held: [],
  });
});
