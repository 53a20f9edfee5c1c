import t from 'tap';
import { pinned } from '../../../../src/protocols/postgres/copy/index.ts';
import { loadParser } from '../../../../src/protocols/postgres/sql/index.ts';
import { formatOf, outcome, outcomeOf } from './support.ts';

await loadParser();
const TEXT = {
  format: 'text',
  delimiter: 0x09,
  nullText: Buffer.from('\\N'),
  header: false,
  quote: 0x22,
  escape: 0x22,
  forceQuote: [],
  encoding: 'UTF8',
  pinned: false,
};
const CSV = { ...TEXT, format: 'csv', delimiter: 0x2c, nullText: Buffer.alloc(0) };

t.test('options in both syntaxes', async (t) => {
  const read: readonly (readonly [string, object])[] = [
    ['', TEXT],
    ['with', TEXT],
    ['with (format text)', TEXT],
    ['csv', CSV],
    ['with csv', CSV],
    ["(format 'csv')", CSV],
    ["using delimiters '|' with null as ''", { ...TEXT, delimiter: 0x7c, nullText: Buffer.alloc(0) }],
    ["(delimiter '|', null '')", { ...TEXT, delimiter: 0x7c, nullText: Buffer.alloc(0) }],
    ["(delimiter E'\\x01', null '\\-x')", { ...TEXT, delimiter: 1, nullText: Buffer.from('\\-x') }],
    ['(delimiter *)', { ...TEXT, delimiter: 0x2a }],
    ['(format csv, delimiter 5, null 0)', { ...CSV, delimiter: 0x35, nullText: Buffer.from('0') }],
    ['(format csv, null -1.5)', { ...CSV, nullText: Buffer.from('-1.5') }],
    ['(format csv, null on)', { ...CSV, nullText: Buffer.from('on') }],
    ['csv header', { ...CSV, header: true }],
    ...['header', 'header true', 'header on', 'header 1', "header 'TRUE'", 'header ON'].map(
      (header) => [`(${header})`, { ...TEXT, header: true }] as const,
    ),
    ...['header false', 'header off', 'header 0', "header 'Off'"].map(
      (header) => [`(${header})`, TEXT] as const,
    ),
    ["csv quote as ''''", { ...CSV, quote: 0x27, escape: 0x27 }],
    ["csv quote '''' escape as '\\'", { ...CSV, quote: 0x27, escape: 0x5c }],
    ["(format csv, quote '|', escape '^')", { ...CSV, quote: 0x7c, escape: 0x5e }],
    ['csv force quote *', { ...CSV, forceQuote: 'all' }],
    ['csv force quote a, "B c"', { ...CSV, forceQuote: ['a', 'B c'] }],
    ['(format csv, force_quote (a, "B c"))', { ...CSV, forceQuote: ['a', 'B c'] }],
    ['(format csv, force_quote *)', { ...CSV, forceQuote: 'all' }],
    ["encoding 'latin-1'", { ...TEXT, encoding: 'LATIN1', pinned: true }],
    ['(encoding Windows1251)', { ...TEXT, encoding: 'WIN1251', pinned: true }],
    ['binary', { ...TEXT, format: 'binary', pinned: true }],
    ['(format binary, header false, encoding latin1)', { ...TEXT, format: 'binary', pinned: true }],
    ['(freeze false, log_verbosity verbose)', TEXT],
  ];
  for (const [options, expected] of read) t.same(formatOf(options), expected, options);
  t.same(formatOf('', 'SJIS'), { ...TEXT, encoding: 'SJIS' });
  t.same(formatOf('(format csv)', 'unicode'), CSV, 'names are PostgreSQL’s own');
  t.equal(outcomeOf('copy (select 1) to stdout').outcome, 'copy');
});

