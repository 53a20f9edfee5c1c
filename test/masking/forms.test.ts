import { createHmac } from 'node:crypto';
import t from 'tap';
import { Secret } from '../../src/core/secret.ts';
import { maskBytes } from '../../src/masking/apply.ts';
import { type MaskForm, MaskFormError, maskFormProblem, parseMaskForm } from '../../src/masking/forms.ts';
import { MaskKey } from '../../src/masking/key.ts';
import { passesLuhn } from '../../src/masking/luhn.ts';
import { Random } from '../core/random.ts';
import { FORMS, KEY, KEY_TEXT, OTHER_KEY, randomText } from './support.ts';

const apply = (form: MaskForm, value: string): string | null =>
  maskBytes(form, Buffer.from(value))?.toString() ?? null;
const masked = (name: string, value: string): string | null => apply(parseMaskForm(name, KEY), value);

t.test('the names of a policy annotation', async (t) => {
  t.strictSame(parseMaskForm('full', null), { kind: 'full' });
  t.strictSame(parseMaskForm('null', null), { kind: 'null' });
  t.strictSame(parseMaskForm('email', null), { kind: 'email' });
  t.strictSame(parseMaskForm('last4', null), { kind: 'partial', first: 0, last: 4 });
  t.strictSame(parseMaskForm('first2', null), { kind: 'partial', first: 2, last: 0 });
  t.strictSame(parseMaskForm('first1last4', null), { kind: 'partial', first: 1, last: 4 });
  t.strictSame(parseMaskForm('first99last99', null), { kind: 'partial', first: 99, last: 99 });
  t.strictSame(parseMaskForm('hash', KEY), { kind: 'hash', key: KEY });
  t.strictSame(parseMaskForm('card', KEY), { kind: 'card', key: KEY });
  for (const name of ['hash', 'card']) {
    t.throws(
      () => parseMaskForm(name, null),
      { name: 'MaskFormError', code: 'key' },
      `${name} without a key`,
    );
    t.equal(maskFormProblem(name), null, 'it is a form all the same');
  }
});

t.test('other names are refused with those that there are', async (t) => {
  const wrong = [
    '',
    'FULL',
    'last',
    'last0',
    'last04',
    'last100',
    'first2last',
    'last4first2',
    'last-4',
    'last4 ',
  ];
  for (const name of [...wrong, 'first٤', 'constructor', 'x'.repeat(10_000), 'a\nb', 'full,null']) {
    t.throws(() => parseMaskForm(name, KEY), { code: 'form', message: /accepted are full, null, .*email$/ });
    t.ok((maskFormProblem(name) ?? '').length < 200, 'short');
  }
  t.throws(() => parseMaskForm('lasst4', KEY), new MaskFormError('form', maskFormProblem('lasst4') ?? ''));
});

t.test('what becomes of a value', async (t) => {
  const cases: [form: string, value: string, shown: string | null][] = [
    ['full', '', '***'],
    ['full', 'x'.repeat(1000), '***'],
    ['null', 'secret', null],
    ['last4', 'abcdefgh', '***efgh'],
    ['last4', 'abcdefg', '***'],
    ['last4', '', '***'],
    ['first2', 'abcd', 'ab***'],
    ['first2', 'abc', '***'],
    ['first1last4', 'abcdefghij', 'a***ghij'],
    ['first1last4', 'abcdefghi', '***'],
    ['last4', 'äöüßÄÖÜẞ', '***ÄÖÜẞ'],
    ['last4', 'äöüßÄÖÜ', '***'],
    ['first2', '🙂🙃🙂🙃', '🙂🙃***'],
    ['last2', '漢字漢字', '***漢字'],
    ['email', 'alice@example.com', 'a***@example.com'],
    ['email', 'ab@example.com', 'a***@example.com'],
    ['email', 'a@example.com', '***@example.com'],
    ['email', 'örjan@exämple.org', 'ö***@exämple.org'],
    ['email', '"john doe"@example.com', '***@example.com'],
    ['email', '"a@b"@example.com', '***@example.com'],
    ['email', 'alice@[192.168.2.1]', 'a***@[192.168.2.1]'],
    ['email', 'alice@[IPv6:2001:db8::1]', 'a***@[IPv6:2001:db8::1]'],
    ['email', 'Alice <alice@example.com>', '***'],
    ['email', 'alice@example.com, bob@example.com', '***'],
    ['email', 'alice@example.com bob', '***'],
    ['email', 'a@b@example.com', '***'],
    ['email', 'secret', '***'],
    ['email', '@example.com', '***'],
    ['email', 'alice@', '***'],
    ['email', '', '***'],
    ['card', '1234567', '***'],
    ['card', '12345678901234567890', '***'],
    ['card', '4111-1111-1111-111x', '***'],
    ['card', ' 4111111111111111', '***'],
    ['card', '٤١١١١١١١١١١١١١١١', '***'],
    ['card', '', '***'],
  ];
  for (const [form, value, shown] of cases)
    t.equal(masked(form, value), shown, `${form} ${value.slice(0, 40)}`);
});

