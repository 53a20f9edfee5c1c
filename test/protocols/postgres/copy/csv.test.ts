import t from 'tap';
import { NULL, parseMaskForm } from '../../../../src/masking/forms.ts';
import { loadParser } from '../../../../src/protocols/postgres/sql/index.ts';
import { ALL, KEY } from '../../../masking/support.ts';
import { cuts, formatOf, MASKED, masker, OPEN, run, withForm, withScan } from './support.ts';

await loadParser();
const LAST2 = withForm(parseMaskForm('last2', KEY));
const NULLED = withForm(NULL);
const SCANNED = withScan({ detectors: ALL, form: MASKED.mask ?? NULL });

/** Options besides FORMAT, columns, what the server sends, what goes on; null is an error. */
const CASES: readonly (readonly [string, readonly (typeof OPEN)[], string, string | null])[] = [
  ['', [OPEN, MASKED, OPEN], 'a,b,c\nd,"e,f",g\n', 'a,***,c\nd,***,g\n'],
  ['', [OPEN, MASKED], '"a\n,""b",c\n"\n\n",d\n', '"a\n,""b",***\n"\n\n",***\n'],
  ['', [MASKED], '', ''],
  ['', [], '\n\n', '\n\n'],
  ['', [MASKED], '\n""\n', '\n***\n'],
  ['', [MASKED, MASKED], ',""\n"",\n', ',***\n***,\n'],
  ['', [NULLED, OPEN], 'a,b\n"",b\n"a,b",\n', ',b\n,b\n,\n'],
  [", null '-'", [NULLED, MASKED], 'a,b\n-,-\n"-","-"\n', '-,***\n-,-\n-,***\n'],
  [", null '***'", [MASKED, OPEN], 'a,b\n***,b\n', '"***",b\n***,b\n'],
  [
    '',
    [LAST2],
    '"abcdef,x"\n"abcdef""x"\n"abcdef\nx"\nabcdef-x\n"abcdef\rx"\n',
    '"***,x"\n"***""x"\n"***\nx"\n***-x\n"***\rx"\n',
  ],
  [", delimiter ';'", [LAST2], 'abcdef,x\n"abcdef;x"\n', '***,x\n"***;x"\n'],
  [", delimiter 'a'", [LAST2, OPEN], 'bbbbbbabc\n"bbbbbaa"ac\n', '***bbabc\n"***aa"ac\n'],
  [", quote ''''", [LAST2, OPEN], "'abcdef''x',\"\n", "'***''x',\"\n"],
  [
    ", escape '\\'",
    [LAST2, OPEN],
    '"abcdef\\"x","\\\\"\n"abcdef,\\\\",\\\n',
    '"***\\"x","\\\\"\n"***,\\\\",\\\n',
  ],
  [", escape '\\'", [LAST2, OPEN], '"abc,def\\\\",x\n"abc,def\\"",x\n', '***f\\,x\n"***f\\"",x\n'],
  [', force_quote *', [MASKED, OPEN, NULLED], '"a","b","c"\n,,\n', '"***","b",\n,,\n'],
  [', force_quote (secret)', [MASKED, MASKED], '"a",b\n', '"***",***\n'],
  [', force_quote (open)', [MASKED, OPEN], 'a,"b"\n', '***,"b"\n'],
  [', force_quote (open)', [{ ...MASKED, name: null }, OPEN], 'a,"b"\n', '"***","b"\n'],
  [', header', [OPEN, MASKED], 'open,secret\na,b\n', 'open,secret\na,***\n'],
  [', header', [OPEN, MASKED], 'open,value\na,b\n', 'open,***\na,***\n'],
  [', header', [{ ...MASKED, name: 'a\n"' }], '"a\n"""\nb\n', '"a\n"""\n***\n'],
  ['', [MASKED, OPEN], 'a,b\n\\.\n', '***,b\n\\.\n'],
  ['', [MASKED], 'a\n\\.\n', '***\n\\.\n'],
  ['', [OPEN], '"\\."\nb\n', '"\\."\nb\n'],
  ['', [MASKED, OPEN], '\\.,b\n', '***,b\n'],
  ['', [SCANNED, SCANNED], '"x, alice@example.com",alice@example.com\n"",\n', '"x, ***",***\n"",\n'],
  ['', [{ ...MASKED, typeOid: 3802 }, OPEN], '"""x""",y\n', '"""***""",y\n'],

  ['', [MASKED], '\\.\na\n', null],
  ['', [MASKED], 'a', null],
  ['', [MASKED], '"a\n', null],
  ['', [MASKED, OPEN], 'a\n', null],
  ['', [MASKED, OPEN], 'a,b,c\n', null],
  ['', [MASKED, OPEN], '"a"b,c\n', null],
  ['', [MASKED, OPEN], 'a"b",c\n', null],
  ['', [MASKED, OPEN], 'a\r,c\n', null],
  ['', [MASKED, OPEN], '"a","b" \n', null],
  [", escape '\\'", [MASKED], '"a\\b"\n', null],
  [", escape '\\'", [MASKED], '"a""b"\n', null],
];

t.test('whole, byte by byte and cut in two anywhere', async (t) => {
  for (const [options, columns, input, expected] of CASES) {
    for (const pieces of cuts(Buffer.from(input))) {
      const made = masker(formatOf(`(format csv${options})`), columns);
      const what = `${options} ${JSON.stringify(input)} in ${pieces.length} of ${pieces[0]?.length ?? 0}`;
      if (expected === null)
        t.throws(() => run(made, pieces), { name: 'DecodeError', type: 'CopyData' }, what);
      else t.equal(run(made, pieces).toString(), expected, what);
    }
  }
});

t.test('a row that is too long', async (t) => {
  const columns = [MASKED, OPEN];
  const made = masker(formatOf('(format csv)'), columns, 50);
  const quoted = Buffer.from(`"${'\n'.repeat(60)}`);
  t.throws(
    () =>
      run(
        made,
        Array.from(quoted, (byte) => Buffer.from([byte])),
      ),
    { code: 'too_long' },
  );
});

t.test('many small pieces of a long row cost as much as they are long', async (t) => {
  const made = masker(formatOf('(format csv)'), [MASKED, OPEN]);
  const piece = Buffer.from('"",\n'.repeat(1024));
  const before = process.cpuUsage();
  made.push(Buffer.from('x,"'));
  for (let n = 0; n < 2000; n++) t.equal(made.push(piece).length, 0);
  t.equal(made.push(Buffer.from('"\n')).length, 4 + 3 + 2 + 2000 * piece.length - 1 - 1);
  const { user, system } = process.cpuUsage(before);
  t.ok(user + system < 2_000_000, `${user + system} µs`);
});
