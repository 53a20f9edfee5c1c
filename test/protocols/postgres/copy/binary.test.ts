import t from 'tap';
import { NULL, parseMaskForm } from '../../../../src/masking/forms.ts';
import { loadParser } from '../../../../src/protocols/postgres/sql/index.ts';
import { ALL, KEY } from '../../../masking/support.ts';
import { cuts, formatOf, MASKED, masker, OPEN, run, withForm, withScan } from './support.ts';

await loadParser();
const NULLED = withForm(NULL);
const SCANNED = withScan({ detectors: ALL, form: NULL });

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const int16 = (value: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const header = (flags = 0, extension = '') =>
  Buffer.concat([SIGNATURE, int32(flags), int32(extension.length), Buffer.from(extension)]);
const field = (value: string | Buffer | null) => {
  if (value === null) return int32(-1);
  const bytes = Buffer.from(value as string);
  return Buffer.concat([int32(bytes.length), bytes]);
};
const tuple = (...values: (string | Buffer | null)[]) =>
  Buffer.concat([int16(values.length), ...values.map(field)]);
const TRAILER = int16(-1);

const CARD = Buffer.alloc(8);
CARD.writeBigInt64BE(4111111111111111n);

/** Columns, what the server sends, what goes on; null is an error. */
const CASES: readonly (readonly [string, readonly (typeof OPEN)[], Buffer[], Buffer[] | null])[] = [
  [
    'tuples',
    [OPEN, MASKED, NULLED],
    [header(), tuple('a', 'b', 'c'), tuple('', '', ''), tuple(null, null, null), TRAILER],
    [header(), tuple('a', '***', null), tuple('', '***', null), tuple(null, null, null), TRAILER],
  ],
  ['nothing', [MASKED], [header(), TRAILER], [header(), TRAILER]],
  ['no columns', [], [header(), tuple(), tuple(), TRAILER], [header(), tuple(), tuple(), TRAILER]],
  [
    'a header extension, and flags that mean nothing',
    [MASKED],
    [header(0xffff, 'extension'), tuple('a'), TRAILER],
    [header(0xffff, 'extension'), tuple('***'), TRAILER],
  ],
  [
    'other types',
    [
      { ...MASKED, typeOid: 23 },
      { ...MASKED, typeOid: 3802 },
      { ...MASKED, typeOid: 1009 },
    ],
    [header(), tuple(int32(1), '\u0001{}', Buffer.concat([int32(0), int32(0), int32(25)])), TRAILER],
    [header(), tuple(null, '\u0001"***"', Buffer.concat([int32(0), int32(0), int32(25)])), TRAILER],
  ],
  [
    'detectors',
    [SCANNED, { ...SCANNED, typeOid: 20 }, { ...SCANNED, typeOid: 23 }],
    [
      header(),
      tuple('x', Buffer.from('00000000000000ff', 'hex'), int32(1)),
      tuple('a@b.de', CARD, int32(1)),
      TRAILER,
    ],
    [
      header(),
      tuple('x', Buffer.from('00000000000000ff', 'hex'), int32(1)),
      tuple(null, null, int32(1)),
      TRAILER,
    ],
  ],

  ['another signature', [MASKED], [Buffer.from('PGCOPX'), TRAILER], null],
  ['object ids', [MASKED], [header(0x10000), tuple('a'), TRAILER], null],
  ['unknown flags', [MASKED], [header(-0x80000000), tuple('a'), TRAILER], null],
  ['an extension of no length', [MASKED], [SIGNATURE, int32(0), int32(-1), TRAILER], null],
  ['no trailer', [MASKED], [header(), tuple('a')], null],
  ['nothing at all', [MASKED], [], null],
  ['half a header', [MASKED], [header().subarray(0, 15)], null],
  ['half a tuple', [MASKED], [header(), tuple('abc').subarray(0, 7)], null],
  ['something after the trailer', [MASKED], [header(), TRAILER, TRAILER], null],
  ['fewer fields', [MASKED, OPEN], [header(), tuple('a'), TRAILER], null],
  ['more fields', [MASKED], [header(), tuple('a', 'b'), TRAILER], null],
  ['a length below NULL', [MASKED], [header(), int16(1), int32(-2), TRAILER], null],
  ['a length of more than there is', [OPEN], [header(), int16(1), int32(0x7fffffff), TRAILER], null],
];

t.test('whole, byte by byte and cut in two anywhere', async (t) => {
  for (const [what, columns, input, expected] of CASES) {
    for (const pieces of cuts(Buffer.concat(input))) {
      const made = masker(formatOf('binary'), columns);
      if (expected === null)
        t.throws(() => run(made, pieces), { name: 'DecodeError', type: 'CopyData' }, what);
      else t.equal(run(made, pieces).toString('hex'), Buffer.concat(expected).toString('hex'), what);
    }
  }
});

t.test('a row that is too long', async (t) => {
  const made = masker(formatOf('binary'), [MASKED], 1000);
  made.push(header());
  t.throws(() => made.push(tuple('x'.repeat(1000))), { code: 'too_long' });
  const claimed = masker(formatOf('binary'), [OPEN], 1000);
  claimed.push(header());
  claimed.push(Buffer.concat([int16(1), int32(0x7fffffff)]));
  t.throws(
    () => {
      for (let n = 0; n < 1001; n++) t.equal(claimed.push(Buffer.from('x')).length, 0);
    },
    { code: 'too_long' },
  );
});

t.test('text of another encoding', async (t) => {
  const hash = withForm(parseMaskForm('hash', KEY));
  const shown = (encoding: string, value: Buffer, column = hash) => {
    const copy = formatOf('binary', encoding);
    const got = run(masker(copy, [column]), [header(), tuple(value), TRAILER]);
    return got.subarray(header().length + 6, -2).toString('latin1');
  };
  const utf8 = shown('UTF8', Buffer.from('表'));
  t.match(utf8, /^[0-9a-f]{16}$/);
  t.equal(shown('SJIS', Buffer.from([0x95, 0x5c])), utf8);
  t.equal(shown('BIG5', Buffer.from([0xaa, 0xed])), '***');
  const email = withForm(parseMaskForm('email', KEY));
  t.equal(shown('GBK', Buffer.from([0x81, 0x40, 0x61]), email), '***', 'an @ that is none');
  t.equal(shown('GBK', Buffer.from('alice@example.com'), email), 'a***@example.com');
  const [encoding, arrays] = ['LATIN1', { ...hash, typeOid: 1009 }];
  const array = Buffer.concat([...[1, 0, 25, 1, 1].map(int32), field(Buffer.from([0xe9]))]);
  t.equal(
    shown(encoding, array, arrays),
    Buffer.concat([...[1, 0, 25, 1, 1].map(int32), field('***')]).toString('latin1'),
    'of an array nothing but that there is one',
  );
});
