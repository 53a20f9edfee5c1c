/**
 * Messages that a backend sends. Each function takes one message from the type byte on, and throws DecodeError where
 * it is not exactly that: trailing bytes, a string without its end, a count that the length cannot hold.
 */
import { Fields } from './fields.ts';
import {
  type Authentication,
  AuthenticationCode,
  Backend,
  type BackendKeyData,
  type CommandComplete,
  type CopyResponse,
  type ErrorField,
  type ErrorResponse,
  type FieldDescription,
  type FunctionCallResponse,
  type NegotiateProtocolVersion,
  type NotificationResponse,
  type ParameterDescription,
  type ParameterStatus,
  type ReadyForQuery,
  type RowDescription,
} from './messages.ts';
import { Reader } from './reader.ts';

/** 3.2: `The minimum and maximum key length are 4 and 256 bytes`. */
const KEY_LEAST = 4;
const KEY_MOST = 256;
/** Name, table, attribute, type, size, modifier, format: at least so many bytes a column. */
const LEAST_DESCRIPTION = 19;
/** A command tag ends with its count of rows; INSERT has an object id before it. */
const ROWS = / (\d{1,15})$/;

export function decodeAuthentication(message: Buffer): Authentication {
  const reader = new Reader(message, 'Authentication', Backend.Authentication);
  const code = reader.int32();
  switch (code) {
    case AuthenticationCode.AuthenticationOk:
      return alone(reader, 'AuthenticationOk');
    case AuthenticationCode.AuthenticationKerberosV5:
      return alone(reader, 'AuthenticationKerberosV5');
    case AuthenticationCode.AuthenticationCleartextPassword:
      return alone(reader, 'AuthenticationCleartextPassword');
    case AuthenticationCode.AuthenticationGSS:
      return alone(reader, 'AuthenticationGSS');
    case AuthenticationCode.AuthenticationSSPI:
      return alone(reader, 'AuthenticationSSPI');
    case AuthenticationCode.AuthenticationMD5Password: {
      const salt = reader.bytes(4);
      reader.end();
      return { name: 'AuthenticationMD5Password', salt };
    }
    case AuthenticationCode.AuthenticationSASL:
      return { name: 'AuthenticationSASL', mechanisms: mechanisms(reader) };
    case AuthenticationCode.AuthenticationGSSContinue:
      return { name: 'AuthenticationGSSContinue', data: reader.rest() };
    case AuthenticationCode.AuthenticationSASLContinue:
      return { name: 'AuthenticationSASLContinue', data: reader.rest() };
    case AuthenticationCode.AuthenticationSASLFinal:
      return { name: 'AuthenticationSASLFinal', data: reader.rest() };
    default:
      return reader.fail(`method ${code}`);
  }
}

function alone<Name extends string>(reader: Reader, name: Name): { name: Name } {
  reader.end();
  return { name };
}

function mechanisms(reader: Reader): string[] {
  const list: string[] = [];
  for (;;) {
    const name = reader.word();
    if (name === '') break;
    list.push(name);
  }
  reader.end();
  return list;
}

export function decodeBackendKeyData(message: Buffer): BackendKeyData {
  const reader = new Reader(message, 'BackendKeyData', Backend.BackendKeyData);
  const processId = reader.int32();
  const secretKey = reader.rest();
  if (secretKey.length < KEY_LEAST || secretKey.length > KEY_MOST)
    reader.fail(`a key of ${secretKey.length} bytes`);
  return { name: 'BackendKeyData', processId, secretKey };
}

export function decodeParameterStatus(message: Buffer): ParameterStatus {
  const reader = new Reader(message, 'ParameterStatus', Backend.ParameterStatus);
  const parameter = reader.word();
  const value = reader.string();
  reader.end();
  return { name: 'ParameterStatus', parameter, value };
}

export function decodeReadyForQuery(message: Buffer): ReadyForQuery {
  const reader = new Reader(message, 'ReadyForQuery', Backend.ReadyForQuery);
  const byte = reader.uint8();
  reader.end();
  const status = byte === 0x49 ? 'I' : byte === 0x54 ? 'T' : byte === 0x45 ? 'E' : null;
  return { name: 'ReadyForQuery', status: status ?? reader.fail(`transaction status ${byte}`) };
}

