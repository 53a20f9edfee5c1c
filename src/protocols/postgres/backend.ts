/** What the server answers: laid to the statements that it answers, and passed on. */
import type { Answers, Awaited } from './awaited.ts';
import {
  decodeCommandComplete,
  decodeErrorResponse,
  decodeParameterStatus,
  decodeReadyForQuery,
} from './decode-backend.ts';
import { denied } from './deny.ts';
import { errorResponse } from './encode-backend.ts';
import { type ErrorReport, errorFields, errorReport } from './error-fields.ts';
import type { Disposition, FrameHandler } from './frame.ts';
import { WHOLE } from './limits.ts';
import { Backend, type CommandComplete } from './messages.ts';
import type { Statements } from './statements.ts';
import { clientEncoding, type Encoding, UTF8 } from './text.ts';
import { Writer } from './writer.ts';

export interface BackendOptions {
  readonly answers: Answers;
  readonly statements: Statements;
  toClient(bytes: Buffer): void;
  /** Valid until it returns. */
  onAuthentication(message: Buffer): void;
  /** The server's words as it ended the session by itself, or would not begin it. */
  onFatal(report: ErrorReport): void;
}

export class BackendHandler implements FrameHandler {
  readonly #options: BackendOptions;
  readonly #out = new Writer();
  encoding: Encoding = UTF8;
  /** False where a backslash in a plain literal escapes. */
  standardConformingStrings = true;

  constructor(options: BackendOptions) {
    this.#options = options;
  }

  begin(type: number, length: number): Disposition {
    const running = this.#options.answers.first;
    switch (type) {
      case Backend.DataRow:
      case Backend.CopyData: {
        const statement = running?.running[running.over];
        if (statement !== undefined) {
          statement.rows += type === Backend.DataRow ? 1 : 0;
          statement.bytes += length - 4;
        }
        return 'forward';
      }
      case Backend.ErrorResponse:
      case Backend.Authentication:
      case Backend.ParameterStatus:
      case Backend.ParseComplete:
      case Backend.BindComplete:
      case Backend.CloseComplete:
      case Backend.CommandComplete:
      case Backend.EmptyQueryResponse:
      case Backend.PortalSuspended:
      case Backend.NoData:
      case Backend.RowDescription:
      case Backend.FunctionCallResponse:
      case Backend.ReadyForQuery:
        return length > WHOLE ? 'stream' : 'whole';
      default:
        return 'forward';
    }
  }

  forward(bytes: Buffer): void {
    this.#options.toClient(bytes);
  }

  piece(type: number, bytes: Buffer, offset: number, last: boolean): void {
    if (offset === 0) this.#settle(type, null);
    this.#options.toClient(bytes);
    if (last && type === Backend.ErrorResponse)
      this.#failed({ severity: 'ERROR', code: '', message: 'too long to be kept' });
  }

  whole(type: number, message: Buffer): void {
    if (type === Backend.ErrorResponse) {
      this.#error(message);
      return;
    }
    if (type === Backend.Authentication) {
      this.#options.onAuthentication(message);
      return;
    }
    this.#settle(type, message);
    this.#options.toClient(message);
  }

  #settle(type: number, message: Buffer | null): void {
    const { answers } = this.#options;
    const first = answers.first;
    switch (type) {
      case Backend.ParameterStatus:
        if (message !== null) this.#parameter(message);
        return;
      case Backend.ParseComplete:
      case Backend.BindComplete:
      case Backend.CloseComplete:
        answers.shift()?.done?.(0);
        return;
      case Backend.NoData:
      case Backend.RowDescription:
        if (first?.kind === 'describe') answers.shift();
        return;
      case Backend.CommandComplete:
        if (message !== null) this.#complete(first, decodeCommandComplete(message));
        return;
      case Backend.EmptyQueryResponse:
        if (first?.kind === 'execute') answers.shift();
        return;
      case Backend.PortalSuspended:
        answers.shift();
        return;
      case Backend.FunctionCallResponse: {
        const running = first?.running[0];
        if (first !== null && running !== undefined) {
          first.over = 1;
          this.#options.statements.end(running, {});
        }
        return;
      }
      case Backend.ReadyForQuery:
        // Thrown out where its status is none.
        if (message !== null) decodeReadyForQuery(message);
        if (first?.kind === 'query' || first?.kind === 'sync' || first?.kind === 'function')
          this.#over(answers.shift());
    }
  }

  #complete(first: Awaited | null, { tag, rows }: CommandComplete): void {
    const { answers, statements } = this.#options;
    if (first === null) return;
    const running = first.running[first.over];
    if (running !== undefined) statements.end(running, { tag, ...(rows === null ? {} : { rows }) });
    first.done?.(first.over);
    first.over += 1;
    if (first.kind === 'execute') answers.shift();
  }

  /** A rule may leave a statement without an answer of its own; what is not over when the query is has run as well. */
  #over(awaited: Awaited | null): void {
    if (awaited === null) return;
    for (const running of awaited.running.slice(awaited.over))
      this.#options.statements.end(running, { tag: null });
  }

  #error(message: Buffer): void {
    const { answers, toClient } = this.#options;
    const report = errorReport(decodeErrorResponse(message).fields, this.encoding);
    const denial = answers.first?.denial ?? null;
    if (denial !== null && report.message.includes(denial.mark)) {
      errorResponse(this.#out, errorFields(denied(denial), this.encoding));
      toClient(this.#out.take());
    } else {
      if (report.severity !== 'ERROR') this.#options.onFatal(report);
      toClient(message);
    }
    this.#failed(report);
  }

  #failed(report: ErrorReport): void {
    const { answers, statements } = this.#options;
    const first = answers.first;
    if (first === null) return;
    const [hit, ...rest] = first.running.slice(first.over);
    const said = { code: report.code, message: report.message };
    if (hit !== undefined) statements.end(hit, { error: said });
    for (const running of rest)
      statements.end(running, { error: 'not run: an earlier one of the message failed' });
    first.over = first.running.length;
    first.failed?.();
    if (first.kind === 'query' || first.kind === 'sync' || first.kind === 'function') return;
    answers.shift();
    answers.skip((skipped) => {
      for (const running of skipped.running) statements.end(running, { error: 'skipped after an error' });
      skipped.failed?.();
    });
  }

  #parameter(message: Buffer): void {
    const { parameter, value } = decodeParameterStatus(message);
    if (parameter === 'client_encoding') this.encoding = clientEncoding(value.toString('latin1'));
    if (parameter === 'standard_conforming_strings')
      this.standardConformingStrings = value.toString('latin1') !== 'off';
  }
}
