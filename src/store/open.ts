import { closeSync, openSync, statSync } from 'node:fs';
import Sqlite, { type Database } from 'better-sqlite3';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import type { Micros } from '../core/types.ts';
import { Writer } from './append.ts';
import { StoreError, StoreFullError, translate } from './errors.ts';
import { migrate } from './migrate.ts';
import { openReader, type Reader } from './reader.ts';
import { markEnded } from './recover.ts';

const MIGRATIONS = `${import.meta.dirname}/migrations`;

export interface StoreOptions {
  /** The database file; its directory has to be there. */
  readonly path: string;
  /** The kernel's boot id: `/proc/sys/kernel/random/boot_id`. */
  readonly boot: string;
  readonly now?: () => Micros;
}

/** How the store was left by whoever wrote it last. */
export interface Previous {
  /** It was not closed: the daemon was killed, or the machine stopped. */
  readonly unclean: boolean;
  readonly boot: string | null;
  /** When the last login, process, hop, exit or notice happened that was recorded; null in a new store. */
  readonly lastWrite: Micros | null;
}

export interface Store extends Disposable {
  readonly writer: Writer;
  readonly reader: Reader;
  readonly previous: Previous;
  close(): void;
}

/**
 * Opens the store for its one writer, creates or migrates it, and checks it where the machine itself went down.
 * @throws StoreError `newer`, `corrupt`, `open` or `full`, each with what to do
 */
export function openStore(options: StoreOptions): Store {
  const { path, boot } = options;
  const now = options.now ?? (() => Date.now() * 1000);
  const db = connect(path);
  try {
    const fresh = !hasTable(db, '__drizzle_migrations');
    if (!fresh) refuseNewer(db, path);
    migrate(db, MIGRATIONS);
    const previous = fresh ? { unclean: false, boot: null, lastWrite: null } : readPrevious(db);
    // After a mere kill the kernel still had every page that was written; only a machine that stopped can tear one.
    if (previous.unclean && previous.boot !== boot) check(db, path);
    const writer = new Writer(db, boot);
    writer.batch(() => {
      markEnded(db, writer, now());
      writer.insertMeta(now(), 'open', boot);
    });
    const reader = openReader(path, boot);
    const close = () => {
      if (!db.open) return;
      reader[Symbol.dispose]();
      try {
        writer.insertMeta(now(), 'close', boot);
      } catch (error) {
        // Without the row the next start says "not closed", which on a full disk is the best there is.
        if (!(error instanceof StoreFullError)) throw error;
      } finally {
        db.close();
      }
    };
    return { writer, reader, previous, close, [Symbol.dispose]: close };
  } catch (error) {
    db.close();
    throw translate(error, `opening the store ${path}`);
  }
}

function connect(path: string): Database {
  try {
    // SQLite gives its -wal and -shm the mode of the database: nobody but the owner and the group reads them.
    closeSync(openSync(path, 'a', 0o640));
    const db = new Sqlite(path, { timeout: 5000 });
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = NORMAL');
    db.pragma('foreign_keys = ON');
    db.pragma('recursive_triggers = ON');
    // A checkpoint stops everything for as long as it takes to sync: after 32 MB, not after each hundred hops.
    db.pragma('wal_autocheckpoint = 8192');
    db.pragma(`journal_size_limit = ${64 << 20}`);
    return db;
  } catch (error) {
    const known = translate(error, `opening the store ${path}`);
    if (known instanceof StoreError && known.code === 'corrupt') throw corrupt(path, known.message, error);
    if (known instanceof StoreError && known.code !== 'other') throw known;
    const message = error instanceof Error ? error.message : String(error);
    throw new StoreError('open', `cannot open the store ${path}: ${message}`, error);
  }
}

function hasTable(db: Database, name: string): boolean {
  return db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(name) !== undefined;
}

function refuseNewer(db: Database, path: string): void {
  const known = new Set(readMigrationFiles({ migrationsFolder: MIGRATIONS }).map((one) => one.hash));
  const applied = db.prepare<[], string>('SELECT hash FROM __drizzle_migrations').pluck().all();
  const unknown = applied.filter((hash) => !known.has(hash)).length;
  if (unknown === 0) return;
  throw new StoreError(
    'newer',
    `the store ${path} has ${unknown} change(s) of schema that this version does not know: it was written by a ` +
      'newer Hopline. Install that version again, or move the file away to start with an empty store.',
  );
}

function readPrevious(db: Database): Previous {
  const last = db
    .prepare<[], { key: string; value: string }>(
      "SELECT key, value FROM meta WHERE key IN ('open', 'close') ORDER BY seq DESC LIMIT 1",
    )
    .get();
  const lastWrite = db
    .prepare<[], Micros | null>(
      `SELECT max(at) FROM (SELECT max(at) AS at FROM meta
       UNION ALL SELECT max(started) FROM logins UNION ALL SELECT max(at) FROM notices
       UNION ALL SELECT max(started) FROM hops
       UNION ALL SELECT started FROM processes WHERE id = (SELECT max(id) FROM processes)
       UNION ALL SELECT at FROM process_exits WHERE process = (SELECT max(process) FROM process_exits))`,
    )
    .pluck()
    .get();
  return { unclean: last?.key === 'open', boot: last?.value ?? null, lastWrite: lastWrite ?? null };
}

function check(db: Database, path: string): void {
  const found = db.prepare<[], string>('PRAGMA quick_check(3)').pluck().all();
  if (found.length === 1 && found[0] === 'ok') return;
  throw corrupt(path, found.join('; '));
}

function corrupt(path: string, found: string, cause?: unknown): StoreError {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return new StoreError(
    'corrupt',
    `the store ${path} (${size} bytes) is damaged: ${found}. Keep it as evidence (mv ${path} ${path}.damaged), ` +
      `save what can be read (sqlite3 ${path}.damaged .recover), and start with an empty store.`,
    cause,
  );
}
