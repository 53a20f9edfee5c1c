/**
 * The catalogues of databases, read in a client's own session while nothing else is under way in it, and shared by the
 * sessions of one worker: each asks only whether what is known is still so.
 *
 * Limit: a transaction that is repeatable read sees the catalogue as of its own beginning, though statements in it are
 * read by the newest.
 */
import {
  AFTER,
  AFTER_WITHIN,
  assemble,
  BEFORE,
  BEFORE_WITHIN,
  CATALOGUE_SQL,
  type CatalogueRows,
  catalogueOf,
  FINGERPRINT_SQL,
  type Row,
  readSearchPath,
  SEARCH_PATH_SQL,
  type SearchPath,
  type Snapshot,
} from '../lineage/catalogue.ts';
import type { Catalogue } from '../lineage/index.ts';
import type { TransactionStatus } from '../messages.ts';
import type { OwnAnswer } from '../own-query.ts';

/** Databases whose catalogue is kept. */
const MOST_KEPT = 16;
/** Search paths by which one of them is seen. */
const MOST_VIEWS = 64;

/** The catalogue can't be read: nothing of this database can be told apart. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError';
}

export interface Known {
  readonly fingerprint: string;
  readonly snapshot: Snapshot;
  /** By search path, so that sessions share what is worked out of it. */
  readonly views: Map<string, Catalogue>;
}

export type Ask = (sql: string) => Promise<OwnAnswer>;

const catalogues = new Map<string, Known>();

export interface Seen {
  readonly known: Known;
  readonly catalogue: Catalogue;
}

/**
 * @param address which database it is, of all that a worker may come to; several servers may be behind it
 * @param ask a query of Hopline's own in the session
 * @throws UnreadableError with the server's words
 */
export async function readCatalogue(
  address: string,
  ask: Ask,
  status: () => TransactionStatus,
): Promise<Seen> {
  const [[print]] = (await within([FINGERPRINT_SQL], ask, status)) as [Row[]];
  const [server, fingerprint] = [print?.[0] ?? '', print?.[1] ?? ''];
  const database = `${address} ${server}`;
  let known = catalogues.get(database);
  if (known === undefined || known.fingerprint !== fingerprint) {
    const names = Object.keys(CATALOGUE_SQL) as (keyof typeof CATALOGUE_SQL)[];
    const [again, ...rows] = await within(
      [FINGERPRINT_SQL, ...names.map((name) => CATALOGUE_SQL[name])],
      ask,
      status,
    );
    const read = Object.fromEntries(names.map((name, at) => [name, rows[at] ?? []]));
    known = {
      fingerprint: again?.[0]?.[1] ?? '',
      snapshot: assemble(read as unknown as CatalogueRows),
      views: new Map(),
    };
    catalogues.delete(database);
    catalogues.set(database, known);
    const [oldest] = catalogues.keys();
    if (catalogues.size > MOST_KEPT && oldest !== undefined) catalogues.delete(oldest);
  }
  return { known, catalogue: await readPath(known, ask) };
}

/** The same catalogue, by the session's search path as it is now. @throws UnreadableError */
export async function readPath(known: Known, ask: Ask): Promise<Catalogue> {
  const { rows, error } = await ask(SEARCH_PATH_SQL);
  const [row] = rows[0] ?? [];
  if (error !== null || row === undefined) throw new UnreadableError(error?.message ?? 'no search path');
  return seenBy(known, readSearchPath(row));
}

function seenBy({ snapshot, views }: Known, path: SearchPath): Catalogue {
  const key = JSON.stringify([path.schemas, path.temporary]);
  const before = views.get(key);
  if (before !== undefined) return before;
  const catalogue = catalogueOf(snapshot, path);
  if (views.size >= MOST_VIEWS) views.clear();
  views.set(key, catalogue);
  return catalogue;
}

/** Runs statements between BEFORE and AFTER. @returns the rows of each */
async function within(
  statements: readonly string[],
  ask: Ask,
  status: () => TransactionStatus,
): Promise<readonly (readonly Row[])[]> {
  const inside = status() !== 'I';
  const [before, after] = inside ? [BEFORE_WITHIN, AFTER_WITHIN] : [BEFORE, AFTER];
  const { rows, error } = await ask([before, ...statements, after].join(';'));
  if (error === null) return rows.slice(2, 2 + statements.length);
  // The session is to be as it was.
  if (status() !== 'I') await ask(inside ? AFTER_WITHIN : 'ROLLBACK');
  throw new UnreadableError(error.message);
}
