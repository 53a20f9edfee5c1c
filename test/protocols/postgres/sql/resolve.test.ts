import t from 'tap';
import {
  Analyser,
  loadParser,
  resolve,
  type Statement,
} from '../../../../src/protocols/postgres/sql/index.ts';
import { summary } from './summary.ts';

await loadParser();
const analyser = new Analyser();

/** The last statement of a message, with the names that those before it made. */
function last(sql: string): string {
  const prepared = new Map<string, Statement | null>();
  const cursors = new Map<string, Statement | null>();
  const { statements } = analyser.analyse(sql);
  for (const { verb, prepared: name, cursor, inner } of statements) {
    if (verb === 'prepare' && name !== null) prepared.set(name, inner);
    if (verb === 'declare' && cursor !== null) cursors.set(cursor, inner);
  }
  const names = {
    prepared: (name: string) => prepared.get(name) ?? null,
    cursor: (name: string) => cursors.get(name) ?? null,
  };
  const statement = statements.at(-1);
  if (statement === undefined) return '';
  return summary({ statements: [resolve(statement, names)], error: null, normalised: null }).join();
}

const ROWS: readonly (readonly [string, string])[] = [
  [
    'prepare p as delete from t where a = 1; execute p',
    'execute: write execute | writes t | columns a | where | prepared p | runs {delete from t where a = 1}',
  ],
  [
    'prepare "P" as select b from t limit 1; execute "P" (f(1))',
    'execute: read execute | reads t | columns b | calls f | no where | limit | prepared P | runs {select b from t limit 1}',
  ],
  ['execute p', 'execute: execute unknown | prepared p | unknown EXECUTE of an unknown prepared statement'],
  [
    "prepare p as select query_to_xml('x', true, false, ''); execute p",
    "execute: read execute unknown | calls query_to_xml | prepared p | unknown SQL as text in query_to_xml | runs {select query_to_xml('x', true, false, '')}",
  ],
  [
    "prepare p as select set_config('role', 'bob', false); execute p",
    "execute: read privilege session execute | calls set_config | role bob | prepared p | runs {select set_config('role', 'bob', false)}",
  ],
  [
    'prepare p as delete from t; explain execute p',
    'explain: utility | writes t | no where | holds {execute p}',
  ],
  [
    'prepare p as delete from t; explain analyze execute p',
    'explain: write execute utility | writes t | no where | runs {execute p}',
  ],
  [
    'prepare p as select a from t where b; create table n as execute p',
    'create: read write ddl execute | reads t | writes n | columns a, b | where | prepared p | runs {select a from t where b}',
  ],
  [
    'declare c cursor for select a from t; fetch 10 from c',
    'fetch: read | reads t | columns a | no where | cursor c | runs {select a from t}',
  ],
  ['fetch c', 'fetch: read unknown | cursor c | unknown FETCH from an unknown cursor'],
  ['select a from t', 'select: read | reads t | columns a | no where'],
  ['declare c cursor for select a from t; close c', 'close: session | cursor c'],
];

for (const [sql, expected] of ROWS) t.test(sql, async (t) => t.equal(last(sql), expected));
