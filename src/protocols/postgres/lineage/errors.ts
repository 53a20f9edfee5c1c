/** Why a statement can't be traced. Caught where a statement, or a definition that it reads, is begun. */

/** Nothing can be said about the statement. */
export class Untraceable extends Error {
  override readonly name: string = 'Untraceable';
}

/** It is too large or too deep; smaller parts of it might be traced. */
export class Exhausted extends Untraceable {
  override readonly name = 'Exhausted';
}
