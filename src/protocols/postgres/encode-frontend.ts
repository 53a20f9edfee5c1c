/**
 * Messages that a frontend sends, as the proxy writes them to a server; CopyData and CopyDone go either way. Texts
 * are UTF-8; where `client_encoding` is another, give bytes.
 */
import { type Format, Frontend } from './messages.ts';
import type { Writer } from './writer.ts';

/** NUL-terminated text, or its bytes. */
type Chars = string | Buffer;

export function query(out: Writer, statements: Chars): void {
  out.begin(Frontend.Query).string(statements).end();
}

/** @param parameterTypes object ids; 0, or none at all, leaves them to the server */
export function parse(
  out: Writer,
  statement: Chars,
  text: Chars,
  parameterTypes: readonly number[] = [],
): void {
  out.begin(Frontend.Parse).string(statement).string(text).objectIds(parameterTypes).end();
}

/** Formats: none for all text, one for all, or one each. */
export interface BindValues {
  readonly portal: Chars;
  readonly statement: Chars;
  readonly parameterFormats?: readonly Format[];
  readonly parameters?: readonly (Buffer | null)[];
  readonly resultFormats?: readonly Format[];
}

export function bind(out: Writer, values: BindValues): void {
  out
    .begin(Frontend.Bind)
    .string(values.portal)
    .string(values.statement)
    .formats(values.parameterFormats ?? [])
    .values(values.parameters ?? [])
    .formats(values.resultFormats ?? [])
    .end();
}

/** @param kind a prepared statement or a portal */
export function describe(out: Writer, kind: 'S' | 'P', target: Chars): void {
  out.begin(Frontend.Describe).int8(kind.charCodeAt(0)).string(target).end();
}

export function close(out: Writer, kind: 'S' | 'P', target: Chars): void {
  out.begin(Frontend.Close).int8(kind.charCodeAt(0)).string(target).end();
}

/** @param maxRows 0 is no limit */
export function execute(out: Writer, portal: Chars, maxRows = 0): void {
  out.begin(Frontend.Execute).string(portal).int32(maxRows).end();
}

export interface FunctionCallValues {
  readonly objectId: number;
  readonly argumentFormats: readonly Format[];
  readonly arguments: readonly (Buffer | null)[];
  readonly resultFormat: Format;
}

export function functionCall(out: Writer, call: FunctionCallValues): void {
  out
    .begin(Frontend.FunctionCall)
    .int32(call.objectId)
    .formats(call.argumentFormats)
    .values(call.arguments)
    .int16(call.resultFormat)
    .end();
}

export function sync(out: Writer): void {
  out.begin(Frontend.Sync).end();
}

export function flush(out: Writer): void {
  out.begin(Frontend.Flush).end();
}

export function terminate(out: Writer): void {
  out.begin(Frontend.Terminate).end();
}

/** @param password for cleartext or md5. It is written once: filling the taken bytes with zeroes clears it. */
export function passwordMessage(out: Writer, password: Buffer): void {
  out
    .begin(Frontend.PasswordMessage, password.length + 1)
    .string(password)
    .end();
}

/** @param response null where the mechanism begins with none */
export function saslInitialResponse(out: Writer, mechanism: string, response: Buffer | null): void {
  out.begin(Frontend.SASLInitialResponse).string(mechanism).value(response).end();
}

export function saslResponse(out: Writer, data: Buffer): void {
  out.begin(Frontend.SASLResponse).bytes(data).end();
}

export function gssResponse(out: Writer, data: Buffer): void {
  out.begin(Frontend.GSSResponse).bytes(data).end();
}

export function copyData(out: Writer, data: Buffer): void {
  out.begin(Frontend.CopyData, data.length).bytes(data).end();
}

export function copyDone(out: Writer): void {
  out.begin(Frontend.CopyDone).end();
}

/** @param message why; the server puts it into its error */
export function copyFail(out: Writer, message: Chars): void {
  out.begin(Frontend.CopyFail).string(message).end();
}
