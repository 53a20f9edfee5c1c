/**
 * Queries of Hopline's own in a client's session, while nothing else is under way in it: the client sees nothing of them.
 * They are of the simple protocol, so a message of several statements ends at the first one that fails.
 */
import type { Answers } from './awaited.ts';
import { query } from './encode-frontend.ts';
import { type OwnAnswer, OwnQuery } from './own-query.ts';
import type { Encoding } from './text.ts';
import { Writer } from './writer.ts';

export interface OwnQueriesOptions {
  readonly answers: Answers;
  encoding(): Encoding;
  toServer(bytes: Buffer): void;
}

export class OwnQueries {
  readonly #options: OwnQueriesOptions;
  readonly #out = new Writer();

  constructor(options: OwnQueriesOptions) {
    this.#options = options;
  }

  /** To be called while nothing is owed, with the client's messages held back. Never resolves where the connection ends. */
  ask(sql: string): Promise<OwnAnswer> {
    const { answers, encoding, toServer } = this.#options;
    return new Promise((resolve) => {
      answers.push({ kind: 'own', own: new OwnQuery(resolve) });
      query(this.#out, encoding().bytes(sql));
      toServer(this.#out.take());
    });
  }
}
