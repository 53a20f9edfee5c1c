import t from 'tap';
import { mapArrayBinary } from '../../src/masking/array-binary.ts';
import { mapArrayText } from '../../src/masking/array-text.ts';
import { parseMaskForm } from '../../src/masking/forms.ts';
import { maskBinary, maskText } from '../../src/masking/mask.ts';
import { classOf, elementClass, lengthLimit, type TypeClass } from '../../src/masking/types.ts';
import { Random } from '../core/random.ts';
import { FORMS, KEY, OTHER_KEY } from './support.ts';

const HASH = /^[0-9a-f]{16}$/;
const text = (form: string, value: string, type: TypeClass, limit?: number): string | null =>
  maskText(parseMaskForm(form, KEY), Buffer.from(value), type, limit)?.toString() ?? null;
const binary = (form: string, value: Buffer | string, oid: number, limit?: number): Buffer | null =>
  maskBinary(parseMaskForm(form, KEY), Buffer.from(value), oid, limit);

t.test('types by oid', async (t) => {
  const cases: [number, TypeClass][] = [
    [25, 'text'],
    [1043, 'text'],
    [705, 'text'],
    [1042, 'bpchar'],
    [19, 'name'],
    [18, 'char'],
    [114, 'json'],
    [3802, 'jsonb'],
    [142, 'xml'],
    [2950, 'uuid'],
    [20, 'number'],
    [1700, 'number'],
    [1009, 'text[]'],
    [1015, 'text[]'],
    [3807, 'jsonb[]'],
    [16, 'other'],
    [17, 'other'],
    [1082, 'other'],
    [2249, 'other'],
    [0, 'other'],
    [16_999, 'other'],
    [-1, 'other'],
  ];
  for (const [oid, type] of cases) t.equal(classOf(oid), type, String(oid));
  t.equal(elementClass('bpchar[]'), 'bpchar');
  t.equal(elementClass('text'), null);
  t.equal(lengthLimit(1043, 14), 10, 'varchar(10)');
  t.equal(lengthLimit(1014, 6), 2, 'character(2)[]');
  t.equal(lengthLimit(1043, -1), -1);
  t.equal(lengthLimit(1700, 655_366), -1, 'a numeric’s modifier is no length');
});

t.test('each class in each form', async (t) => {
  const cases: [TypeClass, string, full: string | null, last4: string | null, hash: RegExp | null][] = [
    ['text', 'abcdefgh', '***', '***efgh', HASH],
    ['name', 'abcdefgh', '***', '***efgh', HASH],
    ['bpchar', 'abcdefgh   ', '***', '***efgh', HASH],
    ['char', 'x', '*', '*', null],
    ['json', '"abcdefgh"', '"***"', '"***efgh"', /^"[0-9a-f]{16}"$/],
    ['jsonb', '{"a": "abcdefgh"}', '"***"', '"***"', /^"[0-9a-f]{16}"$/],
    ['jsonb', '12345678', '"***"', '"***"', /^"[0-9a-f]{16}"$/],
    ['json', 'not json', '"***"', '"***"', /^"[0-9a-f]{16}"$/],
    ['xml', '<a>b</a>', '***', '***', HASH],
    [
      'uuid',
      '550e8400-e29b-41d4-a716-446655440000',
      null,
      null,
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    ],
    ['uuid', 'no uuid', null, null, null],
    ['number', '12345678', null, null, null],
    ['other', '2024-01-31', null, null, null],
    [
      'text[]',
      '{abcdefgh,NULL,""}',
      '{***,NULL,***}',
      '{***efgh,NULL,***}',
      /^\{[0-9a-f]{16},NULL,[0-9a-f]{16}\}$/,
    ],
    ['number[]', '{1,2}', null, null, null],
    ['uuid[]', '{550e8400-e29b-41d4-a716-446655440000}', null, null, /^\{[0-9a-f-]{36}\}$/],
    ['json[]', '{"{\\"a\\": 1}"}', '{"\\"***\\""}', '{"\\"***\\""}', /^\{"\\"[0-9a-f]{16}\\""\}$/],
  ];
  for (const [type, value, full, last4, hash] of cases) {
    t.equal(text('full', value, type), full, `${type} full`);
    t.equal(text('last4', value, type), last4, `${type} last4`);
    t.equal(text('null', value, type), null, `${type} null`);
    const hashed = text('hash', value, type);
    if (hash === null) t.equal(hashed, null, `${type} hash`);
    else t.match(hashed, hash, `${type} hash`);
  }
});

