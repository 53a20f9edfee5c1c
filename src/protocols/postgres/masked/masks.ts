/** Which columns of a database are masked for a person, and how: asked of the policies once for each catalogue. */
import { FULL, type MaskForm, MaskFormError, parseMaskForm } from '../../../masking/forms.ts';
import type { Masking } from '../../room.ts';
import type { SessionFacts } from '../actions.ts';
import type { Snapshot } from '../lineage/catalogue.ts';
import type { CatalogueRelation, Masked, Origin } from '../lineage/index.ts';

/** Come with the server, and hold nothing of the columns that policies name but what lineage follows by itself. */
const SYSTEM = /^(?:pg_catalog|information_schema|pg_toast.*)$/;

export interface Masks {
  /** No column is. */
  readonly none: boolean;
  readonly masked: Masked;
  /** `pg_class.oid`, `pg_attribute.attnum`; of what is no column 0. */
  hides(relation: number, attnum: number): boolean;
  /** Of a column that is masked. */
  form(origin: Origin): MaskForm;
  /** `schema.table.column`, for the record. */
  name(origin: Origin): string;
  /** Whether a relation with a masked column has this name. */
  concerns(schema: string, table: string): boolean;
}

const known = new WeakMap<Snapshot, Map<string, Masks>>();

/** @returns the same object for the same snapshot, person and policies */
export function masksOf(snapshot: Snapshot, masking: Masking, session: SessionFacts): Masks {
  const bySubject = known.get(snapshot) ?? new Map<string, Masks>();
  known.set(snapshot, bySubject);
  const key = JSON.stringify([masking.subject, session]);
  const before = bySubject.get(key);
  if (before !== undefined) return before;
  const masks = workOut(snapshot, masking, session);
  // Chains differ from connection to connection; what policies said for other versions is let go of with them.
  if (bySubject.size >= 64) bySubject.clear();
  bySubject.set(key, masks);
  return masks;
}

function workOut({ relations }: Snapshot, masking: Masking, session: SessionFacts): Masks {
  const forms = new Map<number, Map<number, MaskForm>>();
  const names = new Set<string>();
  for (const relation of relations.values()) {
    if (SYSTEM.test(relation.schema)) continue;
    const own = formsOf(relation, masking, session);
    if (own.size === 0) continue;
    forms.set(relation.oid, own);
    names.add(`${relation.schema}\0${relation.name}`);
  }
  return {
    none: forms.size === 0,
    masked: ({ oid }, attnum) => forms.get(oid)?.has(attnum) === true,
    hides: (relation, attnum) => forms.get(relation)?.has(attnum) === true,
    form: ({ relation, attnum }) => forms.get(relation)?.get(attnum) ?? FULL,
    name({ relation, attnum }) {
      const found = relations.get(relation);
      const column = found?.columns.find((each) => each.attnum === attnum)?.name ?? attnum;
      return found === undefined ? `${relation}.${attnum}` : `${found.schema}.${found.name}.${column}`;
    },
    concerns: (schema, table) => names.has(`${schema}\0${table}`),
  };
}

function formsOf(
  { schema, name, columns }: CatalogueRelation,
  masking: Masking,
  session: SessionFacts,
): Map<number, MaskForm> {
  const forms = new Map<number, MaskForm>();
  for (const column of columns) {
    const tags = masking.tagsOf(schema, name, column.name);
    const where = { database: session.database, databaseUser: session.role, schema, table: name };
    const { mask } = masking.reveal({ ...where, column: column.name, tags });
    if (mask !== null) forms.set(column.attnum, formOf(mask, masking));
  }
  return forms;
}

/** A form that cannot be used masks all the same. */
export function formOf(text: string, { key }: Masking): MaskForm {
  try {
    return parseMaskForm(text, key);
  } catch (error) {
    if (error instanceof MaskFormError) return FULL;
    throw error;
  }
}
