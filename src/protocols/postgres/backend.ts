/** What the server answers: laid to the statements that it answers, and passed on. */
import { type Answers, type Awaited, ENDS } from './awaited.ts';
import { CopyMasker } from './copy/index.ts';
import {
  decodeBackendKeyData,
  decodeCommandComplete,
  decodeCopyResponse,
  decodeErrorResponse,
  decodeNoticeResponse,
  decodeParameterStatus,
  decodeReadyForQuery,
  fieldsOf,
} from './decode-backend.ts';
import { errorResponse, noticeResponse } from './encode-backend.ts';
import { copyData } from './encode-frontend.ts';
import { type ErrorReport, errorFields, errorReport } from './error-fields.ts';
import { ProtocolError } from './errors.ts';
import type { Disposition, FrameHandler } from './frame.ts';
import { WHOLE } from './limits.ts';
import { agreed } from './masked/agreed.ts';
import type { Plan } from './masked/plan.ts';
import { MaskingError, RowMasker } from './masked/rows.ts';
import type { SessionMasking } from './masked/session.ts';
import { quoted, withheld } from './masked/withheld.ts';
import { Backend, type BackendKeyData, type CommandComplete, type TransactionStatus } from './messages.ts';
import { beginOwn, ownAnswer } from './own-answers.ts';
import type { OwnQuery } from './own-query.ts';
import type { RowRecorder } from './recorded/recorder.ts';
import type { Statements } from './statements.ts';
import { clientEncoding, type Encoding, UTF8 } from './text.ts';
import { Writer } from './writer.ts';

const HEADER = 5;

export interface BackendOptions {
  readonly answers: Answers;
  readonly statements: Statements;
  readonly rows: RowRecorder;
  toClient(bytes: Buffer): void;
  /** Valid until it returns. */
  onAuthentication(message: Buffer): void;
  /** What a CancelRequest for this session says. Its buffer is valid until it returns. */
  onKey(key: BackendKeyData): void;
  /** The server's words as it ended the session by itself, or would not begin it. */
  onFatal(report: ErrorReport): void;
}

export class BackendHandler implements FrameHandler {
  readonly #options: BackendOptions;
  readonly #out = new Writer();
  encoding: Encoding = UTF8;
  #clientEncoding = 'UTF8';
  #serverEncoding = 'UTF8';
  /** False where a backslash in a plain literal escapes. */
  standardConformingStrings = true;
  /** As the last ReadyForQuery said. */
  status: TransactionStatus = 'I';
  /** Of the rows that come; null: they are as they are. */
  #masker: RowMasker | null = null;
  #copy: CopyMasker | null = null;

  constructor(options: BackendOptions) {
    this.#options = options;
  }

