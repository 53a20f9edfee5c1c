/** The exchange by the RFC's own example, and every way in which a server can get it wrong. */
import { inspect } from 'node:util';
import t from 'tap';
import { Secret } from '../../../../src/core/secret.ts';
import { AuthenticationError } from '../../../../src/protocols/postgres/auth/errors.ts';
import { cleartextMessage, md5Message } from '../../../../src/protocols/postgres/auth/password.ts';
import { MAX_ITERATIONS, ScramClient } from '../../../../src/protocols/postgres/auth/scram.ts';
import { Random } from '../../../core/random.ts';

/** RFC 7677 section 3. */
const RFC = {
  user: 'user',
  password: new Secret('pencil'),
  nonce: 'rOprNGfwEbeRWgbNEkqO',
  first: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  final:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
};

function client(change: Partial<ConstructorParameters<typeof ScramClient>[0]> = {}): ScramClient {
  const { user, password, nonce } = RFC;
  return new ScramClient({ user, password, nonce, binding: { flag: 'n' }, ...change });
}

t.test('the example of RFC 7677', async (t) => {
  const scram = client();
  t.equal(scram.mechanism, 'SCRAM-SHA-256');
  t.equal(String(scram.first()), RFC.first);
  t.equal(String(await scram.final(Buffer.from(RFC.serverFirst))), RFC.final);
  t.doesNotThrow(() => scram.verify(Buffer.from(RFC.serverFinal)));
});

t.test('the gs2 header, and what the server is told of it again', async (t) => {
  const endPoint = Buffer.alloc(32, 0xab);
  const cases = [
    { binding: { flag: 'n' }, header: 'n,,', c: 'biws' },
    { binding: { flag: 'y' }, header: 'y,,', c: 'eSws' },
    {
      binding: { flag: 'p', endPoint },
      header: 'p=tls-server-end-point,,',
      c: Buffer.concat([Buffer.from('p=tls-server-end-point,,'), endPoint]).toString('base64'),
    },
  ] as const;
  for (const { binding, header, c } of cases) {
    const scram = client({ binding });
    t.equal(scram.mechanism, binding.flag === 'p' ? 'SCRAM-SHA-256-PLUS' : 'SCRAM-SHA-256');
    t.ok(String(scram.first()).startsWith(`${header}n=`));
    t.ok(String(await scram.final(Buffer.from(RFC.serverFirst))).startsWith(`c=${c},r=`));
  }
  const named = client({ user: 'a,b=c', binding: { flag: 'n' } });
  t.match(String(named.first()), 'n=a=2Cb=3Dc,r=');
});

t.test('a nonce of its own each time', async (t) => {
  const { password } = RFC;
  const nonces = Array.from({ length: 100 }, () =>
    String(new ScramClient({ password, binding: { flag: 'n' } }).first()),
  );
  t.equal(new Set(nonces).size, 100);
  for (const first of nonces) t.match(first, /^n,,n=,r=[A-Za-z0-9+/]{24}$/);
});

t.test('a server-first-message that is none', async (t) => {
  const good = RFC.serverFirst;
  const hostile: [string, RegExp][] = [
    ['', /that is none/],
    ['e=other-error', /that is none/],
    [good.replace('r=rOprN', 'r=rOprM'), /does not continue ours/],
    [`r=${RFC.nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`, /does not continue ours/],
    ['r=,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096', /that is none/],
    [good.replace('s=W22ZaJ0SNY7soEsUEjb6gQ==', 's='), /salt that is empty/],
    [good.replace('gQ==', 'gQ='), /that is none/],
    [good.replace('W22Z', 'W2*Z'), /that is none/],
    [good.replace('i=4096', 'i=0'), /that is none/],
    [good.replace('i=4096', 'i=-1'), /that is none/],
    [good.replace('i=4096', 'i=4096.5'), /that is none/],
    [good.replace('i=4096', 'i=0x10'), /that is none/],
    [good.replace('i=4096', `i=${MAX_ITERATIONS + 1}`), /1000001 SCRAM iterations, where 1000000/],
    [good.replace('i=4096', 'i=9999999999'), /iterations/],
    [good.replace('i=4096', `i=${'9'.repeat(400)}`), /that is none/],
    [`m=x,${good}`, /that is none/],
    [`${good},`, /that is none/],
    [`${good}\0`, /that is none/],
    [good.replace('%hv', '\x7fhv'), /that is none/],
    [good.replace('%hv', ',hv'), /that is none/],
    ['s=W22ZaJ0SNY7soEsUEjb6gQ==,r=x,i=4096', /that is none/],
    [`r=${'x'.repeat(100_000)}`, /that is none/],
  ];
  for (const [message, expected] of hostile) {
    const shown = JSON.stringify(message.slice(0, 60));
    const error = await client()
      .final(Buffer.from(message, 'latin1'))
      .catch((error: unknown) => error);
    t.ok(error instanceof AuthenticationError, shown);
    t.match(error, { code: 'server', message: expected }, shown);
  }
  await t.resolves(client().final(Buffer.from(`${good},x=optional`)), 'an extension that may be ignored');
});

