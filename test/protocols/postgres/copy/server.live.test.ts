/**
 * Tables of random values, copied in random ways, masked on the way: the same bytes as the server copies from a table
 * that holds the masked values, and the same values when they are copied in again.
 */
import { dirname } from 'node:path';
import pg from 'pg';
import t, { type Test } from 'tap';
import { parseMaskForm } from '../../../../src/masking/forms.ts';
import { maskText } from '../../../../src/masking/mask.ts';
import { classOf, lengthLimit } from '../../../../src/masking/types.ts';
import { type CopyColumn, type CopyFormat, pinned } from '../../../../src/protocols/postgres/copy/index.ts';
import { copyData, copyDone, query } from '../../../../src/protocols/postgres/encode-frontend.ts';
import { errorReport } from '../../../../src/protocols/postgres/error-fields.ts';
import { loadParser } from '../../../../src/protocols/postgres/sql/index.ts';
import { PROTOCOL_3_0 } from '../../../../src/protocols/postgres/startup.ts';
import { UTF8 } from '../../../../src/protocols/postgres/text.ts';
import { Random } from '../../../core/random.ts';
import { KEY } from '../../../masking/support.ts';
import { startServer } from '../local-server.ts';
import { openRaw } from '../raw.ts';
import { masker, outcomeOf, run } from './support.ts';

t.setTimeout(300_000);
const ROUNDS = Number(process.env.HOPLINE_ROUNDS ?? 300);
const SEED = Number(process.env.HOPLINE_SEED ?? 20_260_101);

await loadParser();
const server = startServer();
const client = new pg.Client({ host: dirname(server.path), user: 'free', database: 'postgres' });
const raw = openRaw(server.path, PROTOCOL_3_0, [{ name: 'database', value: 'postgres' }]);
t.teardown(async () => {
  raw.socket.destroy();
  await client.end();
  server[Symbol.dispose]();
});
await client.connect();
await raw.until('ReadyForQuery');

/** What the server copies, as its messages have it; its words where it refuses. */
async function copied(sql: string): Promise<Buffer[] | string> {
  raw.send((out) => query(out, sql));
  const messages = await raw.until('ReadyForQuery');
  for (const message of messages)
    if (message.name === 'ErrorResponse') return errorReport(message.fields, UTF8).message;
  return messages.flatMap((message) => (message.name === 'CopyData' ? [message.data] : []));
}

async function copiedIn(sql: string, data: Buffer): Promise<string | null> {
  raw.send((out) => {
    query(out, sql);
    copyData(out, data);
    copyDone(out);
  });
  for (const message of await raw.until('ReadyForQuery'))
    if (message.name === 'ErrorResponse') return errorReport(message.fields, UTF8).message;
  return null;
}

const PARTS = [
  ...[
    '\\',
    '\\\\',
    '\\.',
    '\\N',
    '\n',
    '\r',
    '\t',
    '\b',
    '\f',
    '\v',
    '\x01',
    '"',
    "'",
    ',',
    ';',
    '|',
    '*',
    'x',
  ],
  ...[
    '',
    ' ',
    'a',
    'abcdef',
    'NULL',
    '***',
    'é',
    '表',
    'ソ',
    '漢字',
    '🙂',
    'alice@example.com',
    '4111 1111 1111 1111',
  ],
];
/** In all of the encodings below but LATIN1's, and read there as the same characters. */
const KANA = ['\\', '\n', '\t', '"', ',', '|', 'a', 'abc', '表', 'ソ', '能', 'ー', '漢字'];
const LATIN = ['\\', '\n', '\t', '"', ',', '|', 'a', 'abc', 'é', 'ß', 'ÿ', '×'];

type Value = (random: Random, parts: readonly string[]) => string;
const textOf: Value = (random, parts) =>
  Array.from({ length: random.below(5) }, () => random.pick(parts)).join('');
