/**
 * Messages that a frontend sends. Each function takes one message from the type byte on, and throws DecodeError where
 * it is not exactly that: trailing bytes, a string without its end, a count that the length cannot hold.
 */
import { DecodeError } from './errors.ts';
import {
  type AuthenticationAnswer,
  type AuthenticationType,
  type Bind,
  type Close,
  type CopyFail,
  type Describe,
  type Execute,
  Frontend,
  type FunctionCall,
  type Parse,
  type Query,
} from './messages.ts';
import { Reader } from './reader.ts';
import { type Encoding, UTF8 } from './text.ts';

export function decodeQuery(message: Buffer, encoding: Encoding = UTF8): Query {
  const reader = new Reader(message, 'Query', Frontend.Query);
  const query = reader.text(encoding);
  reader.end();
  return { name: 'Query', query };
}

export function decodeParse(message: Buffer, encoding: Encoding = UTF8): Parse {
  const reader = new Reader(message, 'Parse', Frontend.Parse);
  const statement = reader.identifier(encoding);
  const query = reader.text(encoding);
  const parameterTypes = reader.objectIds();
  reader.end();
  return { name: 'Parse', statement, query, parameterTypes };
}

export function decodeBind(message: Buffer, encoding: Encoding = UTF8): Bind {
  const reader = new Reader(message, 'Bind', Frontend.Bind);
  const portal = reader.identifier(encoding);
  const statement = reader.identifier(encoding);
  const parameterFormats = reader.formats();
  const parameters = reader.fields();
  const resultFormats = reader.formats();
  reader.end();
  if (parameterFormats.length > 1 && parameterFormats.length !== parameters.count)
    reader.fail(`${parameterFormats.length} formats of ${parameters.count} parameters`);
  return { name: 'Bind', portal, statement, parameterFormats, parameters, resultFormats };
}

export function decodeDescribe(message: Buffer, encoding: Encoding = UTF8): Describe {
  return { name: 'Describe', ...target(new Reader(message, 'Describe', Frontend.Describe), encoding) };
}

export function decodeClose(message: Buffer, encoding: Encoding = UTF8): Close {
  return { name: 'Close', ...target(new Reader(message, 'Close', Frontend.Close), encoding) };
}

function target(reader: Reader, encoding: Encoding): { kind: 'S' | 'P'; target: string } {
  const byte = reader.uint8();
  const kind =
    byte === 0x53 ? 'S' : byte === 0x50 ? 'P' : reader.fail('neither of a statement nor of a portal');
  const name = reader.identifier(encoding);
  reader.end();
  return { kind, target: name };
}

export function decodeExecute(message: Buffer, encoding: Encoding = UTF8): Execute {
  const reader = new Reader(message, 'Execute', Frontend.Execute);
  const portal = reader.identifier(encoding);
  const maxRows = reader.int32();
  reader.end();
  return { name: 'Execute', portal, maxRows };
}

export function decodeFunctionCall(message: Buffer): FunctionCall {
  const reader = new Reader(message, 'FunctionCall', Frontend.FunctionCall);
  const objectId = reader.uint32();
  const argumentFormats = reader.formats();
  const values = reader.fields();
  const resultFormat = reader.format();
  reader.end();
  if (argumentFormats.length > 1 && argumentFormats.length !== values.count)
    reader.fail(`${argumentFormats.length} formats of ${values.count} arguments`);
  return { name: 'FunctionCall', objectId, argumentFormats, arguments: values, resultFormat };
}

export function decodeCopyFail(message: Buffer, encoding: Encoding = UTF8): CopyFail {
  const reader = new Reader(message, 'CopyFail', Frontend.CopyFail);
  const text = reader.text(encoding);
  reader.end();
  return { name: 'CopyFail', message: text };
}

/**
 * A `p` message, which is what the server last asked for.
 * @param asked the last Authentication message; null where none was sent
 */
export function decodeAuthenticationAnswer(
  message: Buffer,
  asked: AuthenticationType | null,
): AuthenticationAnswer {
  switch (asked) {
    case 'AuthenticationCleartextPassword':
    case 'AuthenticationMD5Password': {
      const reader = new Reader(message, 'PasswordMessage', Frontend.PasswordMessage);
      const password = reader.string();
      reader.end();
      return { name: 'PasswordMessage', password };
    }
    case 'AuthenticationSASL': {
      const reader = new Reader(message, 'SASLInitialResponse', Frontend.SASLInitialResponse);
      const mechanism = reader.word();
      const length = reader.int32();
      if (length < -1) reader.fail(`a response of length ${length}`);
      const response = length === -1 ? null : reader.bytes(length);
      reader.end();
      return { name: 'SASLInitialResponse', mechanism, response };
    }
    case 'AuthenticationSASLContinue':
      return { name: 'SASLResponse', data: rest(message, 'SASLResponse') };
    case 'AuthenticationGSS':
    case 'AuthenticationSSPI':
    case 'AuthenticationGSSContinue':
      return { name: 'GSSResponse', data: rest(message, 'GSSResponse') };
    default:
      throw new DecodeError('PasswordMessage', `an answer to ${asked ?? 'nothing'}`);
  }
}

function rest(message: Buffer, name: 'SASLResponse' | 'GSSResponse'): Buffer {
  return new Reader(message, name, Frontend[name]).rest();
}