  begin(type: number, length: number): Disposition {
    this.#options.rows.check();
    const first = this.#options.answers.first;
    if (first?.own) return beginOwn(type, length, first.own);
    switch (type) {
      case Backend.DataRow:
      case Backend.CopyData: {
        const statement = first?.running[first.over];
        if (statement === undefined)
          return this.#enforced === null ? 'forward' : this.#impossible('a row of no statement');
        statement.rows += type === Backend.DataRow ? 1 : 0;
        statement.bytes += length - 4;
        const plain = this.#options.rows.row(statement, type, first?.portal?.fields ?? null)
          ? 'tap'
          : 'forward';
        if (statement.plan === null) return plain;
        if (type === Backend.DataRow) return this.#beginRow(first, statement.plan, length) ?? plain;
        if (this.#copy !== null) return 'stream';
        const { copy, forms, scan } = statement.plan;
        return (copy ?? forms ?? scan) === null ? plain : this.#impossible('a copy that was not announced');
      }
      case Backend.CopyOutResponse:
      case Backend.CopyDone: {
        const running = first?.running[first.over];
        return (running?.plan?.copy ?? running?.kept ?? null) === null ? 'forward' : 'whole';
      }
      case Backend.NoticeResponse:
        if (this.#options.statements.masking === null) return 'forward';
        return length > WHOLE ? 'drop' : 'whole';
      case Backend.ErrorResponse:
      case Backend.Authentication:
      case Backend.BackendKeyData:
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
      case Backend.CopyInResponse:
        return length > WHOLE ? 'stream' : 'whole';
      default:
        return 'forward';
    }
  }

  forward(bytes: Buffer, tapped: boolean): void {
    if (tapped) this.#options.rows.bytes(bytes);
    this.#options.toClient(bytes);
  }

  piece(type: number, bytes: Buffer, offset: number, last: boolean): void {
    const { rows, toClient } = this.#options;
    if (type === Backend.CopyData && this.#copy !== null) {
      const data = offset === 0 ? bytes.subarray(HEADER) : bytes;
      const shown = data.length === 0 ? data : this.#copy.push(data);
      if (shown.length === 0) return;
      copyData(this.#out, shown);
      const message = this.#out.take();
      if (rows.wanted) rows.bytes(message);
      toClient(message);
      return;
    }
    if (type === Backend.FunctionCallResponse)
      rows.value(this.#options.answers.first?.running[0] ?? null, bytes, offset === 0);
    if (offset === 0) this.#settle(type, null);
    if (type !== Backend.ErrorResponse) this.#options.toClient(bytes);
    else this.#longError(bytes, last);
  }

  #longError(bytes: Buffer, last: boolean): void {
    const report = { severity: 'ERROR', code: 'XX000', message: 'an error that is too long to be kept' };
    const masked = this.#enforced !== null;
    if (!masked) this.#options.toClient(bytes);
    if (!last) return;
    if (masked) {
      errorResponse(this.#out, errorFields(withheld(report, null), this.encoding));
      this.#options.toClient(this.#out.take());
    }
    this.#failed(report);
  }

  whole(type: number, message: Buffer): void {
    const { answers, rows, toClient } = this.#options;
    if (type === Backend.DataRow && this.#masker !== null) {
      const shown = this.#masker.mask(message);
      if (rows.wanted) rows.bytes(shown);
      toClient(shown);
      return;
    }
    const first = answers.first;
    if (first?.own && this.#ownAnswer(type, message, first.own)) return;
    if (type === Backend.ErrorResponse) {
      this.#error(message);
      return;
    }
    if (type === Backend.CopyOutResponse) this.#copyOut(message, first);
    if (type === Backend.CopyDone) this.#copy?.end();
    if (type === Backend.NoticeResponse) {
      toClient(this.#notice(message, first));
      return;
    }
    if (first?.hidden && (type === Backend.RowDescription || type === Backend.NoData)) {
      this.#settle(type, message);
      return;
    }
    if (type === Backend.Authentication) {
      this.#options.onAuthentication(message);
      return;
    }
    if (type === Backend.FunctionCallResponse) rows.value(first?.running[0] ?? null, message, true);
    if (type === Backend.BackendKeyData) this.#options.onKey(decodeBackendKeyData(message));
    this.#settle(type, message);
    toClient(message);
  }

  #copyOut(message: Buffer, first: Awaited | null): void {
    const copy = first?.running[first.over]?.plan?.copy ?? null;
    const response = decodeCopyResponse(message, 'CopyOutResponse');
    this.#options.rows.copying(response.format);
    if (copy !== null) this.#copy = new CopyMasker({ copy: copy.format, columns: copy.columns, response });
  }

  /** Null: nothing is masked, or only told. */
  get #enforced(): SessionMasking | null {
    const { masking } = this.#options.statements;
    return masking?.observed === false ? masking : null;
  }

  /** What comes next is of another statement. */
  #between(): void {
    this.#masker = this.#copy = null;
    this.#options.rows.between();
  }

  /** @throws MaskingError */
  #impossible(what: string): never {
    throw new MaskingError(`${what} cannot be shown`);
  }

  /** @returns null where it is shown as it is */
  #beginRow(first: Awaited | null, plan: Plan, length: number): Disposition | null {
    if (plan.forms === null && plan.scan === null) return null;
    if (this.#masker === null) {
      const fields = first?.portal?.fields ?? null;
      if (fields === null) return this.#impossible('a row that was not described');
      this.#masker = new RowMasker(plan, fields, this.encoding.name);
    }
    return length > WHOLE
      ? this.#impossible(`a row of ${length} bytes, where ${WHOLE} can be masked,`)
      : 'whole';
  }

  /** @returns false where the client gets it all the same */
  #ownAnswer(type: number, message: Buffer, own: OwnQuery): boolean {
    if (type !== Backend.ReadyForQuery) return ownAnswer(type, message, own, this.encoding);
    this.status = decodeReadyForQuery(message).status;
    this.#options.answers.ready();
    this.#options.answers.shift();
    own.ready();
    return true;
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
        this.#described(first, type === Backend.RowDescription ? message : Buffer.alloc(0));
        return;
      case Backend.CommandComplete:
        if (message !== null) this.#complete(first, decodeCommandComplete(message));
        return;
      case Backend.EmptyQueryResponse:
        this.#between();
        if (first?.kind === 'execute') answers.shift();
        return;
      case Backend.PortalSuspended:
        this.#between();
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
      case Backend.CopyInResponse:
        if (!first?.copies) throw new ProtocolError('order', 'CopyInResponse', 'to what asks for no data');
        first.copies(true);
        return;
      case Backend.ReadyForQuery:
        this.#between();
        answers.ready();
        if (message !== null) {
          // Thrown out where its status is none.
          this.status = decodeReadyForQuery(message).status;
          this.#options.statements.ready(this.status);
        }
        if (first !== null && ENDS.has(first.kind)) this.#over(answers.shift());
    }
  }

  /** @param message a RowDescription, empty for NoData; null: it is too long to be kept */
  #described(first: Awaited | null, message: Buffer | null): void {
    if (first?.kind === 'describe') {
      this.#options.answers.shift();
      if (message === null) this.#impossible('what has too many columns');
      else first.described?.(fieldsOf(message));
      return;
    }
    const running = first?.running[first.over];
    const plan = running?.plan ?? null;
    if (running?.kept != null) this.#options.rows.described(message === null ? null : fieldsOf(message));
    if (this.#enforced === null && (plan === null || (plan.forms === null && plan.scan === null))) return;
    const fields =
      message === null
        ? this.#impossible('what has too many columns')
        : agreed(fieldsOf(message), plan, this.#enforced);
    if (plan !== null && (plan.forms ?? plan.scan) !== null)
      this.#masker = new RowMasker(plan, fields, this.encoding.name);
  }

  #complete(first: Awaited | null, { tag, rows }: CommandComplete): void {
    const { answers, statements } = this.#options;
    this.#between();
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
      errorResponse(this.#out, errorFields(denial.report, this.encoding));
      toClient(this.#out.take());
    } else {
      if (report.severity !== 'ERROR') this.#options.onFatal(report);
      const statement = this.#quoted(report, answers.first);
      if (statement !== undefined) {
        errorResponse(this.#out, errorFields(withheld(report, statement), this.encoding));
        toClient(this.#out.take());
        this.#failed(withheld(report, statement));
        return;
      }
      toClient(message);
    }
    this.#failed(report);
  }

  #quoted(report: ErrorReport, first: Awaited | null): string | null | undefined {
    const { statements } = this.#options;
    return quoted(report, first, statements.masking, () => statements.quietAtEnd());
  }

  #notice(message: Buffer, first: Awaited | null): Buffer {
    const report = errorReport(decodeNoticeResponse(message).fields, this.encoding);
    const statement = this.#quoted(report, first);
    if (statement === undefined) return message;
    noticeResponse(this.#out, errorFields(withheld(report, statement), this.encoding));
    return this.#out.take();
  }

  #failed(report: ErrorReport): void {
    const { answers, statements } = this.#options;
    const first = answers.first;
    this.#between();
    statements.portals.failed();
    if (first === null) return;
    first.copies?.(false);
    const [hit, ...rest] = first.running.slice(first.over);
    const said = { code: report.code, message: report.message };
    if (hit !== undefined) statements.end(hit, { error: said });
    for (const running of rest)
      statements.end(running, { error: 'not run: an earlier one of the message failed' });
    first.over = first.running.length;
    first.failed?.();
    if (ENDS.has(first.kind)) return;
    answers.shift();
    answers.skip((skipped) => {
      for (const running of skipped.running) statements.end(running, { error: 'skipped after an error' });
      skipped.failed?.();
    });
  }

  /** For SQL_ASCII the server converts nothing: what it says is in the database's own encoding. */
  #encode(): void {
    const plain = this.#clientEncoding === 'SQL_ASCII' && this.#serverEncoding !== 'UTF8';
    this.encoding = clientEncoding(plain ? this.#serverEncoding : this.#clientEncoding);
  }

  #parameter(message: Buffer): void {
    const { parameter, value } = decodeParameterStatus(message);
    if (parameter === 'server_encoding') this.#serverEncoding = value.toString('latin1');
    if (parameter === 'client_encoding') this.#clientEncoding = value.toString('latin1');
    if (parameter.endsWith('_encoding')) this.#encode();
    if (parameter === 'standard_conforming_strings')
      this.standardConformingStrings = value.toString('latin1') !== 'off';
  }
}
