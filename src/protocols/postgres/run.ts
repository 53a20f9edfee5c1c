import type { Awaited, Running } from './awaited.ts';
import { type CopyIn, mayCopyIn } from './copy-in.ts';
import type { Statement } from './sql/statement.ts';
import type { Proposal } from './statements.ts';
import { unsettles } from './unsettled.ts';

/** The statements of one simple query, as the server comes to them. */
export class Run {
  readonly running: Running[] = [];
  readonly #proposals: (Proposal | null)[] = [];
  readonly #copyIn: CopyIn | null;
  #copies = false;
  #unsettles = false;
  #over = 0;

  /** @param copyIn null: there is nothing in it */
  constructor(copyIn: CopyIn | null = null) {
    this.#copyIn = copyIn;
  }

  add(running: Running, proposal: Proposal | null, statement: Statement): void {
    this.running.push(running);
    this.#proposals.push(proposal);
    this.#copies ||= mayCopyIn(statement);
    this.#unsettles ||= unsettles([statement]);
  }

  /** On its way to the server now. */
  awaited(): Pick<Awaited, 'running' | 'done' | 'failed' | 'unsettles' | 'copies'> {
    const copies = this.#copies ? (this.#copyIn?.asked(true) ?? null) : null;
    const { running, done, failed } = this;
    return { running, done, failed, unsettles: this.#unsettles, copies };
  }

  readonly done = (at: number): void => {
    this.#over = at + 1;
    this.#proposals[at]?.done();
  };

  readonly failed = (): void => {
    for (const proposal of this.#proposals.slice(this.#over)) proposal?.failed();
  };
}
