import t from 'tap';
import { Detectors, SCAN_LIMIT } from '../../src/masking/detectors/detectors.ts';
import { FULL, NULL, parseMaskForm } from '../../src/masking/forms.ts';
import { numberText } from '../../src/masking/number-text.ts';
import { type Scan, scanBinary, scanText } from '../../src/masking/scan.ts';
import { classOf, type TypeClass } from '../../src/masking/types.ts';
import { Random } from '../core/random.ts';
import { ALL, FORMS, KEY, randomText } from './support.ts';

const SCAN: Scan = { detectors: ALL, form: FULL };
const LAST4: Scan = { detectors: ALL, form: parseMaskForm('last4', KEY) };
const NULLED: Scan = { detectors: ALL, form: NULL };
const CARD = '4111111111111111';
const text = (value: string, type: TypeClass, scan = SCAN, limit?: number): string | null =>
  scanText(scan, Buffer.from(value), type, limit)?.toString() ?? null;
const binary = (value: Buffer | string, oid: number, scan = SCAN): Buffer | null =>
  scanBinary(scan, Buffer.from(value), oid);

t.test('what is found in a value, by its type', async (t) => {
  const cases: [TypeClass, string, string | null][] = [
    ['text', `pay ${CARD} now`, 'pay *** now'],
    ['text', 'nothing', 'nothing'],
    ['bpchar', `${CARD}    `, '***    '],
    ['name', 'alice@example.com', '***'],
    ['char', '@', '@'],
    ['xml', '<a>alice@example.com</a>', '***'],
    ['xml', '<a/>', '<a/>'],
    ['uuid', '41111111-1111-1111-1111-111111111111', '41111111-1111-1111-1111-111111111111'],
    ['number', CARD, null],
    ['number', '12345', '12345'],
    ['number', `${CARD}.00`, `${CARD}.00`],
    ['other', `(1,${CARD})`, null],
    ['other', '2024-01-31 12:34:56.123456+00', '2024-01-31 12:34:56.123456+00'],
    ['other', `"mail"=>"alice@example.com"`, null],
    ['text[]', `{a,"call +49 30 901820",NULL,${CARD}}`, '{a,"call ***",NULL,***}'],
    ['text[]', '{a,"b c",NULL}', '{a,"b c",NULL}'],
    ['text[]', `{a,${CARD}`, null],
    ['number[]', `{1,${CARD}}`, null],
    ['number[]', '{1,2}', '{1,2}'],
  ];
  for (const [type, value, shown] of cases) t.equal(text(value, type), shown, `${type} ${value}`);
  t.equal(text(`pay ${CARD}`, 'text', LAST4), 'pay ***1111');
  t.equal(text(`pay ${CARD}`, 'text', NULLED), null);
  t.equal(text(`{a,${CARD}}`, 'text[]', NULLED), null);
  t.equal(text('nothing', 'text', NULLED), 'nothing');
  t.equal(text('a@b.c', 'bpchar', SCAN, 5), '***  ');
  t.equal(text('mail a@b.c', 'text', { detectors: ALL, form: parseMaskForm('hash', KEY) }, 10)?.length, 10);
});

t.test('a value in which nothing is found is the same Buffer', async (t) => {
  const types: TypeClass[] = ['text', 'bpchar', 'name', 'json', 'jsonb', 'xml', 'uuid', 'number', 'other'];
  for (const type of types) {
    for (const value of ['{"a": "4111"}', '{}', '12345678901234', 'Müller 5', '\\u0041']) {
      const bytes = Buffer.from(value);
      t.equal(scanText(SCAN, bytes, type), bytes, `${type} ${value}`);
    }
  }
  const array = Buffer.from('{12345678901234,"a b",NULL}');
  t.equal(scanText(SCAN, array, 'text[]'), array);
  t.equal(text('12345678901234', 'text[]'), null, 'what is no array, and could hold something');
});

