import t from 'tap';
import { NULL, parseMaskForm } from '../../../../src/masking/forms.ts';
import { loadParser } from '../../../../src/protocols/postgres/sql/index.ts';
import { ALL, KEY, OTHER_KEY } from '../../../masking/support.ts';
import { cuts, formatOf, MASKED, masker, OPEN, run, withForm, withScan } from './support.ts';

await loadParser();
const LAST = withForm(parseMaskForm('last1', KEY));
const NULLED = withForm(NULL);
const SCANNED = withScan({ detectors: ALL, form: MASKED.mask ?? NULL });

/** Options, columns, what the server sends, what goes on; null is an error. */
const CASES: readonly (readonly [string, readonly (typeof OPEN)[], string, string | null])[] = [
  ['', [OPEN, MASKED, OPEN], 'a\tb\tc\nd\te\tf\n', 'a\t***\tc\nd\t***\tf\n'],
  ['', [MASKED], 'a\nb\n', '***\n***\n'],
  ['', [OPEN], 'a\nb\n', 'a\nb\n'],
  ['', [MASKED], '', ''],
  ['', [], '\n\n', '\n\n'],
  ['', [MASKED], '\n', '***\n'],
  ['', [MASKED, OPEN], '\\N\t\\N\n\\\\N\t\\\\N\n', '\\N\t\\N\n***\t\\\\N\n'],
  ['', [NULLED, OPEN], 'a\tb\n\\N\tb\n', '\\N\tb\n\\N\tb\n'],
  ["(null '')", [MASKED, OPEN], '\tb\na\t\n', '\tb\n***\t\n'],
  ["(null '')", [NULLED, OPEN], 'x\tb\n', '\tb\n'],
  ["(null '\\-')", [MASKED, NULLED], '\\-\ta\n\\N\t\\-\n', '\\-\t\\-\n***\t\\-\n'],
  ["(delimiter '|')", [OPEN, MASKED], 'a\\|b|c\\|d\n', 'a\\|b|***\n'],
  ["(delimiter '*')", [OPEN, MASKED], 'a*b\n', 'a*\\*\\*\\*\n'],
  ["(delimiter E'\\b')", [OPEN, LAST], 'a\babc\\b\n', 'a\b***\\b\n'],
  ["(delimiter E'\\x01')", [OPEN, LAST], 'a\x01abc\\\x01\n', 'a\x01***\\\x01\n'],
  ['', [LAST], 'abc\\\\\nabc\\n\nabc\\t\nabcé\n', '***\\\\\n***\\n\n***\\t\n***é\n'],
  ['', [LAST], 'abc\\101\nabc\\x41g\nabc\\x4g\nabc\\xg\n', '***A\n***g\n***g\n***g\n'],
  ['', [LAST, OPEN], 'abc\\N\tx\nab\\q\tx\n', '***N\tx\n***q\tx\n'],
  ['(header)', [OPEN, MASKED], 'open\tsecret\na\tb\n', 'open\tsecret\na\t***\n'],
  ['(header)', [OPEN, MASKED], 'open\tvalue\na\tb\n', 'open\t***\na\t***\n'],
  ['(header)', [OPEN, { ...MASKED, name: null }], 'a\tb\nc\td\n', 'a\tb\nc\t***\n'],
  ['(header)', [{ ...MASKED, name: 'a\tb\\' }], 'a\\tb\\\\\nc\n', 'a\\tb\\\\\n***\n'],
  ['', [MASKED, OPEN], 'a\tb\n\\.\n', '***\tb\n\\.\n'],
  ['', [MASKED], 'a\n\\.\n', '***\n\\.\n'],
  ['', [SCANNED, OPEN], 'x alice@example.com\\ty\talice@example.com\n', 'x ***\\ty\talice@example.com\n'],
  ['', [SCANNED], 'nothing\\there\n\\N\n', 'nothing\\there\n\\N\n'],
  ['', [{ ...SCANNED, typeOid: 3802 }], '"a\\\\u0040b.de"\n', '"***"\n'],
  ['', [{ ...MASKED, typeOid: 23 }, OPEN], '1\t2\n', '\\N\t2\n'],
  ['', [{ ...MASKED, typeOid: 1009 }, OPEN], '{a,NULL,"b\\\\"c"}\t{a}\n', '{***,NULL,***}\t{a}\n'],

  ['', [MASKED], '\\.\na\n', null],
  ['', [MASKED], '\\.', null],
  ['', [MASKED], 'a', null],
  ['', [MASKED, OPEN], 'a\n', null],
  ['', [MASKED, OPEN], 'a\tb\tc\n', null],
  ['', [MASKED, OPEN], '\n', null],
  ['', [], 'a\n', null],
  ['', [MASKED, OPEN], 'a\\\tb\n', null],
  ['', [MASKED], 'a\\\n', null],
  ['', [MASKED, OPEN], 'a\\\nb\tc\n', null],
  ['', [MASKED], 'a\r\n', null],
  ['', [OPEN], 'a\r\n', null],
  ['(header)', [MASKED, OPEN], 'a\n', null],
];