t.test('what cannot be masked says why', async (t) => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ["(format 'json')", /the format json is not known/],
    ["(format 'CSV')", /the format CSV is not known/],
    ['(format csv, force_array)', /the option force_array is not known/],
    ['("FORMAT" csv)', /the option FORMAT is not known/],
    ['(on_error stop)', /the option on_error is not known/],
    ["(default 'x')", /the option default is not known/],
    ['(format csv, force_null (a))', /the option force_null is not known/],
    ['(format csv, format text)', /the option format is there twice/],
    ['csv csv', /the option format is there twice/],
    ['(format csv, null (a, b))', /the option null has no text/],
    ['(null)', /the option null has no text/],
    ['(header match)', /HEADER is neither true nor false/],
    ['(header 2)', /HEADER is neither/],
    ["(header '1')", /HEADER is neither/],
    ['(format csv, force_quote)', /FORCE_QUOTE has no list/],
    ['(format csv, force_quote a)', /FORCE_QUOTE has no list/],
    ['(force_quote *)', /force_quote has no meaning in the text format/],
    ["(quote '''')", /quote has no meaning/],
    ["(escape '''')", /escape has no meaning/],
    ['binary header', /header has no meaning in the binary format/],
    ["binary delimiter ','", /delimiter has no meaning in the binary/],
    ["binary null ''", /null has no meaning in the binary/],
    ["(delimiter '')", /the delimiter is not one character/],
    ["(delimiter '||')", /the delimiter is not one character/],
    ["(delimiter 'é')", /the delimiter is not one character of ASCII/],
    ["(delimiter E'\\n')", /the delimiter is not one character/],
    ["(delimiter '\\')", /the delimiter may be part of an escape/],
    ["(delimiter 'n')", /the delimiter may be part of an escape/],
    ["(delimiter '.')", /the delimiter may be part of an escape/],
    ['(delimiter 1)', /the delimiter may be part of an escape/],
    ["(format csv, quote 'ab')", /the quote is not one character/],
    ["(format csv, quote E'\\n')", /the quote is not one character/],
    ["(format csv, quote E'\\r')", /the quote is not one character/],
    ["(format csv, escape E'\\n')", /the escape is not one character/],
    ["(format csv, delimiter '|', quote '|')", /the delimiter is the quote/],
    ["(format csv, null 'a,b')", /NULL has the delimiter or the quote/],
    ["(format csv, null '\"')", /NULL has the delimiter or the quote/],
    ["(format csv, null E'a\\nb')", /NULL has other characters than ASCII, or a line end/],
    ["(format csv, null 'é')", /NULL has other characters than ASCII/],
    ["(format csv, null '\\.')", /NULL is the mark for the end/],
    ["(null '\\.')", /NULL is the mark for the end/],
    ["(null E'\\t')", /NULL has the delimiter/],
    ["(null 'x')", /a value may be the same as NULL’s text/],
    ["(null '123-45-6789')", /a value may be the same as NULL’s text/],
    ["(null 'a\\nb')", /a value may be the same as NULL’s text/],
    ["(null '\\')", /NULL ends in a backslash/],
    ["(null '\\N\\')", /NULL ends in a backslash/],
    ['(encoding johab)', /the encoding johab is not known/],
    ['(encoding klingon)', /the encoding klingon is not known/],
    ["(encoding sjis, format csv, quote '|')", /in SJIS a byte of a character may look like the quote/],
    ["(encoding gbk, format csv, escape '\\')", /in GBK a byte of a character may look like/],
  ];
  for (const [options, reason] of refused) {
    const read = outcome(options);
    t.match(read, { outcome: 'unmaskable', reason }, options);
    if (read.outcome === 'unmaskable') t.match(read.reason, /^COPY cannot be masked: /);
  }
  t.match(outcome('', 'MULE'), { reason: /the encoding MULE is not known/ });
  t.match(outcome('binary', 'MULE'), { reason: /the encoding MULE is not known/ });
});

t.test('only what the client gets', async (t) => {
  for (const [sql, reason] of [
    ['copy t from stdin', /it copies from the client/],
    ["copy t to '/tmp/x'", /goes to the server’s machine/],
    ["copy t to program 'x'", /goes to the server’s machine/],
  ] as const) {
    t.match(outcomeOf(sql), { outcome: 'unmaskable', reason }, sql);
  }
});

t.test('a statement that says its encoding', async (t) => {
  const said: readonly (readonly [string, string])[] = [
    ['copy t to stdout', "copy t to stdout ENCODING 'UTF8'"],
    ['copy (select f(1)) to stdout', "copy (select f(1)) to stdout ENCODING 'UTF8'"],
    ['COPY t(a) TO STDOUT WITH', "COPY t(a) TO STDOUT WITH ENCODING 'UTF8'"],
    ['copy t to stdout csv force quote a, b', "copy t to stdout csv force quote a, b ENCODING 'UTF8'"],
    ["copy t to stdout delimiter ')'", "copy t to stdout delimiter ')' ENCODING 'UTF8'"],
    ['copy t to stdout (format csv)', "copy t to stdout (format csv, ENCODING 'UTF8')"],
    [
      'copy t to stdout with (format csv, force_quote (a) /* x */ )',
      "copy t to stdout with (format csv, force_quote (a) /* x */ , ENCODING 'UTF8')",
    ],
    ['copy t to stdout (header -- x\n)', "copy t to stdout (header -- x\n, ENCODING 'UTF8')"],
    ["copy t to stdout encoding 'sjis'", "copy t to stdout encoding 'sjis'"],
    ['copy binary t to stdout', 'copy binary t to stdout'],
  ];
  const formatIn = (sql: string) => {
    const read = outcomeOf(sql);
    if (read.outcome !== 'copy') throw new Error(read.reason);
    return read.copy;
  };
  for (const [sql, expected] of said) {
    const copy = formatIn(sql);
    t.equal(pinned(sql, copy), expected);
    t.same(formatIn(expected), { ...copy, pinned: true });
  }
  const copy = formatIn('copy t to stdout');
  t.equal(pinned('copy t to stdout -- ', copy), null, 'not in a comment');
  t.equal(pinned('copy t to stdout; drop table t', copy), null);
  t.equal(pinned('select 1', copy), null);
});