t.test('JSON stays JSON', async (t) => {
  const cases: [string, string | null][] = [
    [`{"pan": "${CARD}", "n": 1}`, '{"pan": "***", "n": 1}'],
    [`{"pan": ${CARD}}`, '{"pan": "***"}'],
    [`[1, "mail alice@example.com\\n", -${CARD}, true, null]`, '[1, "mail ***\\n", "***", true, null]'],
    [`{"alice@example.com": 1}`, '{"***": 1}'],
    [`"${CARD}"`, '"***"'],
    [CARD, '"***"'],
    ['{"mail":"alice\\u0040example.com"}', '{"mail":"***"}'],
    ['{"tel":"\\u002B4930901820"}', '{"tel":"***"}'],
    ['"\\u0034111111111111111"', '"***"'],
    ['{"bsn": "111222333"}', '{"bsn": "***"}'],
    ['{"bsn": 111222333, "x": 1}', '{"bsn": "***", "x": 1}'],
    ['{"a": "\\"alice@example.com\\""}', '{"a": "\\"***\\""}'],
    ['{"a": "x", "n": 1.5e10}', '{"a": "x", "n": 1.5e10}'],
    [`{"a": "${CARD}`, null],
    [`{"a": "\\x", "b": "${CARD}"}`, null],
  ];
  for (const type of ['json', 'jsonb'] as const) {
    for (const [value, shown] of cases) {
      const masked = text(value, type);
      t.equal(masked, shown, value);
      if (masked !== null) t.doesNotThrow(() => JSON.parse(masked));
    }
  }
  t.equal(text(`{"pan": "${CARD}"}`, 'json', LAST4), '{"pan": "***1111"}');
  t.equal(text(`{"pan": "${CARD}"}`, 'json', NULLED), null);
  t.equal(text(`{"{\\"a\\": \\"${CARD}\\"}"}`, 'json[]'), '{"{\\"a\\": \\"***\\"}"}');
  t.equal(binary(`\u0001{"pan": "${CARD}"}`, 3802)?.toString(), '\u0001{"pan": "***"}');
  t.equal(binary(`\u0002{"pan": "${CARD}"}`, 3802), null, 'a jsonb of another version');
  t.equal(binary('\u0001{"pan": "x"}', 3802)?.toString(), '\u0001{"pan": "x"}');
});

t.test('values that are too long are masked whole, or left', async (t) => {
  const long = 'x '.repeat(SCAN_LIMIT / 2);
  t.equal(text(`${long}a@b.c`, 'text'), '***');
  t.equal(text(`${long}a@b.c`, 'text', LAST4), '***', 'whatever the form');
  t.equal(text(`${long}a@b.c`, 'text', NULLED), null);
  t.equal(text(`"${long}a@b.c"`, 'json'), '"***"');
  t.equal(text(`{"${long}a@b.c",b}`, 'text[]'), '{***,***}');
  t.equal(text(`${long}a@b.c`, 'other'), null);
  t.equal(text(long, 'text'), long);
});

t.test('bytes that are not UTF-8 keep what is not found', async (t) => {
  const latin1 = Buffer.from(`Müller, ${CARD}, Köln`, 'latin1');
  t.equal(scanText(SCAN, latin1, 'text')?.toString('latin1'), 'Müller, ***, Köln');
  const plain = Buffer.from('Müller, Köln', 'latin1');
  t.equal(scanText(SCAN, plain, 'text'), plain);
});

