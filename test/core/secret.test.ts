import { format, inspect } from 'node:util';
import { serialize } from 'node:v8';
import t from 'tap';
import { Secret } from '../../src/core/secret.ts';

const TEXT = 'pä55 "word"\n\u0000🙂';

t.test('the text comes out of reveal alone', async (t) => {
  const secret = new Secret(TEXT);
  t.equal(secret.reveal(), TEXT);
  t.equal(secret.reveal(), TEXT, 'again');
  const holder = { name: 'db', secret, list: [secret], map: new Map([['a', secret]]) };
  const shown: readonly [string, string][] = [
    ['a template', `${secret}`],
    ['String()', String(secret)],
    ['concatenation', `x${''}`.concat(secret as unknown as string)],
    ['JSON', JSON.stringify(holder)],
    ['inspect', inspect(holder, { depth: 9, showHidden: true })],
    [
      'inspect without custom functions',
      inspect(holder, { depth: 9, customInspect: false, showHidden: true }),
    ],
    ['%s %o %O %j', format('%s %o %O %j', secret, secret, secret, secret)],
    ['its keys', Reflect.ownKeys(secret).map(String).join()],
    ['an error', inspect(new Error(`no: ${secret}`, { cause: secret }))],
    ['entries', JSON.stringify(Object.entries({ ...secret }))],
    ['a clone', inspect(structuredClone(secret))],
    ['a message to another process', serialize(secret).toString('latin1')],
  ];
  for (const [how, text] of shown) {
    t.notMatch(text, /pä55|word|p\\u00e4/u, how);
    t.notOk(text.includes('word'), how);
  }
  t.equal(`${secret}`, '[secret]');
  t.equal(JSON.stringify({ secret }), '{"secret":"[secret]"}');
  t.equal(inspect(secret), '[secret]');
});

t.test('cleared is gone, and says so without saying what it was', async (t) => {
  const secret = new Secret(TEXT);
  t.notOk(secret.cleared);
  secret.clear();
  secret.clear();
  t.ok(secret.cleared);
  t.throws(() => secret.reveal(), { message: 'the secret has been cleared' });
  t.equal(inspect(secret), '[secret]');
  t.equal(new Secret('').reveal(), '', 'an empty one is a secret too');
});
