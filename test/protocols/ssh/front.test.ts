/** What a client is told that asks whether a signature with its key would do. */
import t from 'tap';
import { WireWriter } from '../../../src/core/ssh-wire.ts';
import { Front } from '../../../src/protocols/ssh/authentication/front.ts';
import { Message } from '../../../src/protocols/ssh/numbers.ts';
import { request, service } from './raw.ts';

const KEY = Buffer.from('key');
const query = (signature: Buffer | null): Buffer => {
  const fields = new WireWriter()
    .boolean(signature !== null)
    .string('ssh-ed25519')
    .string(KEY);
  return Buffer.concat([
    request('publickey'),
    (signature === null ? fields : fields.string(signature)).bytes(),
  ]);
};

async function asked(ident: string, payload: Buffer) {
  const sent: Buffer[] = [];
  const front = new Front(
    (message) => sent.push(message),
    () => ident,
  );
  front.take(service('ssh-userauth'));
  front.take(payload);
  const method = await front.asked();
  if (method.method !== 'publickey') throw new Error(method.method);
  return { front, sent, method };
}

t.test('PK_OK, by everybody but OpenSSH', async (t) => {
  const { front, sent, method } = await asked('SSH-2.0-Go', query(null));
  t.ok(front.awaitsKeyOk(method));
  front.keyOk(method);
  const told = new WireWriter().byte(Message.USERAUTH_PK_OK).string('ssh-ed25519').string(KEY).bytes();
  t.same(sent.at(-1), told);
  t.notOk(front.awaitsKeyOk(method), 'it has its answer');
  for (const ident of ['SSH-2.0-PuTTY_Release_0.78', 'SSH-2.0-NotOpenSSH_9', '']) {
    const other = await asked(ident, query(null));
    t.ok(other.front.awaitsKeyOk(other.method), ident);
    t.notOk(other.front.awaitsKeyOk(method), 'of another request');
  }
});

t.test('not to a signature, and not to OpenSSH, which takes SUCCESS', async (t) => {
  const signed = await asked('SSH-2.0-Go', query(Buffer.from('signature')));
  t.notOk(signed.front.awaitsKeyOk(signed.method));
  const openssh = await asked('SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3', query(null));
  t.notOk(openssh.front.awaitsKeyOk(openssh.method));
});