const TYPES: readonly (readonly [string, Value])[] = [
  ['text', textOf],
  ['text', textOf],
  ['varchar(7)', (...by) => [...textOf(...by)].slice(0, 7).join('')],
  ['char(8)', (...by) => [...textOf(...by)].slice(0, 8).join('').trimEnd()],
  ['jsonb', (...by) => JSON.stringify({ a: textOf(...by) })],
  ['json', (...by) => JSON.stringify(textOf(...by))],
  ['int4', (random) => String(random.below(1000))],
  ['date', () => '2024-01-31'],
  ['uuid', () => '550e8400-e29b-41d4-a716-446655440000'],
  ['bytea', (...by) => `\\x${Buffer.from(textOf(...by)).toString('hex')}`],
  ['bool', () => 'true'],
];
const FORMS = ['full', 'null', 'first2', 'last4', 'first1last1', 'hash', 'card', 'email'];
/** Whose results are ASCII, and so the same in all encodings. */
const PLAIN_FORMS = ['full', 'null', 'hash'];

interface Table {
  readonly columns: readonly CopyColumn[];
  readonly names: readonly string[];
  /** A value that is to be masked is the empty text: what NULL may be as well, in the text format. */
  readonly empty: boolean;
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** `open` with random values, `masked` with what they are masked with, `back` with nothing. */
async function tables(random: Random, parts: readonly string[], forms: readonly string[]): Promise<Table> {
  const count = 1 + random.below(5);
  const types = Array.from({ length: count }, () => random.pick(TYPES));
  const names = types.map(
    (_, at) => `c${at}${random.below(4) === 0 ? random.pick([',', '"', '\t\\', 'é', '\n']) : ''}`,
  );
  const defined = types.map(([type], at) => `${quoted(names[at] ?? '')} ${type}`).join(', ');
  await client.query(
    `drop table if exists open, masked, back; create table open (${defined});
     create table masked (like open); create table back (like open)`,
  );
  const { rows } = await client.query(
    `select atttypid::int8 oid, atttypmod modifier from pg_attribute where attrelid = 'open'::regclass and attnum > 0 order by attnum`,
  );
  const columns = rows.map(
    ({ oid, modifier }, at): CopyColumn => ({
      name: names[at] ?? '',
      typeOid: Number(oid),
      limit: lengthLimit(Number(oid), modifier),
      mask: random.below(2) ? parseMaskForm(random.pick(forms), KEY) : null,
      scan: null,
    }),
  );
  let empty = false;
  const places = types.map((_, at) => `$${at + 1}`).join(', ');
  for (let n = random.below(12); n > 0; n -= 1) {
    const row = types.map(([, value]) => (random.below(5) === 0 ? null : value(random, parts)));
    const { rows } = await client.query<(string | null)[]>({
      text: `insert into open values (${places}) returning *`,
      values: row,
      rowMode: 'array',
      types: { getTypeParser: () => (text: string) => text },
    });
    const shown = columns.map(({ mask, typeOid, limit }, at) => {
      const value = rows[0]?.[at] ?? null;
      empty ||= mask !== null && value === '';
      if (mask === null || value === null) return value;
      return maskText(mask, Buffer.from(value), classOf(typeOid), limit)?.toString() ?? null;
    });
    await client.query(`insert into masked values (${places})`, shown);
  }
  return { columns, names, empty };
}

const literal = (text: string): string =>
  `E'${[...text]
    .map(
      (char) =>
        `\\x${Buffer.from(char)
          .toString('hex')
          .replace(/(?<=..)(?=(?:..)+$)/g, '\\x')}`,
    )
    .join('')}'`;

/** Options that both directions take, and those of COPY TO alone. */
function options(random: Random, names: readonly string[]): { both: string[]; out: string[] } {
  const format = random.pick(['text', 'csv', 'binary']);
  const both = format === 'text' ? [] : [`format ${format}`];
  const out: string[] = [];
  if (format === 'binary') return { both, out };
  if (random.below(2))
    both.push(`delimiter ${literal(random.pick(['\t', ',', '|', ';', '*', '\x01', ' ', 'A', '\b', '"']))}`);
  if (random.below(2))
    both.push(`null ${literal(random.pick(['', '\\N', '\\-', 'NULL', '***', 'a', '\\', '\\.']))}`);
  if (random.below(3) === 0) both.push(random.pick(['header', 'header true', 'header off']));
  if (format === 'text') return { both, out };
  if (random.below(3) === 0) both.push(`quote ${literal(random.pick(['"', "'", '|', '*', 'x']))}`);
  if (random.below(3) === 0) both.push(`escape ${literal(random.pick(['"', '\\', '|', '*', ',']))}`);
  if (random.below(3) === 0)
    out.push(`force_quote ${random.below(2) ? '*' : `(${quoted(random.pick(names))})`}`);
  return { both, out };
}

const listOf = (all: readonly string[]): string => (all.length === 0 ? '' : `(${all.join(', ')})`);

function pieces(random: Random, messages: readonly Buffer[]): Buffer[] {
  switch (random.below(3)) {
    case 0:
      return [...messages];
    case 1:
      return [Buffer.concat(messages)];
  }
  const bytes = Buffer.concat(messages);
  const cut: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const next = at + 1 + random.below(random.below(2) ? 4 : 60);
    cut.push(bytes.subarray(at, next));
    at = next;
  }
  return cut;
}