t.test('whole, byte by byte and cut in two anywhere', async (t) => {
  for (const [options, columns, input, expected] of CASES) {
    for (const pieces of cuts(Buffer.from(input))) {
      const made = masker(formatOf(options), columns);
      const what = `${options} ${JSON.stringify(input)} in ${pieces.length} of ${pieces[0]?.length ?? 0}`;
      if (expected === null)
        t.throws(() => run(made, pieces), { name: 'DecodeError', type: 'CopyData' }, what);
      else t.equal(run(made, pieces).toString(), expected, what);
    }
  }
});

t.test('what is not changed is not copied', async (t) => {
  const made = masker(formatOf(''), [OPEN, withScan({ detectors: ALL, form: NULL })]);
  const data = Buffer.from('a\tb\nc\td\n');
  t.equal(made.push(data), data);
  const cut = Buffer.from('a\tb\nc');
  t.equal(made.push(cut).buffer, cut.buffer);
  t.equal(made.push(Buffer.from('\td\n')).toString(), 'c\td\n');
});

t.test('a message of a row stays one', async (t) => {
  const made = masker(formatOf(''), [MASKED, OPEN]);
  for (const row of ['a\tb\n', 'longer\tc\n']) {
    const [, open] = row.split('\t');
    t.equal(made.push(Buffer.from(row)).toString(), `***\t${open}`);
  }
  t.equal(made.push(Buffer.from('split')).length, 0);
  t.equal(made.push(Buffer.from('\tx\n')).toString(), '***\tx\n');
  made.end();
});

t.test(
  'the same value has the same hash, however it is written and in any encoding that can be read',
  async (t) => {
    const form = withForm(parseMaskForm('hash', KEY));
    const shown = (encoding: string, value: Buffer) =>
      run(masker(formatOf('', encoding), [form]), [Buffer.concat([value, Buffer.from('\n')])]).toString();
    const utf8 = shown('UTF8', Buffer.from('é\\\\'));
    t.match(utf8, /^[0-9a-f]{16}\n$/);
    t.equal(shown('LATIN1', Buffer.from('\xe9\\134', 'latin1')), utf8);
    t.equal(shown('WIN1252', Buffer.from('\xe9\\x5c', 'latin1')), utf8);
    t.equal(shown('SJIS', Buffer.from([0x95, 0x5c])), shown('UTF8', Buffer.from('表')));
    t.equal(shown('BIG5', Buffer.from([0xa4, 0x40])), '***\n', 'not known to be the same character');
    const other = masker(formatOf(''), [withForm(parseMaskForm('hash', OTHER_KEY))]);
    t.not(run(other, [Buffer.from('é\\\\\n')]).toString(), utf8);
  },
);

