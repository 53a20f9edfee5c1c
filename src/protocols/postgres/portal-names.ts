/**
 * Which portals there are, as far as messages and statements make them. Threat: a function can open a cursor by a name
 * that another had, so a name is forgotten when the server lets go of it: with CLOSE, and with the transaction or the
 * part of it that is taken back.
 */
import type { TransactionStatus } from './messages.ts';
import { Names } from './names.ts';
import type { Prepared } from './prepared.ts';

export class PortalNames extends Names<Prepared> {
  /** The open transaction has savepoints. */
  #within = false;
  /** It has failed, and was not brought back. */
  #failed = false;

  override confirm(name: string, value: Prepared): void {
    value.within = this.#within;
    super.confirm(name, value);
  }

  /** SAVEPOINT. */
  marked(): void {
    this.#within = true;
  }

  /** ROLLBACK TO. Which savepoint it names is not looked at: what was made after any is forgotten. */
  wentBack(): void {
    this.#failed = false;
    this.keep(({ within }) => !within);
  }

  /** A statement has failed. */
  failed(): void {
    this.#failed = true;
  }

  /** The transaction is over. @param undone it was taken back */
  ended(undone: boolean): void {
    const gone = undone || this.#failed;
    this.keep((portal) => {
      if (!portal.held || (gone && !portal.committed)) return false;
      portal.committed = true;
      portal.within = false;
      return true;
    });
    this.#within = this.#failed = false;
  }

  ready(status: TransactionStatus): void {
    if (status === 'I') this.ended(false);
  }
}
