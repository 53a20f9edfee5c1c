import type { Running } from './awaited.ts';
import type { Proposal } from './statements.ts';

/** The statements of one simple query, as the server comes to them. */
export class Run {
  readonly running: Running[] = [];
  readonly #proposals: (Proposal | null)[] = [];
  #over = 0;

  add(running: Running, proposal: Proposal | null): void {
    this.running.push(running);
    this.#proposals.push(proposal);
  }

  readonly done = (at: number): void => {
    this.#over = at + 1;
    this.#proposals[at]?.done();
  };

  readonly failed = (): void => {
    for (const proposal of this.#proposals.slice(this.#over)) proposal?.failed();
  };
}
