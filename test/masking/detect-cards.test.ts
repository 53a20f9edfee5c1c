import t from 'tap';
import isCreditCard from 'validator/lib/isCreditCard.js';
import { Random } from '../core/random.ts';
import { found, only } from './support.ts';

const cards = only('card');

/** Test numbers that the schemes and payment services publish. */
const PUBLISHED = [
  // Visa
  ...['4111111111111111', '4012888888881881', '4222222222222', '4242424242424242', '4000056655665556'],
  // Mastercard
  ...['5555555555554444', '5105105105105100', '5200828282828210', '2223003122003222', '2223000048400011'],
  // American Express
  ...['378282246310005', '371449635398431', '378734493671000'],
  // Diners Club
  ...['30569309025904', '38520000023237', '3056930009020004', '36227206271667'],
  // Discover, JCB
  ...['6011111111111117', '6011000990139424', '3530111333300000', '3566002020360505'],
  // UnionPay, of 16 and 19 digits
  ...['6200000000000005', '6200000000000047', '6205500000000000004'],
  // Maestro
  ...['6759649826438453', '6304000000000000', '5018000000000009'],
];

t.test('published test numbers, alone and within a text', async (t) => {
  for (const number of PUBLISHED) {
    const grouped = number.replace(/(\d{4})(?=\d)/g, '$1 ');
    for (const shown of [number, grouped, grouped.replaceAll(' ', '-'), grouped.replaceAll(' ', ' - ')]) {
      for (const around of ['', 'pay ', 'Nr.', '(', '"', 'card_', 'x=', '卡号', '1,', '7 ']) {
        const text = `${around}${shown}`;
        t.strictSame(found(cards, text), [`card:${shown}`], text);
        t.strictSame(found(cards, `${text}. Thanks`), [`card:${shown}`]);
      }
    }
  }
  t.strictSame(
    found(cards, '3782 822463 10005'),
    ['card:3782 822463 10005'],
    'as on an American Express card',
  );
  t.strictSame(found(cards, '3056 930902 5904'), ['card:3056 930902 5904'], 'as on a Diners card');
});

t.test('one wrong digit is no card', async (t) => {
  for (const number of PUBLISHED) {
    for (let at = 0; at < number.length; at++) {
      const digit = (Number(number[at]) + 1) % 10;
      t.strictSame(
        found(cards, `${number.slice(0, at)}${digit}${number.slice(at + 1)}`),
        [],
        `${number} at ${at}`,
      );
    }
  }
});

t.test('what other numbers there are', async (t) => {
  const none = [
    'order 2024-000123456',
    'ORD-4111-2222-3333',
    '1706702096123',
    '1706702096123456',
    '1706702096123456789',
    '1849302948572911617',
    '2024-01-31 12:34:56.123456',
    '20240131123456789',
    '550e8400-e29b-41d4-a716-446655440000',
    'a0ee4111-1111-1111-1111-bc999c0b4ef8',
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'd41d8cd98f00b204e9800998ecf8427e',
    'v1.2.3-4111',
    '10.0.0.1:5432',
    '192.168.100.200',
    '0.4532015112830366',
    '4111111111111111.5',
    'x4111111111111111',
    '4111111111111111x',
    '4111111111111111.0',
    '4006381333931',
    '978-3-16-148410-0',
    '490154203237518',
    '89014103211118510720',
    '0000000000000000',
    '1111111111111111',
    '41 11 11 11 11 11 11 11',
    '4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1',
    '4111 111111111111',
    '4111    1111    1111    1111',
    '4111\t1111\t1111\t1111',
    '4111.1111.1111.1111',
    '4111/1111/1111/1111',
    '41111111111111111111',
    '411111111111111111114111111111111111',
    '',
    '4',
  ];
  for (const text of none) t.strictSame(found(cards, text), [], text);
});

t.test('a card among other groups of digits', async (t) => {
  const cases: [string, string[]][] = [
    ['qty 2 4111 1111 1111 1111 5', ['card:4111 1111 1111 1111']],
    ['4111111111111111 5555555555554444', ['card:4111111111111111', 'card:5555555555554444']],
    ['4111 1111 1111 1111 5555 5555 5555 4444', ['card:4111 1111 1111 1111', 'card:5555 5555 5555 4444']],
    ['12345 12345 378282246310005', ['card:378282246310005']],
    ['0 0 0 0 0 0 0 0 4222222222222', ['card:4222222222222']],
    ['-4111111111111111', ['card:4111111111111111']],
    ['0,4111111111111111', ['card:4111111111111111']],
  ];
  for (const [text, hits] of cases) t.strictSame(found(cards, text), hits, text);
});

t.test('written with other characters', async (t) => {
  const cases = [
    '４１１１１１１１１１１１１１１１',
    '٤١١١١١١١١١١١١١١١',
    '۴۱۱۱۱۱۱۱۱۱۱۱۱۱۱۱',
    '४१११११११११११११११',
    '৪১১১১১১১১১১১১১১১',
    '𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏',
    '4111\u00a01111\u00a01111\u00a01111',
    '4111\u20111111\u20111111\u20111111',
    '4111\u20131111\u20131111\u20131111',
    '4\u200b111111111111111',
    '4111\u00ad1111\u00ad1111\u00ad1111',
    '4111\u2060111111111111',
    '4\ufe0f1\ufe0f1\ufe0f1111111111111',
    '\ufeff4111 1111 1111 1111'.slice(1),
  ];
  for (const text of cases) {
    t.strictSame(found(cards, text), [`card:${text}`], text);
    t.strictSame(found(cards, `é🙂 ${text}, 🙂`), [`card:${text}`], `within: ${text}`);
  }
  const not = ['௪௧௧௧௧௧௧௧௧௧௧௧௧௧௧௧', '4111O111l1111111', '④①①①①①①①①①①①①①①①', '4̶1̶1̶1̶1̶1̶1̶1̶1̶1̶1̶1̶1̶1̶1̶1̶'];
  for (const text of not) t.strictSame(found(cards, text), [], `not caught: ${text}`);
});

t.test('whatever validator takes for a card of a scheme', async (t) => {
  const random = new Random(9);
  const schemes: readonly (readonly [string, readonly string[]])[] = [
    ['visa', ['4']],
    ['mastercard', ['51', '52', '53', '54', '55', '2221', '2300', '2720']],
    ['amex', ['34', '37']],
    ['dinersclub', ['300', '305', '36', '38', '39']],
    ['discover', ['6011', '65']],
    ['jcb', ['3528', '3589', '2131', '1800']],
    ['unionpay', ['62', '67', '81']],
  ];
  const lost = new Set<string>();
  let compared = 0;
  for (let round = 0; round < 100_000; round++) {
    const [provider, prefixes] = random.pick(schemes);
    let number = random.pick(prefixes);
    // Thirteen digits may be an EAN; validator takes a Mastercard of any length.
    const length = provider === 'mastercard' ? 16 : 14 + random.below(6);
    while (number.length < length) number += random.below(10);
    if (!isCreditCard.default(number, { provider } as Parameters<typeof isCreditCard.default>[1])) continue;
    compared += 1;
    if (found(cards, number).length === 0) lost.add(`${provider} ${number}`);
  }
  t.strictSame([...lost].slice(0, 10), []);
  t.ok(compared > 1000, `${compared} numbers`);
});
