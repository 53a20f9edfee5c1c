import type { Database, Statement } from 'better-sqlite3';
import { StoreFullError, translate } from './errors.ts';

/** The one place where the writing connection is used: transactions that nest, and errors under their own names. */
export class Transactor {
  readonly #db: Database;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #rollback: Statement;
  readonly #mark: Statement;
  readonly #release: Statement;
  readonly #undo: Statement;
  #depth = 0;

  constructor(db: Database) {
    this.#db = db;
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#rollback = db.prepare('ROLLBACK');
    this.#mark = db.prepare('SAVEPOINT batch');
    this.#release = db.prepare('RELEASE batch');
    this.#undo = db.prepare('ROLLBACK TO batch');
  }

  /** Whether a batch runs. */
  get active(): boolean {
    return this.#depth > 0;
  }

  /**
   * Runs `fn` in one transaction; a batch inside a batch is undone by itself when it throws.
   * @throws StoreFullError when the disk is full: then the outermost batch is lost as a whole
   */
  batch<T>(fn: () => T): T {
    const nested = this.#depth > 0;
    this.#execute(nested ? this.#mark : this.#begin, 'starting a transaction');
    this.#depth++;
    try {
      const result = fn();
      if (result instanceof Promise) throw new TypeError('a batch is synchronous: it cannot wait');
      this.#execute(nested ? this.#release : this.#commit, 'committing');
      return result;
    } catch (error) {
      // On a full disk SQLite may have rolled everything back by itself.
      if (this.#db.inTransaction) {
        if (nested) {
          this.#undo.run();
          this.#release.run();
        } else this.#rollback.run();
      }
      throw error;
    } finally {
      this.#depth--;
    }
  }

  /** Runs an insert. @returns whether there was a new row, and its number */
  insert(statement: Statement, values: readonly unknown[], what: string): { added: boolean; row: number } {
    const { changes, lastInsertRowid } = this.#execute(statement, `recording ${what}`, values);
    return { added: changes > 0, row: Number(lastInsertRowid) };
  }

  #execute(statement: Statement, doing: string, values: readonly unknown[] = []) {
    // Threat: after SQLite's own rollback inside a batch, later inserts would each commit alone: half a batch.
    if (this.#depth > 0 && !this.#db.inTransaction) {
      throw new StoreFullError(`${doing}: the transaction was rolled back when the disk was full`);
    }
    try {
      return statement.run(values);
    } catch (error) {
      throw translate(error, doing);
    }
  }
}
