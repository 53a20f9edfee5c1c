/** What each decoder refuses, beyond what every message has in common (vectors.test.ts). */
import t from 'tap';
import { factsOf } from '../../../src/protocols/postgres/actions.ts';
import { decodeBackend, decodeFrontend } from '../../../src/protocols/postgres/decode.ts';
import { decodeDataRow, decodeErrorResponse } from '../../../src/protocols/postgres/decode-backend.ts';
import { decodeBind, decodeParse, decodeQuery } from '../../../src/protocols/postgres/decode-frontend.ts';
import { encode } from '../../../src/protocols/postgres/encode.ts';
import {
  changedDataRow,
  dataRow,
  errorResponse,
  rowDescription,
} from '../../../src/protocols/postgres/encode-backend.ts';
import { bind, parse, query } from '../../../src/protocols/postgres/encode-frontend.ts';
import { errorFields, errorReport } from '../../../src/protocols/postgres/error-fields.ts';
import { DecodeError } from '../../../src/protocols/postgres/errors.ts';
import { Fields } from '../../../src/protocols/postgres/fields.ts';
import { formatOf } from '../../../src/protocols/postgres/messages.ts';
import { Names } from '../../../src/protocols/postgres/names.ts';
import { Analyser, loadParser } from '../../../src/protocols/postgres/sql/index.ts';
import { storedName, UNTOLD } from '../../../src/protocols/postgres/stored-name.ts';
import { clientEncoding } from '../../../src/protocols/postgres/text.ts';
import { Writer } from '../../../src/protocols/postgres/writer.ts';
import { valuesOf, wire } from './wire.ts';

const hostile: [name: string, bytes: Buffer, what: RegExp][] = [
  ['two strings in a Query', wire(`'Q' 0000000a 'one' 00 'b' 00`), /2 bytes after its end/],
  ['a Query without its end', wire(`'Q' 00000007 'one'`), /without its terminator/],
  ['more types than a Parse holds', wire(`'P' 0000000c 00 00 ffff 00000017`), /65535 object ids/],
  ['more formats than a Bind holds', wire(`'B' 0000000e 00 00 ffff 0000 0000 0000`), /65535 format codes/],
  ['more values than a Bind holds', wire(`'B' 0000000c 00 00 0000 ffff 0000`), /65535 values/],
  ['a value of length -2', wire(`'B' 00000010 00 00 0000 0001 fffffffe 0000`), /length -2/],
  [
    'a value beyond the end',
    wire(`'B' 00000011 00 00 0000 0001 7fffffff 41 0000`),
    /longer than the message/,
  ],
  ['format 2', wire(`'B' 0000000e 00 00 0001 0002 0000 0000`), /format code 2/],
  ['two formats of no parameter', wire(`'B' 00000010 00 00 0002 0000 0000 0000 0000`), /2 formats of 0/],
  ['a Describe of neither', wire(`'D' 00000006 'X' 00`), /neither/],
  ['a Close of neither', wire(`'C' 00000006 'T' 00`), /neither/],
  [
    'two formats of one argument',
    wire(`'F' 00000016 00000001 0002 0000 0000 0001 ffffffff 0000`),
    /2 formats of 1/,
  ],
  ['a name that is no UTF-8', wire(`'E' 0000000a ff 00 00000000`), /not UTF8/],
];
const hostileServer: [name: string, bytes: Buffer, what: RegExp][] = [
  ['more columns than a RowDescription holds', wire(`'T' 00000006 ffff`), /65535 columns/],
  [
    'a column of format 7',
    wire(`'T' 00000019 0001 00 00000000 0000 00000017 0004 ffffffff 0007`),
    /format code 7/,
  ],
  ['more values than a DataRow holds', wire(`'D' 0000000a 0002 ffffffff`), /2 values/],
  ['a value that ends in the next message', wire(`'D' 0000000b 0001 00000002 41`), /longer than the message/],
  ['a length that is cut', wire(`'D' 00000010 0002 00000003 414141 0000 00`), /within the length/],
  ['a status that is none', wire(`'Z' 00000005 'X'`), /transaction status/],
  ['method 1', wire(`'R' 00000008 00000001`), /method 1/],
  ['a salt of three bytes', wire(`'R' 0000000b 00000005 010203`), /longer/],
  ['mechanisms without their end', wire(`'R' 0000000d 0000000a 'PLAI' 00`), /terminator/],
  ['a key of three bytes', wire(`'K' 0000000b 00000001 010203`), /3 bytes/],
  ['a key of 257 bytes', wire(`'K' 00000109 00000001 ${'00'.repeat(257)}`), /257 bytes/],
  ['an error without its end', wire(`'E' 00000007 'Ma' 00`), /a field/],
  ['an error with more behind its end', wire(`'E' 00000006 00 00`), /1 bytes after/],
  ['a copy of format 2', wire(`'H' 00000007 02 0000`), /format 2/],
  ['a binary column of a textual copy', wire(`'G' 00000009 00 0001 0001`), /binary column/],
  ['-1 options', wire(`'v' 0000000c 00030000 ffffffff`), /-1 options/],
  ['2^31-1 options', wire(`'v' 0000000d 00030000 7fffffff 00`), /2147483647 options/],
  ['a result of length -3', wire(`'V' 00000008 fffffffd`), /length -3/],
];