t.test('bytes that are no UTF-8 are not kept', async (t) => {
  const latin1 = Buffer.from('äbcdefgh', 'latin1');
  t.equal(maskBytes(parseMaskForm('first1', KEY), latin1)?.toString(), '***');
  t.equal(maskBytes(parseMaskForm('last4', KEY), latin1)?.toString(), '***efgh');
  for (const bytes of [[0x80], [0xc3], [0xf0, 0x9f], [0xff, 0xff, 0xff, 0xff], Array(64).fill(0x80)]) {
    for (const [name, form] of FORMS) {
      const shown = maskBytes(form, Buffer.from(bytes));
      t.ok(shown === null || shown.equals(Buffer.from(shown.toString())), `${name} of ${bytes.length} bytes`);
    }
  }
});

t.test('hash: HMAC-SHA-256, the same for the same value and key', async (t) => {
  for (const value of ['', 'alice@example.com', 'ü', 'x'.repeat(5000)]) {
    const hmac = createHmac('sha256', KEY_TEXT).update(value).digest('hex');
    t.equal(masked('hash', value), hmac.slice(0, 16));
    t.equal(masked('hash', value), masked('hash', value));
    t.not(apply({ kind: 'hash', key: OTHER_KEY }, value), masked('hash', value));
  }
  t.not(masked('hash', 'a'), masked('hash', 'b'));
  t.same(new MaskKey(new Secret(KEY_TEXT)).hash(Buffer.from('a')), KEY.hash(Buffer.from('a')), 'of a Secret');
  t.throws(() => new MaskKey(Buffer.alloc(15)), RangeError);
  t.throws(() => new MaskKey(new Secret('short')), { message: /5 bytes, where 16/ });
});

t.test('test vectors of RFC 4231', async (t) => {
  const key = new MaskKey(Buffer.alloc(131, 0xaa));
  t.equal(
    key.hash(Buffer.from('Test Using Larger Than Block-Size Key - Hash Key First')),
    '60e431591ee0b67f',
    'RFC 4231, test case 6',
  );
  t.equal(
    new MaskKey(Buffer.alloc(20, 0x0b)).hash(Buffer.from('Hi There')),
    'b0344c61d8db3853',
    'test case 1',
  );
  t.equal(
    new MaskKey(Buffer.alloc(20, 0xaa)).hash(Buffer.alloc(50, 0xdd)),
    '773ea91e36800e46',
    'test case 3',
  );
});

t.test('card: same shape, other digits, never a valid number', async (t) => {
  const random = new Random(5);
  for (let round = 0; round < 3000; round++) {
    const length = 8 + random.below(12);
    let value = String(random.below(10));
    for (let n = 1; n < length; n++)
      value += (random.below(4) === 0 ? random.pick([' ', '-', '--']) : '') + random.below(10);
    const shown = masked('card', value) ?? '';
    if (shown.replace(/\d/g, '0') !== value.replace(/\d/g, '0')) t.fail(`${value} became ${shown}`);
    const [before, after] = [value, shown].map((text) => text.replace(/\D/g, '')) as [string, string];
    if (before.slice(-4) !== after.slice(-4)) t.fail(`${value}: the last four became ${shown}`);
    if (before.slice(0, -4) === after.slice(0, -4)) t.fail(`${value}: nothing is hidden`);
    if (passesLuhn(Uint8Array.from(after, Number))) t.fail(`${value} became ${shown}, which passes Luhn`);
  }
  t.equal(masked('card', '4111 1111 1111 1111')?.replaceAll(' ', ''), masked('card', '4111111111111111'));
  t.not(apply({ kind: 'card', key: OTHER_KEY }, '4111111111111111'), masked('card', '4111111111111111'));
});

/** Every character once, so that what is hidden cannot also be what is kept. */
function distinct(random: Random, length: number): string {
  const characters = Array.from({ length }, (_, n) => String.fromCodePoint(0x4e00 + n * 7 + random.below(7)));
  return characters.join('');
}

t.test('what is hidden is nowhere in what is shown', async (t) => {
  const random = new Random(7);
  for (let round = 0; round < 2000; round++) {
    const value = distinct(random, random.below(30));
    const first = random.below(6);
    const last = random.below(6);
    const shown = apply({ kind: 'partial', first, last }, value) ?? '';
    const characters = [...value];
    const fits = characters.length >= 2 * (first + last);
    const hidden = fits ? characters.slice(first, characters.length - last) : characters;
    if (hidden.some((character) => shown.includes(character))) t.fail(`${value} ${first} ${last}: ${shown}`);
    if ([...shown].length !== (fits ? first + last : 0) + 3) t.fail(`${value} ${first} ${last}: ${shown}`);
  }
  for (let round = 0; round < 2000; round++) {
    const local = distinct(random, 1 + random.below(20));
    const shown = masked('email', `${local}@example.org`) ?? '';
    const hidden = [...local].slice([...local].length > 1 ? 1 : 0);
    if (hidden.some((character) => shown.includes(character))) t.fail(`${local}: ${shown}`);
  }
});

t.test('the length of a value does not show, but where the form keeps it', async (t) => {
  for (const name of ['full', 'last4', 'first2', 'first1last4', 'hash']) {
    const lengths = [20, 21, 100, 10_000].map((length) => masked(name, 'a'.repeat(length))?.length);
    t.equal(new Set(lengths).size, 1, name);
  }
});

t.test('no text makes a form throw, or show more than half', async (t) => {
  const random = new Random(11);
  for (let round = 0; round < 20_000; round++) {
    const value = Buffer.from(random.below(3) === 0 ? random.bytes(random.below(40)) : randomText(random, 5));
    for (const [, form] of FORMS) maskBytes(form, value);
  }
  t.pass('20,000 values in each form');
});
