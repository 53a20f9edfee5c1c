/**
 * Applies the migrations that drizzle-kit generated, in the table that drizzle's own migrator keeps. That one takes
 * all of the ORM with it, of every dialect: 100 MB that the supervisor would hold for its whole life.
 */
import type { Database } from 'better-sqlite3';
import { readMigrationFiles } from 'drizzle-orm/migrator';

const TABLE = `CREATE TABLE IF NOT EXISTS __drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric)`;

/**
 * All that are missing, or none: one transaction. One that makes a table anew drops it first, with what refers to it
 * still there: so SQLite asks for foreign keys to be off (https://sqlite.org/lang_altertable.html section 7). Throws
 * SQLite's own errors.
 */
export function migrate(db: Database, folder: string): void {
  const keys = db.pragma('foreign_keys', { simple: true });
  db.pragma('foreign_keys = OFF');
  try {
    apply(db, folder);
  } finally {
    db.pragma(`foreign_keys = ${keys}`);
  }
}

function apply(db: Database, folder: string): void {
  db.transaction(() => {
    db.exec(TABLE);
    const last = db
      .prepare<[], number | null>('SELECT max(CAST(created_at AS INTEGER)) FROM __drizzle_migrations')
      .pluck()
      .get();
    const insert = db.prepare('INSERT INTO __drizzle_migrations (hash, created_at) VALUES (?, ?)');
    for (const { sql, hash, folderMillis } of readMigrationFiles({ migrationsFolder: folder })) {
      if (last !== undefined && last !== null && last >= folderMillis) continue;
      for (const statement of sql) db.exec(statement);
      insert.run(hash, folderMillis);
    }
  }).immediate();
}
