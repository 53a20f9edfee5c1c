/**
 * The masking of one session: keeps what is known of the database true while statements change it, and says of each
 * statement how its answer is shown. What can't be told is not run.
 */
import type { Scan } from '../../../masking/scan.ts';
import type { Masking } from '../../room.ts';
import type { SessionFacts } from '../actions.ts';
import type { Answers } from '../awaited.ts';
import type { Catalogue } from '../lineage/index.ts';
import type { TransactionStatus } from '../messages.ts';
import type { Statement } from '../sql/statement.ts';
import { type Ask, type Known, readCatalogue, readPath } from './catalogues.ts';
import { scanOf } from './detected.ts';
import { effectOf, needsView } from './effects.ts';
import { type Masks, masksOf } from './masks.ts';
import { type Plan, type Refused, scanning } from './plan.ts';
import { type Plans, plansOf } from './plans.ts';

/** Other sessions change the database too, which is looked for this often. Milliseconds. */
const STALE = 10_000;

/** What is not there is looked for no more often. Milliseconds. */
const PAUSE = 300;

const UNSETTLED =
  'what it shows cannot be told from masked values while what came before it in the same message may have changed what its names mean: send it by itself';

export interface SessionMaskingOptions {
  readonly masking: Masking;
  readonly session: SessionFacts;
  /** Which database it is, of all that a worker may come to. */
  readonly database: string;
  readonly answers: Answers;
  readonly ask: Ask;
  status(): TransactionStatus;
  /** The session's client_encoding. */
  encoding(): string;
}

/** What is known, and by which search path. */
interface View {
  readonly known: Known;
  readonly catalogue: Catalogue;
  readonly masks: Masks;
  readonly plans: Plans;
  /** Milliseconds, monotonic. */
  readonly at: number;
}

export class SessionMasking {
  readonly #options: SessionMaskingOptions;
  readonly #scan: Scan | null;
  #view: View | null = null;
  /** Why there is none. */
  #why = 'the catalogue of the database was not read';
  /** Something ran since that may have changed what names mean, or what there is. */
  #path = false;
  #catalogue = false;
  /** The open transaction has done so: its end, or a part of it taken back, may undo it. */
  #unsettledPath = false;
  #unsettledCatalogue = false;
  #changes = 0;

  constructor(options: SessionMaskingOptions) {
    this.#options = options;
    this.#scan = scanOf(options.masking, options.session);
  }

  /** Names for the record, in place of masks, where policies are only observed. */
  get observed(): boolean {
    return this.#options.masking.observed;
  }

  /**
   * Makes sure that what is known is true when these statements come to the server.
   * @param statements null: they are not known yet
   * @returns null where nothing has to be waited for; else to be waited for before they are decided. Never rejects.
   */
  prepare(statements: readonly Statement[] | null): Promise<void> | null {
    const { answers, status } = this.#options;
    const waits = (): boolean =>
      statements?.every((statement) => this.#waitsForOthers(statement)) !== true &&
      // In the midst of the extended protocol's messages nothing can be asked, nor in a failed transaction.
      answers.settles;
    if (!waits() || (status() === 'E' && this.#view !== null)) return null;
    if (!this.#due() && !this.#missing(statements ?? [])) return null;
    return answers.idle().then(() => (status() === 'E' || !waits() ? undefined : this.#refresh()));
  }

  /**
   * What needs no view may begin a batch of statements that do, in whose midst nothing can be asked. But within a transaction
   * SET TRANSACTION has to come before any query, ours too.
   */
  #waitsForOthers(statement: Statement): boolean {
    if (needsView(statement)) return false;
    return this.#options.status() !== 'I' && statement.transaction !== 'savepoint';
  }

  /**
   * How the answer to a statement is shown, of EXECUTE with what was prepared as `inner`. FETCH shows what its cursor does.
   */
  plan(statement: Statement): Plan | Refused | null {
    if (!needsView(statement)) return null;
    const { encoding } = this.#options;
    const view = this.#view;
    if (view === null) return { refused: `what it shows cannot be told from masked values: ${this.#why}` };
    if (view.masks.none && statement.verb !== 'copy') return scanning(this.#scan);
    if (this.unsettled) return { refused: UNSETTLED };
    const { verb, inner, text } = statement;
    if (verb !== 'execute') return view.plans.of(text, encoding());
    if (inner === null) return { refused: 'what was prepared under its name is not known' };
    // What it is given, a function may have read.
    const given = view.plans.opaqueCall(text);
    return given === null
      ? view.plans.of(inner.text, encoding())
      : { refused: `${given} would be called for a parameter, and can't be followed` };
  }

  /** Something that is on its way may have changed what names mean. */
  get unsettled(): boolean {
    return this.#view?.masks.none !== true && (this.#path || this.#catalogue);
  }

  /** How much has run that may have changed what names mean. */
  get changes(): number {
    return this.#changes;
  }

  /** It is on its way to the server. */
  ran(statement: Statement, plan: Plan | Refused | null): void {
    const effect = effectOf(statement, plan, this.#view?.catalogue ?? null);
    if (effect !== 'none') {
      this.#changes += 1;
      this.#path = this.#unsettledPath = true;
    }
    if (effect === 'catalogue') this.#catalogue = this.#unsettledCatalogue = true;
    if (statement.transaction !== null) this.#undone();
  }

  /** The server has said how the transaction stands. */
  ready(status: TransactionStatus): void {
    if (status !== 'I') return;
    this.#undone();
    this.#unsettledPath = false;
    this.#unsettledCatalogue = false;
  }

  #undone(): void {
    this.#path ||= this.#unsettledPath;
    this.#catalogue ||= this.#unsettledCatalogue;
  }

  /** Whether an error that names this relation may quote masked values. */
  concerns(schema: string | undefined, table: string | undefined): boolean {
    if (this.#view === null || schema === undefined || table === undefined) return false;
    return this.#view.masks.concerns(schema, table);
  }

  /** Whether a column, by the numbers that the server has for it, is masked as such. */
  hides(relation: number, attnum: number): boolean {
    return this.#view?.masks.hides(relation, attnum) === true;
  }

  #due(): boolean {
    const view = this.#view;
    return view === null || this.#path || this.#catalogue || performance.now() - view.at > STALE;
  }

  /** They name what is not known: somebody may have made it a moment ago. */
  #missing(statements: readonly Statement[]): boolean {
    const view = this.#view;
    if (view === null || view.masks.none || performance.now() - view.at < PAUSE) return false;
    const unknown = statements.some(({ reads, writes }) =>
      [...reads, ...writes].some(({ schema, name }) => view.catalogue.relation(schema, name) === null),
    );
    this.#catalogue ||= unknown;
    return unknown;
  }

  async #refresh(): Promise<void> {
    const { ask, status, database } = this.#options;
    const view = this.#view;
    try {
      if (view !== null && !this.#catalogue && performance.now() - view.at <= STALE)
        this.#see(view.known, await readPath(view.known, ask), view.at);
      else {
        const { known, catalogue } = await readCatalogue(database, ask, status);
        this.#see(known, catalogue, performance.now());
      }
      this.#path = false;
      this.#catalogue = false;
    } catch (error) {
      this.#view = null;
      this.#why = `the catalogue of the database cannot be read (${error instanceof Error ? error.message : error})`;
    }
  }

  #see(known: Known, catalogue: Catalogue, at: number): void {
    const { masking, session } = this.#options;
    const masks = masksOf(known.snapshot, masking, session);
    this.#view = { known, catalogue, masks, at, plans: plansOf(catalogue, masks, this.#scan) };
  }
}