t.test('a frontend', async (t) => {
  for (const [name, bytes, what] of hostile) {
    t.equal(bytes.readInt32BE(1), bytes.length - 1, `${name}: the vector is right`);
    t.throws(() => decodeFrontend(bytes), what, name);
    t.throws(() => decodeFrontend(bytes), DecodeError, name);
  }
});

t.test('a backend', async (t) => {
  for (const [name, bytes, what] of hostileServer) {
    t.equal(bytes.readInt32BE(1), bytes.length - 1, `${name}: the vector is right`);
    t.throws(() => decodeBackend(bytes), what, name);
    t.throws(() => decodeBackend(bytes), DecodeError, name);
  }
});

t.test('text is what the encoding says, or none', async (t) => {
  const latin = Buffer.from([0x73, 0xe9]);
  t.same(decodeQuery(encode(query, latin)).query, { bytes: latin, text: null });
  t.equal(decodeQuery(encode(query, latin), clientEncoding('LATIN1')).query.text, 'sé');
  t.equal(
    decodeQuery(encode(query, '\ufeffselect 1')).query.text,
    '\ufeffselect 1',
    'a byte-order mark stays',
  );
  t.equal(decodeParse(encode(parse, 'größe', 'select')).statement, 'größe');
  const encoding = (name: string, bytes: string) => clientEncoding(name).text(Buffer.from(bytes, 'hex'));
  t.equal(encoding('UHC', '8141'), null, 'Node reads an A there, the server none');
  for (const name of ['UHC', 'BIG5', 'GB18030', 'JOHAB', 'EUC_TW', 'MULE_INTERNAL', 'NEW_ONE'])
    t.equal(encoding(name, '73656c656374'), 'select');
  t.equal(encoding('SJIS', '1c'), null, 'Node reads 0x7f');
  t.equal(encoding('SJIS', '93fa967b'), '日本');
  t.equal(clientEncoding('LATIN1').bytes('é ✓').toString('latin1'), 'é ?');
  t.equal(clientEncoding('SJIS').bytes('é ✓').toString('latin1'), '? ?');
  t.equal(clientEncoding('NEW_ONE').show(Buffer.from([0x41, 0xe9])), 'A\ufffd');
});

t.test('lists of values', async (t) => {
  const most = Array.from({ length: 65_535 }, () => Buffer.from('x'));
  const row = encode(dataRow, most);
  const fields = new Fields();
  t.equal(decodeDataRow(row, fields), fields);
  t.equal(fields.count, 65_535);
  t.equal(fields.value(65_534)?.toString(), 'x');
  t.throws(() => encode(dataRow, [...most, null]), RangeError);
  decodeDataRow(encode(dataRow, [null, Buffer.from('ab'), Buffer.alloc(0)]), fields);
  t.same(valuesOf(fields), [null, Buffer.from('ab'), Buffer.alloc(0)]);
  t.equal(fields.length(0), -1);
  t.equal(fields.start(1), 15);
  t.throws(() => decodeDataRow(wire(`'D' 00000007 0001 00`), fields), DecodeError);
  t.equal(fields.count, 0, 'nothing is left of the row before');
  const bound = decodeBind(
    encode(bind, { portal: '', statement: '', parameterFormats: [1], parameters: [null, null] }),
  );
  t.same(
    [formatOf(bound.parameterFormats, 1), formatOf(bound.resultFormats, 3), formatOf([0, 1], 1)],
    [1, 0, 1],
  );
});

