export interface Terms {
  /** Values for its parameters. */
  readonly parameters?: readonly string[];
  /** The grammar of a server later than 15. */
  readonly newer?: true;
  /** The server refuses it when it is run. */
  readonly fails?: RegExp;
  readonly mayPass?: true;
  /** Not run: it would leave the transaction, or the database. */
  readonly unrun?: true;
}

/** A statement, and what is expected of its trace, as `summary` has it. */
export type Case = readonly [sql: string, expected: string, terms?: Terms];
