/**
 * Hostile statements and catalogues that make no sense: an answer in bounded time, and never a clear one by
 * mistake.
 */
import type { Node } from '@pgsql/types';
import t from 'tap';
import {
  assemble,
  CatalogueError,
  type CatalogueRows,
  catalogueOf,
  readSearchPath,
} from '../../../../src/protocols/postgres/lineage/catalogue.ts';
import {
  type Catalogue,
  type Masked,
  Tracer,
  touchesMasked,
  traceStatement,
} from '../../../../src/protocols/postgres/lineage/index.ts';
import { loadParser } from '../../../../src/protocols/postgres/sql/parse.ts';
import { Random } from '../../../core/random.ts';
import { QUERIES } from './cases/queries.ts';
import { SOURCES } from './cases/sources.ts';
import { WRITES } from './cases/writes.ts';
import { summary } from './sample.ts';

await loadParser();

const TEXT = '25';
const SCHEMAS = ['pg_catalog', 'public'];
const PATH = JSON.stringify(SCHEMAS);

const ROWS: CatalogueRows = {
  relations: [
    ['100', 'public', 'people', 'r', 'f', 'f', 'f'],
    ['101', 'public', 'plain', 'r', 'f', 'f', 'f'],
    ['102', 'public', 'egg', 'v', 'f', 'f', 'f'],
    ['103', 'public', 'hen', 'v', 'f', 'f', 'f'],
    ['104', 'public', 'broken', 'v', 'f', 'f', 'f'],
    ['105', 'public', 'narrow', 'v', 'f', 'f', 'f'],
    ['106', 'public', 'nothing', 'v', 'f', 'f', 'f'],
    ['107', 'public', 'orphan', 'r', 'f', 'f', 'f'],
    ['108', 'pg_temp_3', 'people', 'r', 'f', 'f', 'f'],
    ['109', 'public', 'writing', 'v', 'f', 'f', 'f'],
    ['110', 'public', 'odd', 'x', 'f', 'f', 'f'],
  ],
  columns: [
    ['100', '1', 'id', '23', 'f', null, null],
    ['100', '3', 'ssn', TEXT, 'f', null, null],
    ['101', '1', 'id', '23', 'f', null, null],
    ['102', '1', 'a', TEXT, 'f', null, null],
    ['103', '1', 'a', TEXT, 'f', null, null],
    ['104', '1', 'a', TEXT, 'f', null, null],
    ['105', '1', 'a', TEXT, 'f', null, null],
    ['106', '1', 'a', TEXT, 'f', null, null],
    ['107', '1', 'a', TEXT, 'f', null, null],
    ['108', '1', 'ssn', TEXT, 'f', null, null],
    ['109', '1', 'a', TEXT, 'f', null, null],
    ['110', '1', 'a', TEXT, 'f', null, null],
  ],
  definitions: [
    ['102', 'select a from hen', PATH],
    ['103', 'select a from egg', PATH],
    ['104', 'select a from', PATH],
    ['105', 'select id, ssn from people', PATH],
    ['106', null, PATH],
    ['109', 'delete from people returning ssn', PATH],
  ],
  inheritance: [['107', '999']],
  functions: [
    [
      'pg_catalog',
      'lower',
      't',
      'internal',
      'i',
      TEXT,
      'b',
      '0',
      'f',
      null,
      null,
      '1',
      '0',
      'f',
      'f',
      null,
      null,
      'f',
    ],
    [
      'public',
      'loop',
      'f',
      'sql',
      'i',
      TEXT,
      'b',
      '0',
      'f',
      null,
      null,
      '1',
      '0',
      'f',
      'f',
      'select loop($1)',
      null,
      'f',
    ],
  ],
  operators: [
    ['pg_catalog', '||', 't'],
    ['pg_catalog', '=', 't'],
    ['pg_catalog', '+', 't'],
  ],
  casts: [],
};

const masked: Masked = ({ oid }, attnum) => oid === 100 && attnum === 3;
const catalogue = catalogueOf(assemble(ROWS), { schemas: SCHEMAS, temporary: null });
const trace = (sql: string, from: Catalogue = catalogue) => summary(traceStatement(sql, from, masked), from);