t.test('the same value has the same hash in either format and under related types', async (t) => {
  const plain = text('hash', 'alice', 'text');
  t.equal(binary('hash', 'alice', 25)?.toString(), plain);
  t.equal(text('hash', 'alice     ', 'bpchar'), plain, 'without its padding');
  t.equal(text('hash', '"alice"', 'json'), `"${plain}"`);
  t.equal(text('hash', '"\\u0061lice"', 'json'), `"${plain}"`, 'however it is escaped');
  t.equal(binary('hash', '\u0001"alice"', 3802)?.toString(), `\u0001"${plain}"`);
  const uuid = '550e8400-e29b-41d4-a716-446655440000';
  const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex');
  t.equal(binary('hash', bytes, 2950)?.toString('hex'), text('hash', uuid, 'uuid')?.replaceAll('-', ''));
  const other = maskBinary({ kind: 'hash', key: OTHER_KEY }, bytes, 2950);
  t.notSame(other, binary('hash', bytes, 2950));
  t.equal(binary('hash', bytes.subarray(1), 2950), null, 'fifteen bytes');
});

t.test('the length that a column declares', async (t) => {
  t.equal(text('full', 'abc', 'text', 2), '**');
  t.equal(text('first2', 'ñandú', 'text', 4), 'ña**');
  t.equal(text('hash', 'abc', 'text', 4)?.length, 4);
  t.equal(text('full', 'ab    ', 'bpchar', 6), '***   ');
  t.equal(text('full', 'a', 'bpchar', 1), '*');
  t.equal(text('full', 'ab    ', 'bpchar'), '***', 'without one nothing is padded');
  t.equal(text('last1', 'añ    ', 'bpchar', 6), '***ñ  ', 'in characters');
  t.equal(text('full', '{ab,cd}', 'bpchar[]', 4), '{"*** ","*** "}');
  t.equal(text('email', `ab@${'x'.repeat(60)}`, 'name'), '***', 'a name has at most 63 bytes');
});

t.test('a JSON string that is kept in part is still one', async (t) => {
  t.equal(text('first2', '"\\"\\\\abcd"', 'json'), '"\\"\\\\***"');
  t.equal(text('first1', '"\\u0000abc"', 'json'), '"\\u0000***"');
  const lone = text('first1', '"\\ud800abc"', 'json') ?? '';
  t.doesNotThrow(() => JSON.parse(lone));
  t.equal(text('email', '"alice@example.com"', 'jsonb'), '"a***@example.com"');
  t.equal(text('last4', ' "abcdefgh"', 'json'), '"***"', 'white space before it');
  t.equal(text('last4', '"abcdefgh', 'json'), '"***"', 'cut');
  t.equal(binary('full', '\u0002"abc"', 3802), null, 'a jsonb of another version');
  t.equal(binary('full', '', 3802), null, 'an empty jsonb');
});

t.test('arrays in text: bounds, dimensions, quotes', async (t) => {
  const cases: [string, string | null][] = [
    ['{}', '{}'],
    ['{a}', '{***}'],
    ['{{a,b},{c,NULL}}', '{{***,***},{***,NULL}}'],
    ['[0:1]={a,b}', '[0:1]={***,***}'],
    ['[-2:-2][1:2]={{a,b}}', '[-2:-2][1:2]={{***,***}}'],
    ['{"NULL",null,"a,b","{","\\"","\\\\",""}', '{***,null,***,***,***,***,***}'],
    ['{{{{{{a}}}}}}', '{{{{{{***}}}}}}'],
    ['{{{{{{{a}}}}}}}', null],
    ['', null],
    ['a', null],
    ['{', null],
    ['{a', null],
    ['{a,}', null],
    ['{,a}', null],
    ['{a,,b}', null],
    ['{a}b', null],
    ['{a}}', null],
    ['{a}{b}', null],
    ['{"a}', null],
    ['{"a"b}', null],
    ['{"a\\', null],
    ['{a"b"}', null],
    ['{a b}', null],
    ['{ a}', null],
    ['{a{b}}', null],
    ['[0:1={a,b}', null],
    ['[0:1]{a,b}', null],
    [`[${'0'.repeat(100)}:1]={a}`, null],
    ['{'.repeat(100_000), null],
  ];
  for (const [value, shown] of cases) t.equal(text('full', value, 'text[]'), shown, value.slice(0, 40));
  t.equal(
    text('first2', '{"a,cd","\\"bcd","  xy","NULLNULL","{}xx"}', 'text[]'),
    '{"a,***","\\"b***","  ***",NU***,"{}***"}',
  );
});