t.test('numbers in binary', async (t) => {
  const int8 = (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(value);
    return bytes;
  };
  t.equal(binary(int8(BigInt(CARD)), 20), null);
  t.equal(binary(int8(-BigInt(CARD)), 20), null);
  t.same(binary(int8(1_706_702_096_123n), 20), int8(1_706_702_096_123n));
  t.same(binary(int8(-5n), 20), int8(-5n));
  t.equal(binary(Buffer.alloc(7, 1), 20), null, 'seven bytes are no bigint');
  const double = Buffer.alloc(8);
  double.writeDoubleBE(Number(CARD));
  t.equal(binary(double, 701), null);
  t.same(binary(Buffer.alloc(4), 700), Buffer.alloc(4));
  const array = Buffer.concat([
    Buffer.from('0000000100000000000000140000000100000001', 'hex'),
    Buffer.from('00000008', 'hex'),
    int8(BigInt(CARD)),
  ]);
  t.equal(binary(array, 1016), null);
  const pattern = { name: 'staff', pattern: '^1\\d{3}$', form: FULL };
  const own: Scan = { detectors: new Detectors({ enabled: [], patterns: [pattern] }), form: FULL };
  t.equal(binary(Buffer.from([0, 0, 4, 1]), 23, own), null, 'a pattern may match any number');
  t.same(binary(Buffer.from([0, 0, 4, 1]), 23), Buffer.from([0, 0, 4, 1]));
});

t.test('numeric, as numeric_send writes it', async (t) => {
  const numeric = (groups: number[], weight: number, scale = 0, sign = 0) => {
    const bytes = Buffer.alloc(8 + 2 * groups.length);
    bytes.writeUInt16BE(groups.length, 0);
    bytes.writeInt16BE(weight, 2);
    bytes.writeUInt16BE(sign, 4);
    bytes.writeUInt16BE(scale, 6);
    groups.forEach((group, n) => {
      bytes.writeUInt16BE(group, 8 + 2 * n);
    });
    return bytes;
  };
  const cases: [Buffer, string | null][] = [
    [numeric([], 0), '0'],
    [numeric([4111, 1111, 1111, 1111], 3), CARD],
    [numeric([4111, 1111, 1111, 1111], 3, 0, 0x4000), `-${CARD}`],
    [numeric([1], 2), '100000000'],
    [numeric([12, 3400], 0, 2), '12.34'],
    [numeric([12], 0, 3), '12.000'],
    [numeric([5], -1, 4), '0.0005'],
    [numeric([5], -2, 8), '0.00000005'],
    [numeric([], 0, 0, 0xc000), 'NaN'],
    [numeric([1], 251), null],
    [numeric([1], -251), null],
    [numeric([1], 0, 0, 0x1234), null],
    [numeric([1], 0).subarray(0, 9), null],
    [Buffer.alloc(3), null],
  ];
  for (const [bytes, shown] of cases) t.equal(numberText(bytes, 1700), shown, bytes.toString('hex'));
  t.equal(binary(numeric([4111, 1111, 1111, 1111], 3), 1700), null);
  t.equal(binary(numeric([1], 251), 1700), null, 'what is not understood');
});

t.test('a composite’s text in binary', async (t) => {
  const row = Buffer.concat([Buffer.from('000000010000001900000010', 'hex'), Buffer.from(CARD)]);
  t.equal(binary(row, 2249), null);
  const clean = Buffer.concat([Buffer.from('000000010000001900000004', 'hex'), Buffer.from('abcd')]);
  t.same(binary(clean, 2249), clean);
});

t.test('random values of every class never make it throw, and JSON stays JSON', async (t) => {
  const random = new Random(41);
  const oids = [
    18, 19, 20, 25, 114, 142, 705, 701, 1042, 1700, 2950, 3802, 1009, 1014, 199, 3807, 1016, 0, 2249,
  ];
  for (let round = 0; round < 8000; round++) {
    const oid = random.pick(oids);
    const raw = random.below(4) === 0;
    const body = raw ? Buffer.from(random.bytes(random.below(60))) : Buffer.from(randomText(random, 5));
    const [, form] = random.pick(FORMS);
    const scan = { detectors: ALL, form };
    scanBinary(scan, body, oid, random.below(12) - 1);
    scanText(scan, body, classOf(oid), random.below(12) - 1);
    const json = JSON.stringify([
      randomText(random, 4),
      { [randomText(random, 3)]: random.below(1e9) * 1e7 },
    ]);
    const masked = scanText(scan, Buffer.from(json), 'json');
    if (masked !== null) JSON.parse(masked.toString());
  }
  t.pass('8,000 values');
});
