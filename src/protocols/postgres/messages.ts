/**
 * The messages of protocol 3.0 and 3.2 (PostgreSQL 18 manual, 54.7 Message Formats), with its names. Every Buffer in
 * one is a view of the message that it was decoded from: copy what has to outlive the callback that gave the message.
 */
import type { Fields } from './fields.ts';

/** Type bytes that a frontend sends. `p` has four meanings; which one, the last Authentication message says. */
export const Frontend = {
  Bind: 0x42,
  Close: 0x43,
  CopyData: 0x64,
  CopyDone: 0x63,
  CopyFail: 0x66,
  Describe: 0x44,
  Execute: 0x45,
  Flush: 0x48,
  FunctionCall: 0x46,
  Parse: 0x50,
  Query: 0x51,
  Sync: 0x53,
  Terminate: 0x58,
  PasswordMessage: 0x70,
  SASLInitialResponse: 0x70,
  SASLResponse: 0x70,
  GSSResponse: 0x70,
} as const;

/** Type bytes that a backend sends. */
export const Backend = {
  Authentication: 0x52,
  BackendKeyData: 0x4b,
  BindComplete: 0x32,
  CloseComplete: 0x33,
  CommandComplete: 0x43,
  CopyBothResponse: 0x57,
  CopyData: 0x64,
  CopyDone: 0x63,
  CopyInResponse: 0x47,
  CopyOutResponse: 0x48,
  DataRow: 0x44,
  EmptyQueryResponse: 0x49,
  ErrorResponse: 0x45,
  FunctionCallResponse: 0x56,
  NegotiateProtocolVersion: 0x76,
  NoData: 0x6e,
  NoticeResponse: 0x4e,
  NotificationResponse: 0x41,
  ParameterDescription: 0x74,
  ParameterStatus: 0x53,
  ParseComplete: 0x31,
  PortalSuspended: 0x73,
  ReadyForQuery: 0x5a,
  RowDescription: 0x54,
} as const;

export type FrontendType = keyof typeof Frontend;
export type BackendType = keyof typeof Backend;

/** The first Int32 of an Authentication message's body. */
export const AuthenticationCode = {
  AuthenticationOk: 0,
  AuthenticationKerberosV5: 2,
  AuthenticationCleartextPassword: 3,
  AuthenticationMD5Password: 5,
  AuthenticationGSS: 7,
  AuthenticationGSSContinue: 8,
  AuthenticationSSPI: 9,
  AuthenticationSASL: 10,
  AuthenticationSASLContinue: 11,
  AuthenticationSASLFinal: 12,
} as const;

export type AuthenticationType = keyof typeof AuthenticationCode;

/** The one byte that answers an SSLRequest or GSSENCRequest: it is no message. An `E` begins an ErrorResponse. */
export const EncryptionAnswer = { SSL: 0x53, GSS: 0x47, none: 0x4e } as const;

/** Text or binary; the specification reserves all others. */
export type Format = 0 | 1;

/** A statement or a text in the client's encoding. */
export interface Text {
  /** Without the terminating zero. */
  readonly bytes: Buffer;
  /** Null where the bytes are none of that encoding: never a text with replaced characters. */
  readonly text: string | null;
}

interface Empty<Name extends string> {
  readonly name: Name;
}

// Frontend, before the type bytes: startup.ts reads them.

export interface StartupMessage {
  readonly name: 'StartupMessage';
  /** Major version in the high 16 bits: 3.2 is 0x30002. */
  readonly protocolVersion: number;
  /** In the order of the packet, protocol extensions (`_pq_.…`) among them. */
  readonly parameters: readonly StartupParameter[];
}
export interface StartupParameter {
  /** As Latin-1, which loses nothing: no encoding is agreed yet. */
  readonly name: string;
  readonly value: Buffer;
}
export type SSLRequest = Empty<'SSLRequest'>;
export type GSSENCRequest = Empty<'GSSENCRequest'>;
export interface CancelRequest {
  readonly name: 'CancelRequest';
  readonly processId: number;
  /** 4 bytes in 3.0, up to 256 in 3.2. */
  readonly secretKey: Buffer;
}
/** A TLS record where the first packet should be (54.2.10 SSL Session Encryption): direct negotiation. */
export type DirectSSL = Empty<'DirectSSL'>;
export type StartupPacket = StartupMessage | SSLRequest | GSSENCRequest | CancelRequest | DirectSSL;

// Frontend