t.test('a server that does not know the password', async (t) => {
  const hostile: [string, RegExp][] = [
    ['v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=', /did not prove/],
    ['v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95GA=', /did not prove/],
    ['v=', /did not prove/],
    ['v=AAAA', /did not prove/],
    [`v=${'A'.repeat(4000)}`, /did not prove/],
    ['v', /that is none/],
    ['', /that is none/],
    ['e=invalid-proof', /refused the SCRAM exchange: invalid-proof$/],
    ['e=\u001b[2J', /that is none/],
    [RFC.serverFinal.toUpperCase(), /that is none/],
  ];
  for (const [message, expected] of hostile) {
    const scram = client();
    await scram.final(Buffer.from(RFC.serverFirst));
    t.throws(
      () => scram.verify(Buffer.from(message)),
      { code: 'server', message: expected },
      message.slice(0, 60),
    );
  }
  t.throws(() => client().verify(Buffer.from(RFC.serverFinal)), { code: 'server' }, 'out of turn');
});

t.test('random server messages end in an answer', async (t) => {
  const random = new Random(5);
  let refused = 0;
  for (let n = 0; n < 3000; n += 1) {
    const bytes = Buffer.from(RFC.serverFirst.replace('4096', '1'));
    for (let change = random.below(3); change >= 0; change -= 1)
      bytes[random.below(bytes.length)] = random.below(256);
    await client()
      .final(bytes.subarray(0, random.below(3) === 0 ? random.below(bytes.length) : bytes.length))
      .catch((error: unknown) => {
        if (!(error instanceof AuthenticationError)) throw error;
        refused += 1;
      });
  }
  t.ok(refused > 1000, `${refused} refused`);
});

t.test('a million iterations leave the loop free', async (t) => {
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
  }, 5);
  await client().final(Buffer.from(RFC.serverFirst.replace('4096', String(MAX_ITERATIONS))));
  clearInterval(timer);
  t.ok(ticks >= 5, `${ticks} ticks meanwhile`);
});

t.test('the password is nowhere to be seen', async (t) => {
  const scram = client();
  await scram.final(Buffer.from(RFC.serverFirst));
  t.notMatch(inspect(scram, { depth: 9, showHidden: true }), /pencil/);
  t.notMatch(JSON.stringify(scram), /pencil/);
});

t.test('PasswordMessage', async (t) => {
  const password = (text: string) => new Secret(text);
  t.equal(cleartextMessage(password('geheim')).toString('latin1'), 'p\0\0\0\x0bgeheim\0');
  t.equal(cleartextMessage(password('')).toString('latin1'), 'p\0\0\0\x05\0');
  t.equal(cleartextMessage(password('é')).toString('hex'), '7000000007c3a900');
  // echo -n "md5$(echo -en "$(echo -n 'pass'user | md5sum | cut -c-32)\x01\x02\x03\x04" | md5sum | cut -c-32)"
  const md5 = md5Message(password('pass'), 'user', Buffer.from([1, 2, 3, 4]));
  t.match(md5.toString('latin1'), /^p\0\0\0\x28md5[0-9a-f]{32}\0$/);
  const inner = '1a1dc91c907325c69271ddf0c944bc72';
  t.notMatch(md5.toString('latin1'), inner);
  try {
    cleartextMessage(password('geh\0eim'));
    t.fail('sent');
  } catch (error) {
    t.match(error, { name: 'AuthenticationError', code: 'secret' });
    t.notMatch(String(error), /geh|eim/);
  }
});