t.test('statements that are large, deep or make much work end soon', async (t) => {
  const chain = (count: number) => `select ${Array(count).fill('ssn').join(' || ')} as x from people`;
  t.equal(trace(chain(900)), 'x~people.ssn');
  t.equal(trace(chain(5000)), 'untraceable', 'too deep for the parser');
  const nested = (count: number) =>
    `${'select * from ('.repeat(count)}select ssn from people${') q'.repeat(count)}`;
  t.equal(trace(nested(150)), 'ssn=people.ssn');
  const scalars = (count: number) =>
    `select ${'(select '.repeat(count)}ssn${')'.repeat(count)} as x from people`;
  t.equal(trace(scalars(150)), 'x~people.ssn');
  const wide = Array.from({ length: 30 }, (_, at) => `c${at + 1} as (select a.* from c${at} a, c${at} b)`);
  t.equal(trace(`with c0 as (table people), ${wide.join(', ')} select count(*) from c30`), 'count?');
  const doubled = Array.from(
    { length: 30 },
    (_, at) => `c${at + 1} as (select a.*, b.* from c${at} a, c${at} b)`,
  );
  const started = performance.now();
  t.equal(trace(`with c0 as (table people), ${doubled.join(', ')} select 1 from c30`), 'untraceable');
  const tables = (depth: number): string =>
    depth === 0
      ? 'select id, ssn from people'
      : `with recursive r as (${tables(depth - 1)} union all select ssn::int, id::text from r) select * from r`;
  t.equal(trace(tables(12)), 'id~people.ssn, ssn~people.ssn', 'each level is traced several times');
  t.ok(performance.now() - started < 5000, 'in seconds');
  t.equal(trace('select loop(ssn) from people'), 'loop~people.ssn? !', 'a function that calls itself');
});

t.test('a catalogue that makes no sense clears nothing', async (t) => {
  t.equal(trace('select a from egg'), 'a?', 'views in a circle');
  t.equal(trace('select a from hen'), 'a?');
  t.equal(trace('select a from broken'), 'a?', 'a definition that is no SQL');
  t.equal(trace('select a from narrow'), 'a?', 'a definition with other columns');
  t.equal(trace('select a from nothing'), 'a?', 'no definition');
  t.equal(trace('select a from writing'), 'a?', 'a definition that is no query');
  t.equal(trace('select a from orphan'), 'a?', 'a parent that is not there');
  t.equal(trace('select a from odd'), 'a?', 'a kind that is not known');
  t.equal(trace('select id from nosuch natural join people'), 'id?', 'merged with who knows what');
  t.equal(trace('select people.id from nosuch natural join people'), 'id');
  for (const sql of ['egg', 'broken', 'narrow', 'nothing', 'orphan', 'odd'])
    t.ok(touchesMasked(`select a from ${sql}`, catalogue, masked), sql);
});

t.test('names mean what they mean on the search path', async (t) => {
  const snapshot = assemble(ROWS);
  const temporary = catalogueOf(snapshot, {
    schemas: ['pg_temp_3', ...SCHEMAS],
    temporary: 'pg_temp_3',
  });
  t.equal(trace('select ssn from people', temporary), 'ssn !', 'a temporary table that hides a masked one');
  t.equal(trace('select ssn from public.people', temporary), 'ssn=people.ssn');
  t.equal(trace('select ssn from pg_temp.people', temporary), 'ssn');
  t.equal(trace('select ssn from pg_temp.people'), 'ssn?', 'there is none yet');
  const narrow = catalogueOf(snapshot, { schemas: ['pg_catalog'], temporary: null });
  t.equal(trace('select ssn from people', narrow), 'ssn?');
  t.equal(trace('select lower(ssn) from public.people', narrow), 'lower~people.ssn');
  t.equal(trace('select loop(id) from plain', narrow), 'loop?');
});

t.test('what stands before a built-in function may be meant', async (t) => {
  const own = [
    'evil',
    'lower',
    'f',
    'plpgsql',
    'i',
    TEXT,
    'b',
    '0',
    'f',
    null,
    null,
    '1',
    '0',
    'f',
    'f',
    null,
    null,
    'f',
  ];
  const snapshot = assemble({
    ...ROWS,
    functions: [...ROWS.functions, own],
    operators: [...ROWS.operators, ['evil', '||', 'f']],
    casts: [['text']],
  });
  const shadowed = catalogueOf(snapshot, { schemas: ['evil', ...SCHEMAS], temporary: null });
  t.equal(trace("select lower('x')", shadowed), 'lower?');
  t.equal(trace("select pg_catalog.lower('x')", shadowed), 'lower');
  t.equal(trace("select 'a' || 'b'", shadowed), '?column??');
  t.equal(trace("select 'a' operator(pg_catalog.||) 'b'", shadowed), '?column?');
  t.equal(trace('select 1::text', shadowed), 'text?', 'there is a cast of somebody’s own');
  t.ok(touchesMasked("select lower('x')", shadowed, masked));
  t.ok(touchesMasked("select 'a' || 'b'", shadowed, masked));
});

