/**
 * Runs in a host's mounts, where SQLite finds the store: it resolves links, so /proc/PID/root leads it elsewhere.
 * Usage: query.ts SQL [VALUE…]. One JSON array of rows on standard output.
 */
import Database from 'better-sqlite3';

const [sql = '', ...values] = process.argv.slice(2);
const db = new Database('/var/lib/hopline/hopline.db', { readonly: true });
process.stdout.write(JSON.stringify(db.prepare(sql).all(values)));