export function decodeRowDescription(message: Buffer): RowDescription {
  const reader = new Reader(message, 'RowDescription', Backend.RowDescription);
  const count = reader.uint16();
  if (count * LEAST_DESCRIPTION > reader.left) reader.fail(`${count} columns do not fit its length`);
  const fields: FieldDescription[] = [];
  while (fields.length < count)
    fields.push({
      name: reader.string(),
      tableObjectId: reader.uint32(),
      columnAttribute: reader.int16(),
      typeObjectId: reader.uint32(),
      typeSize: reader.int16(),
      typeModifier: reader.int32(),
      format: reader.format(),
    });
  reader.end();
  return { name: 'RowDescription', fields };
}

export function decodeParameterDescription(message: Buffer): ParameterDescription {
  const reader = new Reader(message, 'ParameterDescription', Backend.ParameterDescription);
  const parameterTypes = reader.objectIds();
  reader.end();
  return { name: 'ParameterDescription', parameterTypes };
}

/** @param into is read over and returned: with one of these, rows cost no allocation */
export function decodeDataRow(message: Buffer, into: Fields = new Fields()): Fields {
  const reader = new Reader(message, 'DataRow', Backend.DataRow);
  reader.fields(into);
  reader.end();
  return into;
}

export function decodeCommandComplete(message: Buffer): CommandComplete {
  const reader = new Reader(message, 'CommandComplete', Backend.CommandComplete);
  const tag = reader.word();
  reader.end();
  const rows = ROWS.exec(tag)?.[1];
  return { name: 'CommandComplete', tag, rows: rows === undefined ? null : Number(rows) };
}

export function decodeErrorResponse(message: Buffer): ErrorResponse {
  return { name: 'ErrorResponse', fields: errorFields(message, 'ErrorResponse') };
}

export function decodeNoticeResponse(message: Buffer): ErrorResponse {
  return { name: 'NoticeResponse', fields: errorFields(message, 'NoticeResponse') };
}

function errorFields(message: Buffer, name: 'ErrorResponse' | 'NoticeResponse'): ErrorField[] {
  const reader = new Reader(message, name, Backend[name]);
  const fields: ErrorField[] = [];
  for (;;) {
    const type = reader.uint8();
    if (type === 0) break;
    fields.push({ type: String.fromCharCode(type), value: reader.string() });
  }
  reader.end();
  return fields;
}

export function decodeNotificationResponse(message: Buffer): NotificationResponse {
  const reader = new Reader(message, 'NotificationResponse', Backend.NotificationResponse);
  const processId = reader.int32();
  const channel = reader.string();
  const payload = reader.string();
  reader.end();
  return { name: 'NotificationResponse', processId, channel, payload };
}

/** @param name which of the three: they differ in nothing else */
export function decodeCopyResponse(message: Buffer, name: CopyResponse['name']): CopyResponse {
  const reader = new Reader(message, name, Backend[name]);
  const code = reader.uint8();
  const format = code === 0 || code === 1 ? code : reader.fail(`format ${code}`);
  const columnFormats = reader.formats();
  reader.end();
  if (format === 0 && columnFormats.includes(1)) reader.fail('a binary column in a textual copy');
  return { name, format, columnFormats };
}

export function decodeFunctionCallResponse(message: Buffer): FunctionCallResponse {
  const reader = new Reader(message, 'FunctionCallResponse', Backend.FunctionCallResponse);
  const length = reader.int32();
  if (length < -1) reader.fail(`a value of length ${length}`);
  const value = length === -1 ? null : reader.bytes(length);
  reader.end();
  return { name: 'FunctionCallResponse', value };
}

export function decodeNegotiateProtocolVersion(message: Buffer): NegotiateProtocolVersion {
  const reader = new Reader(message, 'NegotiateProtocolVersion', Backend.NegotiateProtocolVersion);
  const version = reader.int32();
  const count = reader.int32();
  if (count < 0 || count > reader.left) reader.fail(`${count} options do not fit its length`);
  const unrecognizedOptions: string[] = [];
  while (unrecognizedOptions.length < count) unrecognizedOptions.push(reader.word());
  reader.end();
  return { name: 'NegotiateProtocolVersion', version, unrecognizedOptions };
}

/** Of a RowDescription, kept: the message may be written over. Empty for no message. */
export function fieldsOf(message: Buffer): readonly FieldDescription[] {
  return message.length === 0 ? [] : decodeRowDescription(Buffer.from(message)).fields;
}
