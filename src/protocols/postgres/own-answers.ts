/** What the server answers to queries of Hopline's own, of which the client sees nothing. */
import { decodeErrorResponse, decodeParameterStatus } from './decode-backend.ts';
import { errorReport } from './error-fields.ts';
import type { Disposition } from './frame.ts';
import { WHOLE } from './limits.ts';
import { Backend } from './messages.ts';
import type { OwnQuery } from './own-query.ts';
import type { Encoding } from './text.ts';

export function beginOwn(type: number, length: number, own: OwnQuery): Disposition {
  if (type === Backend.NotificationResponse) return 'forward';
  if (length <= WHOLE) return 'whole';
  own.fail({ severity: 'ERROR', code: '54000', message: 'an answer is too long' });
  return 'drop';
}

/**
 * @param type any but ReadyForQuery
 * @returns false where the client gets it all the same
 */
export function ownAnswer(type: number, message: Buffer, own: OwnQuery, encoding: Encoding): boolean {
  switch (type) {
    case Backend.DataRow:
      own.row(message, encoding);
      return true;
    case Backend.CommandComplete:
      own.complete();
      return true;
    case Backend.ErrorResponse: {
      const report = errorReport(decodeErrorResponse(message).fields, encoding);
      own.fail(report);
      return report.severity === 'ERROR';
    }
    case Backend.ParameterStatus:
      return decodeParameterStatus(message).parameter === 'search_path';
    default:
      return type === Backend.RowDescription || type === Backend.NoticeResponse;
  }
}
