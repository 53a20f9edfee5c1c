/** What is relayed and what is refused, message by message and without sockets. */
import t from 'tap';
import { AuthenticationRelay, type RelayOptions } from '../../../../src/protocols/postgres/auth/relay.ts';
import { encode } from '../../../../src/protocols/postgres/encode.ts';
import { authentication } from '../../../../src/protocols/postgres/encode-backend.ts';
import {
  gssResponse,
  passwordMessage,
  saslInitialResponse,
  saslResponse,
} from '../../../../src/protocols/postgres/encode-frontend.ts';
import type { Authentication } from '../../../../src/protocols/postgres/messages.ts';
import { Random } from '../../../core/random.ts';

const OPTIONS: RelayOptions = {
  client: { tls: true },
  server: { tls: { certificateDer: Buffer.alloc(0) }, local: false },
  user: 'u',
  whenBound: 'refuse',
};
const PLAIN: RelayOptions = { ...OPTIONS, server: { tls: null, local: false } };
const from = (message: Authentication) => encode(authentication, message);

t.test('what is offered to the client', async (t) => {
  const cases: [offered: string[], options: RelayOptions, passed: string[] | string][] = [
    [['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'], OPTIONS, ['SCRAM-SHA-256']],
    [['SCRAM-SHA-256'], PLAIN, ['SCRAM-SHA-256']],
    [['SCRAM-SHA-256', 'OAUTHBEARER'], OPTIONS, ['SCRAM-SHA-256', 'OAUTHBEARER']],
    [['OAUTHBEARER'], { ...PLAIN, server: { tls: null, local: true } }, ['OAUTHBEARER']],
    [['SCRAM-SHA-256', 'OAUTHBEARER'], PLAIN, ['SCRAM-SHA-256']],
    [['OAUTHBEARER'], PLAIN, 'method'],
    [['SCRAM-SHA-256-PLUS'], OPTIONS, 'method'],
    [['SCRAM-SHA-512-PLUS', 'PLAIN'], OPTIONS, 'method'],
    [[], OPTIONS, 'method'],
  ];
  for (const [offered, options, passed] of cases) {
    const relayed = new AuthenticationRelay(options).fromServer(
      from({ name: 'AuthenticationSASL', mechanisms: offered }),
    );
    const shown = offered.join(' ');
    if (typeof passed === 'string')
      await t.rejects(relayed, { name: 'AuthenticationError', code: passed }, shown);
    else
      t.same(
        await relayed,
        { toClient: from({ name: 'AuthenticationSASL', mechanisms: passed }), toServer: null, ok: false },
        shown,
      );
  }
});

t.test('GSSAPI and SSPI tokens go as they are', async (t) => {
  for (const name of ['AuthenticationGSS', 'AuthenticationSSPI'] as const) {
    const relay = new AuthenticationRelay(OPTIONS);
    const asked = from({ name });
    t.same((await relay.fromServer(asked)).toClient, asked);
    const token = encode(gssResponse, Buffer.from('token'));
    t.same((await relay.fromClient(token)).toServer, token);
    const more = from({ name: 'AuthenticationGSSContinue', data: Buffer.from('more') });
    t.same((await relay.fromServer(more)).toClient, more);
    t.same((await relay.fromClient(token)).toServer, token);
    const ok = from({ name: 'AuthenticationOk' });
    t.same(await relay.fromServer(ok), { toClient: ok, toServer: null, ok: true });
    t.equal(relay.method, name.slice('Authentication'.length).toLowerCase());
  }
  await t.rejects(new AuthenticationRelay(OPTIONS).fromServer(from({ name: 'AuthenticationKerberosV5' })), {
    code: 'method',
  });
});

