/** Any message by its type byte; the functions for each are in decode-frontend.ts and decode-backend.ts. */
import {
  decodeAuthentication,
  decodeBackendKeyData,
  decodeCommandComplete,
  decodeCopyResponse,
  decodeDataRow,
  decodeErrorResponse,
  decodeFunctionCallResponse,
  decodeNegotiateProtocolVersion,
  decodeNoticeResponse,
  decodeNotificationResponse,
  decodeParameterDescription,
  decodeParameterStatus,
  decodeReadyForQuery,
  decodeRowDescription,
} from './decode-backend.ts';
import {
  decodeAuthenticationAnswer,
  decodeBind,
  decodeClose,
  decodeCopyFail,
  decodeDescribe,
  decodeExecute,
  decodeFunctionCall,
  decodeParse,
  decodeQuery,
} from './decode-frontend.ts';
import { DecodeError } from './errors.ts';
import {
  type AuthenticationType,
  Backend,
  type BackendMessage,
  type CopyData,
  Frontend,
  type FrontendMessage,
} from './messages.ts';
import { Reader } from './reader.ts';
import { type Encoding, UTF8 } from './text.ts';

/** CopyData of either direction; the data is a view. */
export function decodeCopyData(message: Buffer): CopyData {
  return { name: 'CopyData', data: new Reader(message, 'CopyData', Frontend.CopyData).rest() };
}

function empty<Name extends string>(message: Buffer, name: Name): { name: Name } {
  new Reader(message, name, message[0] ?? null).end();
  return { name };
}

/**
 * @param asked the last Authentication message, which says what a `p` is
 * @throws DecodeError
 */
export function decodeFrontend(
  message: Buffer,
  asked: AuthenticationType | null = null,
  encoding: Encoding = UTF8,
): FrontendMessage {
  switch (message[0]) {
    case Frontend.Query:
      return decodeQuery(message, encoding);
    case Frontend.Parse:
      return decodeParse(message, encoding);
    case Frontend.Bind:
      return decodeBind(message, encoding);
    case Frontend.Describe:
      return decodeDescribe(message, encoding);
    case Frontend.Execute:
      return decodeExecute(message, encoding);
    case Frontend.Close:
      return decodeClose(message, encoding);
    case Frontend.FunctionCall:
      return decodeFunctionCall(message);
    case Frontend.CopyData:
      return decodeCopyData(message);
    case Frontend.CopyFail:
      return decodeCopyFail(message, encoding);
    case Frontend.PasswordMessage:
      return decodeAuthenticationAnswer(message, asked);
    case Frontend.CopyDone:
      return empty(message, 'CopyDone');
    case Frontend.Flush:
      return empty(message, 'Flush');
    case Frontend.Sync:
      return empty(message, 'Sync');
    case Frontend.Terminate:
      return empty(message, 'Terminate');
    default:
      throw new DecodeError('message', 'no type that a frontend sends');
  }
}

/** @throws DecodeError */
export function decodeBackend(message: Buffer): BackendMessage {
  switch (message[0]) {
    case Backend.DataRow:
      return { name: 'DataRow', columns: decodeDataRow(message) };
    case Backend.CommandComplete:
      return decodeCommandComplete(message);
    case Backend.ReadyForQuery:
      return decodeReadyForQuery(message);
    case Backend.RowDescription:
      return decodeRowDescription(message);
    case Backend.ParameterDescription:
      return decodeParameterDescription(message);
    case Backend.ErrorResponse:
      return decodeErrorResponse(message);
    case Backend.NoticeResponse:
      return decodeNoticeResponse(message);
    case Backend.NotificationResponse:
      return decodeNotificationResponse(message);
    case Backend.CopyData:
      return decodeCopyData(message);
    case Backend.CopyInResponse:
      return decodeCopyResponse(message, 'CopyInResponse');
    case Backend.CopyOutResponse:
      return decodeCopyResponse(message, 'CopyOutResponse');
    case Backend.CopyBothResponse:
      return decodeCopyResponse(message, 'CopyBothResponse');
    case Backend.Authentication:
      return decodeAuthentication(message);
    case Backend.BackendKeyData:
      return decodeBackendKeyData(message);
    case Backend.ParameterStatus:
      return decodeParameterStatus(message);
    case Backend.FunctionCallResponse:
      return decodeFunctionCallResponse(message);
    case Backend.NegotiateProtocolVersion:
      return decodeNegotiateProtocolVersion(message);
    case Backend.BindComplete:
      return empty(message, 'BindComplete');
    case Backend.CloseComplete:
      return empty(message, 'CloseComplete');
    case Backend.CopyDone:
      return empty(message, 'CopyDone');
    case Backend.EmptyQueryResponse:
      return empty(message, 'EmptyQueryResponse');
    case Backend.NoData:
      return empty(message, 'NoData');
    case Backend.ParseComplete:
      return empty(message, 'ParseComplete');
    case Backend.PortalSuspended:
      return empty(message, 'PortalSuspended');
    default:
      throw new DecodeError('message', 'no type that a backend sends');
  }
}
