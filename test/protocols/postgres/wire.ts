/** Messages written out as bytes, read back as values, and written again from them. */

import { encode } from '../../../src/protocols/postgres/encode.ts';
import * as backend from '../../../src/protocols/postgres/encode-backend.ts';
import * as frontend from '../../../src/protocols/postgres/encode-frontend.ts';
import type { Fields } from '../../../src/protocols/postgres/fields.ts';
import type {
  BackendMessage,
  FrontendMessage,
  StartupPacket,
} from '../../../src/protocols/postgres/messages.ts';
import {
  cancelRequest,
  gssencRequest,
  sslRequest,
  startupMessage,
} from '../../../src/protocols/postgres/startup.ts';

/** `'Q' 0000000d 'SELECT 1' 00`: what is quoted is text, the rest is hex. */
export function wire(notation: string): Buffer {
  const parts = notation.match(/'[^']*'|[0-9a-f]+/g) ?? [];
  return Buffer.concat(
    parts.map((part) => (part.startsWith("'") ? Buffer.from(part.slice(1, -1)) : Buffer.from(part, 'hex'))),
  );
}

/** Every value of a list, as a copy. */
export function valuesOf(fields: Fields): (Buffer | null)[] {
  return Array.from({ length: fields.count }, (_, field) => {
    const value = fields.value(field);
    return value === null ? null : Buffer.from(value);
  });
}

/** A message that holds `Fields` as one that holds their values, to be compared. */
export function plain(message: FrontendMessage | BackendMessage | StartupPacket): unknown {
  if (message.name === 'Bind') return { ...message, parameters: valuesOf(message.parameters) };
  if (message.name === 'FunctionCall') return { ...message, arguments: valuesOf(message.arguments) };
  if (message.name === 'DataRow') return { ...message, columns: valuesOf(message.columns) };
  return message;
}

export function writtenStartup(packet: StartupPacket): Buffer {
  switch (packet.name) {
    case 'StartupMessage':
      return encode(startupMessage, packet.protocolVersion, packet.parameters);
    case 'CancelRequest':
      return encode(cancelRequest, packet.processId, packet.secretKey);
    case 'SSLRequest':
      return encode(sslRequest);
    case 'GSSENCRequest':
      return encode(gssencRequest);
    case 'DirectSSL':
      return Buffer.alloc(0);
  }
}

export function writtenFrontend(message: FrontendMessage): Buffer {
  switch (message.name) {
    case 'Query':
      return encode(frontend.query, message.query.bytes);
    case 'Parse':
      return encode(frontend.parse, message.statement, message.query.bytes, message.parameterTypes);
    case 'Bind':
      return encode(frontend.bind, { ...message, parameters: valuesOf(message.parameters) });
    case 'Describe':
      return encode(frontend.describe, message.kind, message.target);
    case 'Execute':
      return encode(frontend.execute, message.portal, message.maxRows);
    case 'Close':
      return encode(frontend.close, message.kind, message.target);
    case 'FunctionCall':
      return encode(frontend.functionCall, { ...message, arguments: valuesOf(message.arguments) });
    case 'PasswordMessage':
      return encode(frontend.passwordMessage, message.password);
    case 'SASLInitialResponse':
      return encode(frontend.saslInitialResponse, message.mechanism, message.response);
    case 'SASLResponse':
      return encode(frontend.saslResponse, message.data);
    case 'GSSResponse':
      return encode(frontend.gssResponse, message.data);
    case 'CopyData':
      return encode(frontend.copyData, message.data);
    case 'CopyFail':
      return encode(frontend.copyFail, message.message.bytes);
    case 'CopyDone':
      return encode(frontend.copyDone);
    case 'Flush':
      return encode(frontend.flush);
    case 'Sync':
      return encode(frontend.sync);
    case 'Terminate':
      return encode(frontend.terminate);
  }
}

export function writtenBackend(message: BackendMessage): Buffer {
  switch (message.name) {
    case 'BackendKeyData':
      return encode(backend.backendKeyData, message.processId, message.secretKey);
    case 'BindComplete':
      return encode(backend.bindComplete);
    case 'CloseComplete':
      return encode(backend.closeComplete);
    case 'CommandComplete':
      return encode(backend.commandComplete, message.tag);
    case 'CopyBothResponse':
    case 'CopyInResponse':
    case 'CopyOutResponse':
      return encode(backend.copyResponse, message.name, message.format, message.columnFormats);
    case 'CopyData':
      return encode(frontend.copyData, message.data);
    case 'CopyDone':
      return encode(frontend.copyDone);
    case 'DataRow':
      return encode(backend.dataRow, valuesOf(message.columns));
    case 'EmptyQueryResponse':
      return encode(backend.emptyQueryResponse);
    case 'ErrorResponse':
      return encode(backend.errorResponse, message.fields);
    case 'FunctionCallResponse':
      return encode(backend.functionCallResponse, message.value);
    case 'NegotiateProtocolVersion':
      return encode(backend.negotiateProtocolVersion, message.version, message.unrecognizedOptions);
    case 'NoData':
      return encode(backend.noData);
    case 'NoticeResponse':
      return encode(backend.noticeResponse, message.fields);
    case 'NotificationResponse':
      return encode(backend.notificationResponse, message.processId, message.channel, message.payload);
    case 'ParameterDescription':
      return encode(backend.parameterDescription, message.parameterTypes);
    case 'ParameterStatus':
      return encode(backend.parameterStatus, message.parameter, message.value);
    case 'ParseComplete':
      return encode(backend.parseComplete);
    case 'PortalSuspended':
      return encode(backend.portalSuspended);
    case 'ReadyForQuery':
      return encode(backend.readyForQuery, message.status);
    case 'RowDescription':
      return encode(backend.rowDescription, message.fields);
    default:
      return encode(backend.authentication, message);
  }
}
