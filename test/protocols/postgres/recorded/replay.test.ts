/** Reading records of rows: hostile ones are refused or shown as far as they go, in bounded memory. */
import t from 'tap';
import { encode } from '../../../../src/protocols/postgres/encode.ts';
import { dataRow, functionCallResponse } from '../../../../src/protocols/postgres/encode-backend.ts';
import { copyData } from '../../../../src/protocols/postgres/encode-frontend.ts';
import { Kept } from '../../../../src/protocols/postgres/recorded/records.ts';
import { RowReplayer } from '../../../../src/protocols/postgres/recorded/replay.ts';
import { binaryText } from '../../../../src/protocols/postgres/recorded/values.ts';
import { clientEncoding, UTF8 } from '../../../../src/protocols/postgres/text.ts';
import { DamagedError } from '../../../../src/recording/reader.ts';
import type { Replayed } from '../../../../src/recording/replay.ts';
import { Random } from '../../../core/random.ts';

type Written = readonly [type: number, body: Buffer | string];

function read(...records: Written[]): Replayed[] {
  const replayer = new RowReplayer();
  const all = records.flatMap(([type, body]) => [
    ...replayer.push({ type, at: 5, bytes: Buffer.concat([Buffer.of(0, 0, 0, 7), Buffer.from(body)]) }),
  ]);
  return [...all, ...replayer.rest()];
}
const values = (all: readonly Replayed[]) =>
  all.flatMap((one) => (one.type === 'row' ? [[...one.values, one.cut]] : []));
const shape = (columns: unknown, more = {}) =>
  [
    Kept.result,
    JSON.stringify({ limit: 'all', form: 'rows', encoding: 'UTF8', columns, copy: null, ...more }),
  ] as const;
const row = (...given: (string | Buffer | null)[]) =>
  encode(
    dataRow,
    given.map((value) => (value === null ? null : Buffer.from(value))),
  );
const TEXT = [
  ['a', 25, 0],
  ['b', 25, 0],
];

t.test('rows in records of any length', async (t) => {
  const bytes = Buffer.concat([row('one', null), row('', 'two'), row('x'.repeat(50), 'y')]);
  const expected = [
    ['one', null, false],
    ['', 'two', false],
    ['x'.repeat(50), 'y', false],
  ];
  for (let size = 1; size <= bytes.length; size++) {
    const pieces: Written[] = [];
    for (let at = 0; at < bytes.length; at += size) pieces.push([Kept.rows, bytes.subarray(at, at + size)]);
    t.same(values(read(shape(TEXT), ...pieces)), expected, `${size} bytes each`);
  }
});

t.test('cut at every byte: what there is of the row, and that it is not all', async (t) => {
  const bytes = row('one', null, 'three');
  const columns = [...TEXT, ['c', 25, 0]];
  for (let at = 1; at < bytes.length; at++) {
    const [only, ...more] = values(read(shape(columns), [Kept.rows, bytes.subarray(0, at)]));
    t.equal(more.length, 0);
    t.equal(only?.at(-1), true);
    const whole = ['one', null, 'three'];
    for (const [n, value] of (only ?? []).slice(0, -1).entries())
      t.ok(value === whole[n] || (typeof value === 'string' && whole[n]?.startsWith(value)), `${at}`);
  }
});

t.test('what is longer than is held is shown as far as it goes', async (t) => {
  const long = row('a', 'z'.repeat(3 << 20));
  const [only] = values(
    read(
      shape(TEXT),
      [Kept.rows, long.subarray(0, 1 << 20)],
      [Kept.rows, long.subarray(1 << 20)],
      [Kept.rows, row('b', 'c')],
    ),
  );
  t.equal(only?.[0], 'a');
  t.equal(only?.[2], true);
  const shown = String(only?.[1]).length;
  t.ok(shown > 1_000_000 && shown < 1 << 20);
  const claimed = Buffer.from('D\x7f\xff\xff\xff\0\x02\0\0\0\x01a', 'latin1');
  t.same(values(read(shape(TEXT), [Kept.rows, claimed])), [['a', true]], 'a length that is only claimed');
});

t.test('columns that are not those of the rows, or not told', async (t) => {
  t.same(values(read(shape(null), [Kept.rows, row('a', Buffer.of(0))])), [['\\x61', '\\x00', false]]);
  t.same(values(read(shape([['a', 25, 0]]), [Kept.rows, row('a', 'b')])), [['\\x61', '\\x62', false]]);
  t.same(values(read([Kept.rows, row('a')])), [['\\x61', false]], 'without a shape at all');
  t.same(values(read(shape([['a', 25]]), [Kept.rows, row('a')])), [['\\x61', false]], 'a shape that is none');
});