t.test('encodings in which a byte of a character looks like a backslash or the delimiter', async (t) => {
  const bar = Buffer.from('|');
  const kana = { SJIS: [0xb1], BIG5: [], GBK: [], UHC: [], GB18030: [], SHIFT_JIS_2004: [0xb1] };
  const wide = { SJIS: 0x95, BIG5: 0xa5, GBK: 0xad, UHC: 0x95, GB18030: 0xad, SHIFT_JIS_2004: 0x95 };
  for (const [encoding, lead] of Object.entries(wide)) {
    // Two columns: a character that ends in a backslash, one that ends in the delimiter, and then the delimiter.
    const open = Buffer.from([...kana[encoding as keyof typeof kana], lead, 0x5c, lead, 0x7c]);
    const input = Buffer.concat([open, bar, Buffer.from('secret|'), open, Buffer.from('\n')]);
    const expected = Buffer.concat([open, bar, Buffer.from('***|'), open, Buffer.from('\n')]);
    for (const options of ["(delimiter '|')", "(delimiter '|', format csv)"]) {
      for (const pieces of cuts(input)) {
        const got = run(masker(formatOf(options, encoding), [OPEN, MASKED, OPEN]), pieces);
        t.ok(got.equals(expected), `${encoding} ${options} ${got.toString('latin1')}`);
      }
      const shown = run(masker(formatOf(options, encoding), [OPEN, LAST, OPEN]), [
        Buffer.concat([open, bar, Buffer.from('abc'), open, bar, open, Buffer.from('\n')]),
      ]);
      t.ok(shown.equals(expected), `${encoding} ${options}: nothing of what can't be written is shown`);
      const cut = Buffer.from([0x61, 0x7c, 0x62, 0x7c, lead, 0x0a]);
      t.throws(() => run(masker(formatOf(options, encoding), [OPEN, MASKED, OPEN]), [cut]), {
        name: 'DecodeError',
      });
    }
  }
  const four = Buffer.from([0x81, 0x30, 0x81, 0x30]);
  for (const options of ["(delimiter 'A')", "(delimiter '0', format csv)"]) {
    const copy = formatOf(options, 'GB18030');
    const delimiter = Buffer.from([copy.delimiter]);
    const got = run(masker(copy, [OPEN, MASKED]), [
      Buffer.concat([four, delimiter, four, Buffer.from('\n')]),
    ]);
    t.ok(got.equals(Buffer.concat([four, delimiter, Buffer.from('***\n')])), options);
  }
});

t.test('detectors read other encodings', async (t) => {
  const found = (encoding: string, value: Buffer) =>
    run(masker(formatOf('', encoding), [SCANNED]), [Buffer.concat([value, Buffer.from('\n')])]);
  const mail = Buffer.from(' alice@example.com');
  t.equal(found('LATIN1', Buffer.concat([Buffer.from([0xe9]), mail])).toString('latin1'), '\xe9 ***\n');
  t.equal(found('BIG5', Buffer.concat([Buffer.from([0xa4, 0x40]), mail])).toString('latin1'), '***\n');
  t.ok(found('BIG5', Buffer.from([0xa4, 0x40])).equals(Buffer.from([0xa4, 0x40, 0x0a])));
  t.ok(found('SJIS', Buffer.from([0x95, 0x5c])).equals(Buffer.from([0x95, 0x5c, 0x0a])));
  const nulled = masker(formatOf('', 'BIG5'), [withScan({ detectors: ALL, form: NULL })]);
  t.equal(
    run(nulled, [Buffer.concat([Buffer.from([0xa4, 0x40]), mail, Buffer.from('\n')])]).toString(),
    '\\N\n',
  );
});

t.test('a row that is too long', async (t) => {
  for (const piece of [1, 7, 1000]) {
    const made = masker(formatOf(''), [MASKED, OPEN], 100);
    const row = (length: number) => Buffer.from(`${'x'.repeat(length - 3)}\ty\n`);
    const pieces = (bytes: Buffer) =>
      Array.from({ length: Math.ceil(bytes.length / piece) }, (_, at) =>
        bytes.subarray(at * piece, (at + 1) * piece),
      );
    t.equal(run(made, pieces(Buffer.concat([row(100), row(100)]))).toString(), '***\ty\n***\ty\n');
    t.throws(() => run(made, pieces(row(101))), {
      code: 'too_long',
      message: /^CopyData: a row of more than 100/,
    });
  }
});

t.test('the response has to be to this copy', async (t) => {
  const copy = formatOf('');
  const response = (format: 0 | 1, count: number) => ({ format, columnFormats: Array(count).fill(format) });
  const { CopyMasker } = await import('../../../../src/protocols/postgres/copy/index.ts');
  const made = (format: 0 | 1, count: number) =>
    new CopyMasker({ copy, columns: [MASKED, OPEN], response: response(format, count) });
  t.doesNotThrow(() => made(0, 2));
  t.throws(() => made(1, 2), { name: 'DecodeError' });
  t.throws(() => made(0, 3), { name: 'DecodeError' });
});