/** One COPY in its statement's words, and what becomes of it. */
async function round(
  t: Test,
  random: Random,
  { columns, names, empty }: Table,
  encoding: string | null,
): Promise<'masked' | 'unmaskable' | 'refused'> {
  const { both, out } = options(random, names);
  const given = encoding === null ? [] : [`encoding '${encoding}'`];
  const say = (table: string) => `copy ${table} to stdout ${listOf([...both, ...out, ...given])}`.trimEnd();
  const messages = await copied(say('open'));
  const read = outcomeOf(say('open'));
  if (typeof messages === 'string') return 'refused';
  if (read.outcome === 'unmaskable') return 'unmaskable';
  const { copy } = read;
  if (empty && !unambiguous(copy)) return 'unmaskable';
  const got = run(masker(copy, columns), pieces(random, messages));
  const wanted = await copied(say('masked'));
  if (typeof wanted === 'string') throw new Error(wanted);
  const what = `${say('open')}: ${JSON.stringify(Buffer.concat(messages).toString('latin1'))}`;
  if (!got.equals(Buffer.concat(wanted))) {
    t.equal(got.toString('latin1'), Buffer.concat(wanted).toString('latin1'), what);
    return 'masked';
  }
  await client.query('truncate back');
  const failed = await copiedIn(`copy back from stdin ${listOf([...both, ...given])}`, got);
  t.equal(failed, null, what);
  if (unambiguous(copy)) {
    const texts = names.map((name) => `${quoted(name)}::text`).join(', ');
    const { rows } = await client.query(`select ${texts} from masked except all select ${texts} from back`);
    t.equal(rows.length, 0, `copied in again: ${what}`);
  }
  return 'masked';
}

/** Otherwise NULL and the empty text are the same, in both directions. */
function unambiguous({ format, nullText }: CopyFormat): boolean {
  return format !== 'text' || nullText.length > 0;
}

t.test('random tables, random options', async (t) => {
  const random = new Random(SEED);
  const tally = { masked: 0, unmaskable: 0, refused: 0 };
  for (let n = 0; n < ROUNDS; n += 1) {
    const table = await tables(random, PARTS, FORMS);
    for (let m = 0; m < 4; m += 1) tally[await round(t, random, table, null)] += 1;
    if (!t.passing()) break;
  }
  t.comment(JSON.stringify(tally));
  t.ok(tally.masked > 2 * ROUNDS, JSON.stringify(tally));
});

t.test('encodings', async (t) => {
  const random = new Random(SEED + 1);
  const tally = { masked: 0, unmaskable: 0, refused: 0 };
  const alphabets: Readonly<Record<string, readonly string[]>> = {
    ...Object.fromEntries(
      ['SJIS', 'GBK', 'EUC_JP', 'SHIFT_JIS_2004', 'GB18030', 'BIG5', 'UHC'].map((name) => [name, KANA]),
    ),
    ...Object.fromEntries(['LATIN1', 'WIN1252', 'LATIN9'].map((name) => [name, LATIN])),
  };
  for (let n = 0; n < ROUNDS; n += 1) {
    const encoding = random.pick(Object.keys(alphabets));
    // Where characters cannot be read, a hash is not that of the value.
    const forms = /^(?:SHIFT|GB18030|BIG5|UHC)/.test(encoding) ? ['full', 'null'] : PLAIN_FORMS;
    const table = await tables(random, alphabets[encoding] ?? [], forms);
    const done = await round(t, random, table, encoding);
    tally[done] += 1;
    if (!t.passing()) break;
  }
  t.comment(JSON.stringify(tally));
  t.ok(tally.masked > ROUNDS / 3, JSON.stringify(tally));
});