t.test('an array that is not changed comes out as it was', async (t) => {
  const same = (value: string) => mapArrayText(Buffer.from(value), (item) => item)?.toString() ?? null;
  for (const value of ['{}', '{a,"b c",NULL,"NULL","\\"","\\\\","",é}', '[5:6]={{a},{"{"}}', '{"\t","\n"}'])
    t.equal(same(value), value);
  const seen: string[] = [];
  mapArrayText(Buffer.from('{"a\\"b","\\\\\\\\",c}'), (item) => {
    seen.push(item.toString());
    return item;
  });
  t.strictSame(seen, ['a"b', '\\\\', 'c']);
  t.equal(
    mapArrayText(Buffer.from('{a,b}'), () => null),
    null,
  );
});

function int32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, n) => {
    bytes.writeInt32BE(value, 4 * n);
  });
  return bytes;
}

t.test('arrays in binary', async (t) => {
  const item = (value: string) => Buffer.concat([int32(value.length), Buffer.from(value)]);
  const two = Buffer.concat([int32(1, 1, 25, 3, 1), item('abcdefgh'), int32(-1), item('x')]);
  t.same(
    binary('last4', two, 1009),
    Buffer.concat([int32(1, 1, 25, 3, 1), item('***efgh'), int32(-1), item('***')]),
  );
  t.same(binary('full', int32(0, 0, 25), 1009), int32(0, 0, 25), 'empty');
  t.equal(binary('full', two, 1015), null, 'text where varchar was declared');
  t.equal(binary('full', two, 1007), null, 'integers');
  const json = Buffer.concat([int32(1, 0, 3802, 1, 1), item('\u0001{}')]);
  t.same(binary('full', json, 3807), Buffer.concat([int32(1, 0, 3802, 1, 1), item('\u0001"***"')]));
  const lies: [string, Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['a cut header', int32(1, 0)],
    ['no dimensions where one is claimed', int32(1, 0, 25)],
    ['seven dimensions', int32(7, 0, 25, ...Array(14).fill(1))],
    ['negative dimensions', int32(-1, 0, 25)],
    ['other flags', int32(0, 2, 25)],
    ['more elements than there are', Buffer.concat([int32(1, 0, 25, 2, 1), item('a')])],
    ['fewer elements than there are', Buffer.concat([int32(1, 0, 25, 1, 1), item('a'), item('b')])],
    ['two thousand million elements', int32(1, 0, 25, 0x7fffffff, 1)],
    ['that to the power of six', int32(6, 0, 25, ...Array(12).fill(0x7fffffff))],
    [
      'an element longer than the rest',
      Buffer.concat([int32(1, 0, 25, 1, 1), int32(1000), Buffer.from('a')]),
    ],
    ['an element of negative length', Buffer.concat([int32(1, 0, 25, 1, 1), int32(-2)])],
    ['bytes after the end', Buffer.concat([int32(0, 0, 25), Buffer.alloc(1)])],
  ];
  for (const [what, value] of lies) t.equal(binary('full', value, 1009), null, what);
  for (let length = 0; length < two.length; length++) {
    if (binary('full', two.subarray(0, length), 1009) !== null) t.fail(`cut to ${length}`);
  }
  t.equal(
    mapArrayBinary(two, 25, () => null),
    null,
  );
});

t.test('random bytes of every class never make it throw', async (t) => {
  const random = new Random(3);
  const oids = [
    18, 19, 20, 25, 114, 142, 705, 1042, 1700, 2950, 3802, 1002, 1003, 1009, 1014, 199, 143, 2951, 3807, 0,
    2249,
  ];
  for (let round = 0; round < 20_000; round++) {
    const body = Buffer.from(random.bytes(random.below(60)));
    const oid = random.pick(oids);
    const head =
      random.below(2) === 0
        ? int32(random.below(3), random.below(2), random.pick([25, 19, 3802, 114]), random.below(3), 1)
        : '';
    const value = Buffer.concat([Buffer.from(head), body]);
    const [, form] = random.pick(FORMS);
    maskBinary(form, value, oid, random.below(20) - 1);
    maskText(form, value, classOf(oid), random.below(20) - 1);
    maskText(form, Buffer.from(`{${value.toString('latin1')}}`), 'text[]');
  }
  t.pass('20,000 values');
});
