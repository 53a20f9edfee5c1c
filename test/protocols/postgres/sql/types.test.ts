/** Nothing of PostgreSQL 18's grammar is without an answer: every statement has a verb, every place for a relation is looked into. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Node } from '@pgsql/types';
import t from 'tap';
import { describe } from '../../../../src/protocols/postgres/sql/describe.ts';
import { loadParser } from '../../../../src/protocols/postgres/sql/index.ts';

await loadParser();
const TYPES = createRequire(import.meta.url)
  .resolve('@pgsql/types')
  .replace(/index\.js$/, 'types.d.ts');
const source = readFileSync(TYPES, 'utf8');

/** Every interface with its fields. */
const interfaces = new Map(
  [...source.matchAll(/export interface (\w+) \{([^}]*)\}/g)].map(([, name, body]) => [
    name ?? '',
    [...(body ?? '').matchAll(/(\w+)\?: (\w+)/g)].map(([, field, type]) => ({
      field: field ?? '',
      type: type ?? '',
    })),
  ]),
);

/** Not what a client sends: after analysis, or inside of others. */
const INTERNAL = new Set([
  'PlannedStmt',
  'RawStmt',
  'SetOperationStmt',
  'PLAssignStmt',
  'ReplicaIdentityStmt',
]);

t.test('every statement has a verb', async (t) => {
  const statements = [...interfaces.keys()].filter((name) => name.endsWith('Stmt') && !INTERNAL.has(name));
  t.ok(statements.length > 110, `${statements.length} statements`);
  for (const name of statements) {
    const kind = name === 'TransactionStmt' ? { kind: 'TRANS_STMT_BEGIN' } : {};
    const { statement } = describe({ [name]: kind } as unknown as Node, { text: '', start: 0 }, true);
    t.not(statement.verb, 'unknown', name);
  }
  const { statement } = describe({ NewStmt: {} } as unknown as Node, { text: '', start: 0 }, true);
  t.strictSame([statement.verb, statement.kinds, statement.known], ['unknown', ['unknown'], false]);
});

/** Types whose relation is that of a planned query, of replication's catalogue, or a type's name. */
const ELSEWHERE = new Set(['ColumnDef', 'CompositeTypeStmt']);

t.test('a relation in any field of any statement is found', async (t) => {
  const range = { relname: 'secrets', inh: true, relpersistence: 'p' };
  let fields = 0;
  for (const [name, all] of interfaces)
    for (const { field, type } of all) {
      if (type !== 'RangeVar' || ELSEWHERE.has(name)) continue;
      fields += 1;
      const node = { [name]: { [field]: range, ...(name === 'LockStmt' ? { mode: 8 } : {}) } };
      const held = name.endsWith('Stmt') ? node : { CreateSchemaStmt: { schemaElts: [node] } };
      const { statement } = describe(held as unknown as Node, { text: '', start: 0 }, true);
      const found = [...statement.reads, ...statement.writes].some((each) => each.name === 'secrets');
      t.ok(found, `${name}.${field}`);
    }
  t.ok(fields > 25, `${fields} fields`);
});