t.test('the binary format is in the session’s encoding', async (t) => {
  await client.query(
    "drop table if exists open; create table open (a text, b text); insert into open values ('表', '表')",
  );
  const hash = parseMaskForm('hash', KEY);
  const column = { name: null, typeOid: 25, limit: -1, scan: null };
  const columns = [
    { ...column, mask: null },
    { ...column, mask: hash },
  ];
  const shown: string[] = [];
  for (const encoding of ['UTF8', 'SJIS', 'EUC_JP']) {
    await copied(`set client_encoding = '${encoding}'`);
    for (const option of ['', ", encoding 'UTF8'"]) {
      const sql = `copy open to stdout (format binary${option})`;
      const read = outcomeOf(sql, encoding);
      const messages = await copied(sql);
      if (read.outcome !== 'copy' || typeof messages === 'string') throw new Error(sql);
      shown.push(run(masker(read.copy, columns), messages).subarray(-18, -2).toString());
    }
  }
  await copied('reset client_encoding');
  t.equal(new Set(shown).size, 1, 'the same value, the same hash');
  t.match(shown[0], /^[0-9a-f]{16}$/);
});

t.test('an encoding that is not the session’s any more', async (t) => {
  await client.query(
    "drop table if exists open; create table open (a text, b text); insert into open values ('表', 'secret')",
  );
  const sql = 'copy open to stdout';
  const read = outcomeOf(sql);
  if (read.outcome !== 'copy') throw new Error(read.reason);
  const column = { name: null, typeOid: 25, limit: -1, scan: null };
  const columns = [
    { ...column, mask: null },
    { ...column, mask: parseMaskForm('full', KEY) },
  ];
  const changed = await copied(`set client_encoding = 'SJIS'; ${sql}`);
  t.throws(
    () => run(masker(read.copy, columns), changed as Buffer[]),
    { name: 'DecodeError' },
    'columns are elsewhere',
  );
  const said = await copied(`set client_encoding = 'SJIS'; ${pinned(sql, read.copy)}`);
  t.equal(run(masker(read.copy, columns), said as Buffer[]).toString(), '表\t***\n');
  await copied('reset client_encoding');
});

t.test('names of encodings are the server’s', async (t) => {
  const { encodingName } = await import('../../../../src/protocols/postgres/copy/encodings.ts');
  const { rows } = await client.query(
    "select n, pg_encoding_to_char(n) name from generate_series(0, 60) n where pg_encoding_to_char(n) <> ''",
  );
  for (const { name } of rows) t.equal(encodingName(name), name === 'JOHAB' ? null : name);
  const written = [
    ...[
      'abc',
      'alt',
      'Koi8',
      'ms-kanji',
      'Shift JIS',
      'TCVN',
      'tcvn5712',
      'unicode',
      'VSCII',
      'win',
      'utf-8',
      'latin 1',
    ],
    ...[
      'iso-8859-1',
      'ISO_8859-10',
      'iso885913',
      'iso885914',
      'iso885915',
      'iso885916',
      'iso88592',
      'iso88593',
    ],
    ...['iso88594', 'iso88595', 'iso88596', 'iso88597', 'iso88598', 'iso88599', 'sql-ascii', 'muleinternal'],
    ...[
      '1250',
      '1251',
      '1252',
      '1253',
      '1254',
      '1255',
      '1256',
      '1257',
      '1258',
      '866',
      '874',
      '932',
      '936',
      '949',
      '950',
    ].flatMap((page) => [`win${page}`, `Windows-${page}`, `cp${page}`]),
    ...[
      'klingon',
      '',
      'utf',
      'latin11',
      'iso885911',
      'é',
      'shiftjis2004',
      'euc-jis-2004',
      'big-5',
      'gb 18030',
      'windows',
    ],
  ];
  for (const name of written) {
    const { rows } = await client.query('select pg_encoding_to_char(pg_char_to_encoding($1)) name', [name]);
    t.equal(encodingName(name) ?? '', rows[0].name, name);
  }
});