t.test('clients that break the exchange', async (t) => {
  const both: Authentication = {
    name: 'AuthenticationSASL',
    mechanisms: ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'],
  };
  const started = async (whenBound: RelayOptions['whenBound'] = 'refuse', message: Authentication = both) => {
    const relay = new AuthenticationRelay({ ...OPTIONS, whenBound });
    await relay.fromServer(from(message));
    return relay;
  };
  const first = (mechanism: string, text: string | null) =>
    encode(saslInitialResponse, mechanism, text === null ? null : Buffer.from(text));
  const relay = await started();
  await t.rejects(relay.fromClient(first('SCRAM-SHA-256-PLUS', 'p=tls-server-end-point,,n=,r=x')), {
    code: 'client',
  });
  await t.rejects((await started()).fromClient(first('PLAIN', 'x')), { code: 'client' });
  await t.rejects((await started('ask')).fromClient(first('SCRAM-SHA-256', 'p=tls-unique,,n=,r=x')), {
    code: 'bound',
  });
  await t.rejects((await started()).fromClient(first('SCRAM-SHA-256', 'y,,n=,r=x')), { code: 'bound' });
  t.match(await (await started()).fromClient(first('SCRAM-SHA-256', 'n,,n=,r=x')), { toClient: null });
  t.match(
    await (await started()).fromClient(first('SCRAM-SHA-256', null)),
    { toClient: null },
    'the server’s to refuse',
  );
  const twice = await started();
  await twice.fromClient(first('SCRAM-SHA-256', 'n,,n=,r=x'));
  await t.rejects(twice.fromClient(encode(saslResponse, Buffer.from('x'))), { code: 'malformed' });
  await t.rejects(new AuthenticationRelay(OPTIONS).fromClient(encode(passwordMessage, Buffer.from('x'))), {
    code: 'malformed',
  });
  const asked = await started('ask');
  const question = await asked.fromClient(first('SCRAM-SHA-256', 'y,,n=,r=x'));
  t.same(question.toClient, from({ name: 'AuthenticationCleartextPassword' }));
  await t.rejects(
    asked.fromServer(from({ name: 'AuthenticationOk' })),
    { code: 'server' },
    'nothing was answered',
  );
  const bytes = await started('ask');
  await bytes.fromClient(first('SCRAM-SHA-256', 'y,,n=,r=x'));
  await t.rejects(bytes.fromClient(encode(passwordMessage, Buffer.from([0xff, 0xfe]))), { code: 'client' });
});

t.test('random messages from either side end in an answer', async (t) => {
  const random = new Random(9);
  const server: Authentication[] = [
    { name: 'AuthenticationOk' },
    { name: 'AuthenticationCleartextPassword' },
    { name: 'AuthenticationMD5Password', salt: Buffer.alloc(4) },
    { name: 'AuthenticationGSS' },
    { name: 'AuthenticationGSSContinue', data: Buffer.from('x') },
    { name: 'AuthenticationSASL', mechanisms: ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'] },
    { name: 'AuthenticationSASLContinue', data: Buffer.from('r=x,s=AAAA,i=1') },
    { name: 'AuthenticationSASLFinal', data: Buffer.from('v=AAAA') },
  ];
  const client = [
    encode(passwordMessage, Buffer.from('geheim')),
    encode(saslInitialResponse, 'SCRAM-SHA-256', Buffer.from('y,,n=,r=x')),
    encode(saslInitialResponse, 'SCRAM-SHA-256', Buffer.from('n,,n=,r=x')),
    encode(saslResponse, Buffer.from('c=biws,r=x,p=x')),
  ];
  const ends: Record<string, number> = {};
  for (let n = 0; n < 4000; n += 1) {
    const relay = new AuthenticationRelay({ ...OPTIONS, whenBound: random.pick(['ask', 'refuse']) });
    for (let step = 0; step < 8; step += 1) {
      const fromServer = random.below(2) === 0;
      const message = Buffer.from(fromServer ? from(random.pick(server)) : random.pick(client));
      if (random.below(4) === 0) message[random.below(message.length)] = random.below(256);
      try {
        await (fromServer ? relay.fromServer(message) : relay.fromClient(message));
      } catch (error) {
        const { name, message: words } = error as Error;
        ends[name] = (ends[name] ?? 0) + 1;
        if (words.includes('geheim')) t.fail(words);
        break;
      }
    }
  }
  t.same(Object.keys(ends).sort(), ['AuthenticationError', 'DecodeError'], JSON.stringify(ends));
});