export interface Bind {
  readonly name: 'Bind';
  readonly portal: string;
  readonly statement: string;
  /** None: all text; one: that of all; else one each. `formatOf` reads it. */
  readonly parameterFormats: readonly Format[];
  readonly parameters: Fields;
  readonly resultFormats: readonly Format[];
}
export interface Close {
  readonly name: 'Close';
  /** A prepared statement or a portal. */
  readonly kind: 'S' | 'P';
  readonly target: string;
}
export interface Describe {
  readonly name: 'Describe';
  readonly kind: 'S' | 'P';
  readonly target: string;
}
export interface Execute {
  readonly name: 'Execute';
  readonly portal: string;
  /** The server takes 0 and everything below for no limit. */
  readonly maxRows: number;
}
export interface FunctionCall {
  readonly name: 'FunctionCall';
  readonly objectId: number;
  readonly argumentFormats: readonly Format[];
  readonly arguments: Fields;
  readonly resultFormat: Format;
}
export interface Parse {
  readonly name: 'Parse';
  readonly statement: string;
  readonly query: Text;
  /** Object ids; 0 leaves the type to the server. */
  readonly parameterTypes: readonly number[];
}
export interface Query {
  readonly name: 'Query';
  readonly query: Text;
}
export interface CopyFail {
  readonly name: 'CopyFail';
  readonly message: Text;
}
export interface PasswordMessage {
  readonly name: 'PasswordMessage';
  readonly password: Buffer;
}
export interface SASLInitialResponse {
  readonly name: 'SASLInitialResponse';
  readonly mechanism: string;
  readonly response: Buffer | null;
}
export interface SASLResponse {
  readonly name: 'SASLResponse';
  readonly data: Buffer;
}
export interface GSSResponse {
  readonly name: 'GSSResponse';
  readonly data: Buffer;
}
export type AuthenticationAnswer = PasswordMessage | SASLInitialResponse | SASLResponse | GSSResponse;

export type FrontendMessage =
  | AuthenticationAnswer
  | Bind
  | Close
  | CopyData
  | CopyFail
  | Describe
  | Execute
  | FunctionCall
  | Parse
  | Query
  | Empty<'CopyDone' | 'Flush' | 'Sync' | 'Terminate'>;

// Both

export interface CopyData {
  readonly name: 'CopyData';
  readonly data: Buffer;
}

// Backend

export type Authentication =
  | Empty<
      | 'AuthenticationOk'
      | 'AuthenticationKerberosV5'
      | 'AuthenticationCleartextPassword'
      | 'AuthenticationGSS'
      | 'AuthenticationSSPI'
    >
  | { readonly name: 'AuthenticationMD5Password'; readonly salt: Buffer }
  | { readonly name: 'AuthenticationSASL'; readonly mechanisms: readonly string[] }
  | {
      readonly name: 'AuthenticationGSSContinue' | 'AuthenticationSASLContinue' | 'AuthenticationSASLFinal';
      readonly data: Buffer;
    };
export interface BackendKeyData {
  readonly name: 'BackendKeyData';
  readonly processId: number;
  readonly secretKey: Buffer;
}
export interface CommandComplete {
  readonly name: 'CommandComplete';
  readonly tag: string;
  /** Null where the command counts no rows. */
  readonly rows: number | null;
}
export interface CopyResponse {
  readonly name: 'CopyInResponse' | 'CopyOutResponse' | 'CopyBothResponse';
  readonly format: Format;
  readonly columnFormats: readonly Format[];
}
export interface DataRow {
  readonly name: 'DataRow';
  readonly columns: Fields;
}
export interface ErrorField {
  /** One character; error-fields.ts names them. */
  readonly type: string;
  readonly value: Buffer;
}
export interface ErrorResponse {
  readonly name: 'ErrorResponse' | 'NoticeResponse';
  readonly fields: readonly ErrorField[];
}
export interface FunctionCallResponse {
  readonly name: 'FunctionCallResponse';
  readonly value: Buffer | null;
}
export interface NegotiateProtocolVersion {
  readonly name: 'NegotiateProtocolVersion';
  /** As it came: PostgreSQL writes major and minor version, where the manual speaks of the minor one alone. */
  readonly version: number;
  readonly unrecognizedOptions: readonly string[];
}
export interface NotificationResponse {
  readonly name: 'NotificationResponse';
  readonly processId: number;
  readonly channel: Buffer;
  readonly payload: Buffer;
}
export interface ParameterDescription {
  readonly name: 'ParameterDescription';
  readonly parameterTypes: readonly number[];
}
export interface ParameterStatus {
  readonly name: 'ParameterStatus';
  readonly parameter: string;
  readonly value: Buffer;
}
/** Idle, in a transaction, in a failed transaction. */
export type TransactionStatus = 'I' | 'T' | 'E';
export interface ReadyForQuery {
  readonly name: 'ReadyForQuery';
  readonly status: TransactionStatus;
}
export interface FieldDescription {
  readonly name: Buffer;
  /** 0 where the column is none of a table. */
  readonly tableObjectId: number;
  /** Negative for system columns, 0 where the column is none of a table. */
  readonly columnAttribute: number;
  readonly typeObjectId: number;
  /** Negative for types of variable width. */
  readonly typeSize: number;
  readonly typeModifier: number;
  readonly format: Format;
}
export interface RowDescription {
  readonly name: 'RowDescription';
  readonly fields: readonly FieldDescription[];
}

export type BackendMessage =
  | Authentication
  | BackendKeyData
  | CommandComplete
  | CopyData
  | CopyResponse
  | DataRow
  | ErrorResponse
  | FunctionCallResponse
  | NegotiateProtocolVersion
  | NotificationResponse
  | ParameterDescription
  | ParameterStatus
  | ReadyForQuery
  | RowDescription
  | Empty<
      | 'BindComplete'
      | 'CloseComplete'
      | 'CopyDone'
      | 'EmptyQueryResponse'
      | 'NoData'
      | 'ParseComplete'
      | 'PortalSuspended'
    >;

/** The format of the value at `index`, where a message lists none, one for all, or one each. */
export function formatOf(formats: readonly Format[], index: number): Format {
  return (formats.length === 1 ? formats[0] : formats[index]) ?? 0;
}
