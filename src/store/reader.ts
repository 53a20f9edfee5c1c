import { statSync } from 'node:fs';
import Sqlite, { type Database } from 'better-sqlite3';
import { type ApprovalQueries, approvalQueries } from './approvals.ts';
import { translate } from './errors.ts';
import { type LinkQueries, linkQueries } from './links.ts';
import { type Lookups, lookups } from './lookup.ts';
import { type Queries, queries } from './query.ts';
import { type RecoveryQueries, recoveryQueries } from './recover.ts';
import { type TreeQuery, treeQuery } from './tree.ts';

export interface Stats {
  readonly logins: number;
  readonly openLogins: number;
  /** The highest process id: so many images, less what a crash left out. */
  readonly processes: number;
  readonly hops: number;
  readonly handoffs: number;
  readonly notices: number;
  /** Database and write-ahead log on disk. */
  readonly bytes: number;
  /** Migrations that were applied. */
  readonly schema: number;
}

/** The read side, on a connection that cannot write. Every call sees what was committed when it began. */
export interface Reader extends Queries, Lookups, RecoveryQueries, ApprovalQueries, LinkQueries, Disposable {
  readonly tree: TreeQuery;
  stats(): Stats;
}

/**
 * @param path a store that `openStore` has made
 * @param boot the boot id of now
 * @throws StoreError when it is not there or not usable
 */
export function openReader(path: string, boot: string): Reader {
  let db: Database;
  try {
    db = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: 5000 });
    const lists = queries(db, boot);
    const lookup = lookups(db, boot, lists);
    return {
      ...lists,
      ...lookup,
      ...recoveryQueries(db, lists.openLogins),
      ...approvalQueries(db),
      ...linkQueries(db),
      tree: treeQuery(db, lists, lookup),
      stats: () => stats(db, path, lists),
      [Symbol.dispose]: () => void db.close(),
    };
  } catch (error) {
    throw translate(error, `reading the store ${path}`);
  }
}

function stats(db: Database, path: string, lists: Queries): Stats {
  // Nothing is ever deleted, so the highest row number is the count.
  const top = (table: string, column: string) =>
    db.prepare<[], number>(`SELECT ifnull(max(${column}), 0) FROM ${table}`).pluck().get() ?? 0;
  const size = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return {
    logins: top('logins', 'seq'),
    openLogins: lists.openLogins().length,
    processes: top('processes', 'id'),
    hops: top('hops', 'seq'),
    handoffs: top('handoffs', 'id'),
    notices: top('notices', 'id'),
    bytes: size(path) + size(`${path}-wal`),
    schema: db.prepare<[], number>('SELECT count(*) FROM __drizzle_migrations').pluck().get() ?? 0,
  };
}