t.test('copies and values of functions', async (t) => {
  const copy = (format: number | null) => shape(null, { form: 'copy', copy: format });
  t.same(values(read(copy(0), [Kept.rows, encode(copyData, Buffer.from('a\tb\n'))])), [['a\tb', false]]);
  t.same(values(read(copy(1), [Kept.rows, encode(copyData, Buffer.from('ab'))])), [['\\x6162', false]]);
  t.same(values(read(copy(null), [Kept.rows, encode(copyData, Buffer.from('ab'))])), [['\\x6162', false]]);
  const value = shape(null, { form: 'value' });
  t.same(values(read(value, [Kept.rows, encode(functionCallResponse, Buffer.from('ab'))])), [
    ['\\x6162', false],
  ]);
  t.same(values(read(value, [Kept.rows, encode(functionCallResponse, null)])), [[null, false]]);
});

t.test('what is no record of rows', async (t) => {
  for (const [type, body, words] of [
    [9, 'x', /unknown type 9/],
    [Kept.result, 'x', /without its shape/],
    [Kept.result, '[]', /without its shape/],
    [Kept.rows, 'Zxxxxxxxxxx', /bytes|type/],
    [Kept.rows, Buffer.from('D\0\0\0\x01', 'latin1'), /a row of 1 bytes/],
    [Kept.rows, Buffer.from('E\0\0\0\x04', 'latin1'), /message of type 69/],
  ] as const)
    t.throws(() => read([type, body]), { name: 'DamagedError', message: words });
  t.throws(() => [...new RowReplayer().push({ type: 1, at: 0, bytes: Buffer.of(1, 2) })], DamagedError);
  const many = new RowReplayer();
  t.throws(() => {
    for (let n = 0; n < 2000; n++) {
      const head = Buffer.alloc(4);
      head.writeUInt32BE(n);
      Array.from(many.push({ type: Kept.result, at: 0, bytes: Buffer.concat([head, Buffer.from('{}')]) }));
    }
  }, /too many results/);
});

t.test('bent records: nothing but what was said above comes of them', async (t) => {
  const random = new Random(5);
  const whole: Written[] = [
    [
      Kept.result,
      JSON.stringify({
        limit: 5,
        encoding: 'LATIN1',
        columns: [
          ['a', 1700, 1],
          ['b', 3802, 1],
        ],
      }),
    ],
    [Kept.rows, Buffer.concat([row(Buffer.alloc(10), Buffer.of(1, 65)), row(null, '')])],
    [Kept.end, Buffer.of(0, 0, 0, 2)],
  ];
  let refused = 0;
  for (let n = 0; n < 5000; n++) {
    const bent = whole.map(([type, body]): Written => {
      const bytes = Buffer.from(body);
      for (let times = random.below(3); times > 0 && bytes.length > 0; times--)
        bytes[random.below(bytes.length)] = random.below(256);
      return [
        random.below(20) === 0 ? random.below(5) : type,
        bytes.subarray(0, random.below(8) === 0 ? random.below(bytes.length) : bytes.length),
      ];
    });
    try {
      read(...bent);
    } catch (error) {
      if (!(error instanceof DamagedError)) throw error;
      refused += 1;
    }
  }
  t.ok(refused > 100 && refused < 5000, `${refused} refused`);
});

t.test('values of the binary format', async (t) => {
  const hex = (text: string) => Buffer.from(text, 'hex');
  for (const [oid, bytes, text] of [
    [16, '01', 't'],
    [16, '00', 'f'],
    [20, 'ffffffffffffffff', '-1'],
    [21, '8000', '-32768'],
    [26, 'ffffffff', '4294967295'],
    [701, '3ff8000000000000', '1.5'],
    [25, 'c3a9', 'é'],
    [3802, '017b7d', '{}'],
    [3802, '027b7d', '\\x027b7d'],
    [2950, 'a0eebc999c0b4ef8bb6d6bb9bd380a11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    [1082, '00000000', '2000-01-01'],
    [1082, 'ffffffff', '1999-12-31'],
    [1082, '7fffffff', 'infinity'],
    [1082, '80000000', '-infinity'],
    [1083, '0000000000000001', '00:00:00.000001'],
    [1083, '000000141dd76000', '24:00:00'],
    [1114, 'ffffffffffffffff', '1999-12-31 23:59:59.999999'],
    [1184, '0000000000000000', '2000-01-01 00:00:00+00'],
    [1114, '7fffffffffffffff', 'infinity'],
    [1114, '8000000000000000', '-infinity'],
    [23, '0000', '\\x0000'],
    [600, '00', '\\x00'],
  ] as const)
    t.equal(binaryText(hex(bytes), oid, UTF8), text, `${oid} ${bytes}`);
  t.equal(binaryText(hex('e9'), 25, clientEncoding('LATIN1')), 'é');
});
