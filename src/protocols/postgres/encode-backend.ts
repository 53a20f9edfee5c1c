/**
 * Messages that a backend sends, as the proxy writes them to a client. Texts are UTF-8; where the client has another
 * encoding, give bytes.
 */
import type { Fields } from './fields.ts';
import {
  type Authentication,
  AuthenticationCode,
  Backend,
  type CopyResponse,
  type ErrorField,
  type FieldDescription,
  type Format,
  type TransactionStatus,
} from './messages.ts';
import type { Writer } from './writer.ts';

export function authentication(out: Writer, message: Authentication): void {
  out.begin(Backend.Authentication).int32(AuthenticationCode[message.name]);
  if ('salt' in message) out.bytes(message.salt);
  else if ('data' in message) out.bytes(message.data);
  else if ('mechanisms' in message) {
    for (const mechanism of message.mechanisms) out.string(mechanism);
    out.int8(0);
  }
  out.end();
}

/** @param secretKey 4 bytes in 3.0, 4 to 256 in 3.2 */
export function backendKeyData(out: Writer, processId: number, secretKey: Buffer): void {
  out.begin(Backend.BackendKeyData).int32(processId).bytes(secretKey).end();
}

export function parameterStatus(out: Writer, parameter: string, value: string | Buffer): void {
  out.begin(Backend.ParameterStatus).string(parameter).string(value).end();
}

/** @param version major in the high 16 bits, as PostgreSQL writes it */
export function negotiateProtocolVersion(
  out: Writer,
  version: number,
  unrecognizedOptions: readonly string[],
): void {
  out.begin(Backend.NegotiateProtocolVersion).int32(version).int32(unrecognizedOptions.length);
  for (const option of unrecognizedOptions) out.string(option);
  out.end();
}

export function readyForQuery(out: Writer, status: TransactionStatus): void {
  out.begin(Backend.ReadyForQuery).int8(status.charCodeAt(0)).end();
}

/** @param fields `errorFields` makes them of a report */
export function errorResponse(out: Writer, fields: readonly ErrorField[]): void {
  errors(out, Backend.ErrorResponse, fields);
}

export function noticeResponse(out: Writer, fields: readonly ErrorField[]): void {
  errors(out, Backend.NoticeResponse, fields);
}

function errors(out: Writer, type: number, fields: readonly ErrorField[]): void {
  out.begin(type);
  for (const { type: field, value } of fields) out.int8(field.charCodeAt(0)).string(value);
  out.int8(0).end();
}

export function parseComplete(out: Writer): void {
  out.begin(Backend.ParseComplete).end();
}

export function bindComplete(out: Writer): void {
  out.begin(Backend.BindComplete).end();
}

export function closeComplete(out: Writer): void {
  out.begin(Backend.CloseComplete).end();
}

export function noData(out: Writer): void {
  out.begin(Backend.NoData).end();
}

export function emptyQueryResponse(out: Writer): void {
  out.begin(Backend.EmptyQueryResponse).end();
}

export function portalSuspended(out: Writer): void {
  out.begin(Backend.PortalSuspended).end();
}

export function commandComplete(out: Writer, tag: string): void {
  out.begin(Backend.CommandComplete).string(tag).end();
}

export function rowDescription(out: Writer, fields: readonly FieldDescription[]): void {
  out.begin(Backend.RowDescription).count(fields.length);
  for (const field of fields)
    out
      .string(field.name)
      .int32(field.tableObjectId)
      .int16(field.columnAttribute)
      .int32(field.typeObjectId)
      .int16(field.typeSize)
      .int32(field.typeModifier)
      .int16(field.format);
  out.end();
}

export function parameterDescription(out: Writer, parameterTypes: readonly number[]): void {
  out.begin(Backend.ParameterDescription).objectIds(parameterTypes).end();
}

export function dataRow(out: Writer, values: readonly (Buffer | null)[]): void {
  out.begin(Backend.DataRow).values(values).end();
}

/**
 * A row with other values in some columns.
 * @param message the DataRow that `columns` was read from
 * @param change what a column becomes: null is NULL, undefined leaves it as it is
 */
export function changedDataRow(
  out: Writer,
  message: Buffer,
  columns: Fields,
  change: (column: number) => Buffer | null | undefined,
): void {
  out.begin(Backend.DataRow, message.length).count(columns.count);
  let kept = 0;
  let end = 0;
  for (let column = 0; column < columns.count; column += 1) {
    const start = columns.start(column);
    const length = Math.max(0, columns.length(column));
    const value = change(column);
    if (kept === end) kept = end = start - 4;
    if (value === undefined) {
      end = start + length;
      continue;
    }
    if (kept < end) out.bytes(message, kept, end);
    out.value(value);
    kept = end = start + length;
  }
  if (kept < end) out.bytes(message, kept, end);
  out.end();
}

export function notificationResponse(
  out: Writer,
  processId: number,
  channel: string | Buffer,
  payload: string | Buffer,
): void {
  out.begin(Backend.NotificationResponse).int32(processId).string(channel).string(payload).end();
}

export function copyResponse(
  out: Writer,
  name: CopyResponse['name'],
  format: Format,
  columnFormats: readonly Format[],
): void {
  out.begin(Backend[name]).int8(format).formats(columnFormats).end();
}

export function functionCallResponse(out: Writer, value: Buffer | null): void {
  out.begin(Backend.FunctionCallResponse).value(value).end();
}