t.test('a node that is not known is never cleared', async (t) => {
  const strange = {
    SelectStmt: { targetList: [{ ResTarget: { val: { Var: {} } } }], op: 'SETOP_NONE' },
  } as Node;
  t.match(traceStatement(strange, catalogue, masked), {
    outcome: 'untraceable',
    reason: /Var is not understood/,
  });
  t.match(traceStatement({ PLAssignStmt: {} }, catalogue, masked), { outcome: 'untraceable' });
  t.match(traceStatement({} as Node, catalogue, masked), { outcome: 'untraceable' });
  t.ok(touchesMasked({ PLAssignStmt: {} }, catalogue, masked));
});

t.test('what conditions depend on is told', async (t) => {
  const conditions = (sql: string) => traceStatement(sql, catalogue, masked).conditions;
  const ssn = [{ relation: 100, attnum: 3 }];
  t.strictSame(conditions("select id from people where ssn = 'x'"), ssn);
  t.strictSame(conditions('select id from people order by ssn'), ssn);
  t.strictSame(conditions('select a.id from people a join people b using (ssn)'), ssn);
  t.strictSame(conditions("delete from people where ssn = 'x' returning id"), ssn);
  t.strictSame(conditions('select ssn from people'), []);
});

t.test('the fast question', async (t) => {
  const touches = (sql: string) => touchesMasked(sql, catalogue, masked);
  for (const sql of [
    'select id from plain',
    'select lower(id::text) from plain where id = 1',
    'insert into plain values (1) returning *',
    'with people2 as (select 1) select * from people2',
    'begin',
    'copy plain to stdout',
    'declare c cursor for select * from plain',
  ])
    t.notOk(touches(sql), sql);
  for (const sql of [
    'select id from people',
    'select 1 from plain where exists (table people)',
    'select * from nosuch',
    "select nosuch('x')",
    'select plain.loop from plain',
    'select (plain).loop from plain',
    "copy plain to program 'cat'",
    'explain select * from people',
    'create table x (a int)',
    'do $$ begin end $$',
    'execute p',
    'nonsense',
  ])
    t.ok(touches(sql), sql);
});

t.test('rows of another form are refused with what is wrong', async (t) => {
  const wrong =
    (change: Partial<Record<keyof CatalogueRows, readonly (readonly (string | null)[])[]>>) => () =>
      assemble({ ...ROWS, ...change });
  t.throws(wrong({ relations: [['100', 'public']] }), new CatalogueError('relations: a row has no field 3'));
  t.throws(wrong({ relations: [['-1', 'a', 'b', 'r', 'f', 'f', 'f']] }), /relations: field 1 is no number/);
  t.throws(wrong({ relations: [['1', 'a', 'b', 'r', 'x', 'f', 'f']] }), /relations: field 5 is no boolean/);
  t.throws(wrong({ relations: [['1', null, 'b', 'r', 'f', 'f', 'f']] }), /relations: field 2 is null/);
  t.throws(wrong({ definitions: [['102', 'select', '{']] }), /definitions: field 3 is no JSON/);
  t.throws(wrong({ definitions: [['102', 'select', '[1]']] }), /definitions: field 3 is no list of names/);
  t.throws(wrong({ functions: [['a', 'b', 't', 'c', 'q', '1']] }), CatalogueError);
  t.throws(() => readSearchPath([]), CatalogueError);
  t.throws(() => readSearchPath(['nonsense', null]), CatalogueError);
  t.strictSame(readSearchPath(['["a"]', 'pg_temp_1']), { schemas: ['a'], temporary: 'pg_temp_1' });
});

t.test('statements that were tampered with', async (t) => {
  const random = new Random(7);
  const tracer = new Tracer(catalogue, masked);
  const words = [...QUERIES, ...SOURCES, ...WRITES].map(([sql]) => sql.split(/(\b|\s+)/).filter(Boolean));
  const outcomes: Record<string, number> = {};
  for (let at = 0; at < 20_000; at++) {
    const statement = [...random.pick(words)];
    for (let change = 0; change <= random.below(3); change++) {
      const place = random.below(statement.length + 1);
      const others = random.pick(words);
      statement.splice(
        place,
        random.below(3),
        ...others.slice(random.below(others.length)).slice(0, random.below(4)),
      );
    }
    const sql = statement.join('');
    const { outcome, ...traced } = tracer.trace(sql);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    const found =
      traced.leaks.length > 0 ||
      ('columns' in traced && traced.columns.some((column) => column.origins.length > 0));
    if (found && !tracer.touchesMasked(sql)) t.fail(`touchesMasked denies it: ${sql}`);
  }
  t.comment(outcomes);
  t.ok((outcomes.columns ?? 0) > 1000);
});
