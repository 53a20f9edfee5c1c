/** What a statement may change of what names mean, so that what is known has to be looked at again. */
import type { Catalogue } from '../lineage/index.ts';
import type { Statement } from '../sql/statement.ts';
import { isRefused, type Plan, type Refused } from './plan.ts';

/** `path`: where names are looked for. `catalogue`: what there is, too. */
export type Effect = 'none' | 'path' | 'catalogue';

/** They return nothing that is anybody's, and call nothing. */
const PLAIN: ReadonlySet<string> = new Set([
  'begin',
  'start',
  'commit',
  'end',
  'rollback',
  'abort',
  'savepoint',
  'release',
  'set',
  'reset',
  'show',
  'discard',
  'deallocate',
  'close',
  'listen',
  'unlisten',
  'notify',
  'lock',
  'checkpoint',
]);

/** Whether anything has to be known to say what the statement shows. */
export function needsView({ verb, known, functions }: Statement): boolean {
  return !(PLAIN.has(verb) && known && functions.length === 0);
}

export function effectOf(
  statement: Statement,
  plan: Plan | Refused | null,
  catalogue: Catalogue | null,
): Effect {
  const { kinds, verb, known, transaction } = statement;
  if (!known || kinds.includes('ddl') || kinds.includes('privilege') || kinds.includes('execute'))
    return 'catalogue';
  if (verb === 'discard') return 'catalogue';
  if (catalogue === null)
    return needsView(statement) ? 'catalogue' : kinds.includes('session') ? 'path' : 'none';
  // Something in it can't be followed, so neither can what that does.
  if (plan !== null && (isRefused(plan) || plan.opaque)) return 'catalogue';
  const called = functionsOf(statement, catalogue);
  if (called !== 'none') return called;
  if (transaction === 'rollback' || transaction === 'rollback to' || transaction === 'commit') return 'none';
  if (kinds.includes('session') && verb !== 'show') return 'path';
  return acts(statement, catalogue) || readsView(statement, catalogue) ? 'path' : 'none';
}

/** Triggers, and functions of views and the like, may set things. */
function acts({ kinds, writes }: Statement, catalogue: Catalogue): boolean {
  if (!kinds.includes('write')) return false;
  const waiting = writes.map(({ schema, name }) => catalogue.relation(schema, name));
  const seen = new Set(waiting);
  for (const relation of seen) {
    if (relation === null || relation.acts || relation.rules) return true;
    // A row has to be one of its partition's, as those above it say.
    for (const oid of [...relation.children, ...relation.parents]) seen.add(catalogue.byOid(oid));
  }
  return waiting.length === 0;
}

function functionsOf({ functions }: Statement, catalogue: Catalogue): Effect {
  let effect: Effect = 'none';
  for (const written of functions) {
    const parts = written.split('.');
    const name = parts.at(-1) ?? '';
    if (name === 'set_config') effect = 'path';
    const found = catalogue.functions(parts.length > 1 ? (parts[0] ?? '') : null, name);
    if (found.some(({ kind }) => kind !== 'builtin' && kind !== 'c')) return 'catalogue';
  }
  return effect;
}

function readsView({ reads }: Statement, catalogue: Catalogue): boolean {
  return reads.some(({ schema, name }) => {
    const relation = catalogue.relation(schema, name);
    return (
      relation?.kind === 'view' &&
      relation.schema !== 'pg_catalog' &&
      relation.schema !== 'information_schema'
    );
  });
}