t.test('a row with other values in some columns', async (t) => {
  const values = [Buffer.from('7'), null, Buffer.from('4111111111111111'), Buffer.alloc(200, 0x61), null];
  const row = encode(dataRow, values);
  const columns = decodeDataRow(row, new Fields());
  const masks: (Buffer | null | undefined)[] = [
    undefined,
    null,
    Buffer.from('x'),
    Buffer.alloc(500),
    Buffer.alloc(0),
  ];
  for (let chosen = 0; chosen < 32; chosen += 1) {
    const mask = (column: number): Buffer | null | undefined =>
      (chosen >> column) & 1 ? masks[column] : undefined;
    const want = values.map((value, column) => (mask(column) === undefined ? value : (mask(column) ?? null)));
    t.same(
      encode(changedDataRow, row, columns, mask),
      encode(dataRow, want),
      `columns ${chosen.toString(2)}`,
    );
  }
});

t.test('errors as reports', async (t) => {
  const report = { severity: 'ERROR', code: '42501', message: 'no', hint: 'ask', routine: 'policy' };
  const bytes = encode(errorResponse, errorFields(report));
  t.same(errorReport(decodeErrorResponse(bytes).fields), { ...report, localizedSeverity: 'ERROR' });
  t.match(bytes.toString('latin1'), /SERROR\0VERROR\0C42501\0Mno\0Hask\0Rpolicy\0\0$/);
  const old = [
    { type: 'S', value: Buffer.from('FEHLER') },
    { type: 'M', value: Buffer.from('a') },
    { type: 'M', value: Buffer.from('b') },
    { type: '?', value: Buffer.from('unknown') },
  ];
  t.same(errorReport(old), { localizedSeverity: 'FEHLER', severity: 'FEHLER', code: '', message: 'b' });
  const latin = errorFields({ severity: 'ERROR', code: '42501', message: 'né ✓' }, clientEncoding('LATIN1'));
  t.same(latin.at(-1)?.value, Buffer.from('né ?', 'latin1'));
});

t.test('what cannot be written is not written', async (t) => {
  t.throws(() => encode(query, 'select 1\0; drop'), RangeError);
  t.throws(() => encode(query, Buffer.from('a\0b')), RangeError);
  const out = new Writer(16);
  query(out, 'one');
  t.throws(() => query(out, 'two\0'), RangeError);
  t.throws(
    () =>
      rowDescription(out, [
        {
          name: Buffer.from('a\0'),
          tableObjectId: 0,
          columnAttribute: 0,
          typeObjectId: 0,
          typeSize: 0,
          typeModifier: 0,
          format: 0,
        },
      ]),
    RangeError,
  );
  query(out, 'three');
  t.same(
    out.take(),
    Buffer.concat([encode(query, 'one'), encode(query, 'three')]),
    'what was begun is forgotten',
  );
  t.equal(out.take().length, 0);
});

t.test('what was taken stays as it is', async (t) => {
  const out = new Writer(32);
  const taken: Buffer[] = [];
  const want: Buffer[] = [];
  for (let n = 0; n < 200; n += 1) {
    const text = 'é'.repeat(n % 37);
    query(out, text);
    if (n % 3 === 0) taken.push(out.take());
    want.push(Buffer.from(wire(`'Q' ${(5 + 2 * (n % 37)).toString(16).padStart(8, '0')} '${text}' 00`)));
  }
  taken.push(out.take());
  t.same(Buffer.concat(taken), Buffer.concat(want));
});

t.test('names that the server takes for one', async (t) => {
  const long = 'n'.repeat(63);
  t.equal(storedName('s1'), 's1');
  t.equal(storedName(long), long);
  t.equal(storedName(`${long}x`), long);
  t.equal(
    storedName(`${long.slice(0, 62)}é`),
    UNTOLD,
    'cut within é, or behind it, as the database encodes it',
  );
  t.equal(storedName('é'.repeat(32)), UNTOLD);
  t.equal(storedName('é'.repeat(31)), 'é'.repeat(31));
  const names = new Names<number>();
  names.propose(UNTOLD, 1);
  names.confirm(UNTOLD, 1);
  t.same(names.behind(UNTOLD), [], 'nothing is known of those');
});

t.test('a letter beyond ASCII is folded by some databases', async (t) => {
  await loadParser();
  const [statement] = new Analyser().analyse('drop table PRÉCIEUX, s."É"').statements;
  if (statement === undefined) throw new Error('no statement');
  t.same(factsOf(statement, { database: 'd', role: 'r' }).tables, [
    'prÉcieux',
    'É',
    's.É',
    'précieux',
    'é',
    's.é',
  ]);
});
