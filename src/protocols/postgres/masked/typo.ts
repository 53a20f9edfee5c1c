/** A text that no grammar takes: nothing of it is known, so it is not run, and the person reads what is wrong with it. */
import type { ErrorReport } from '../error-fields.ts';
import { parse } from '../sql/parse.ts';
import type { Statement } from '../sql/statement.ts';

/** syntax_error (appendix A). */
const SYNTAX_ERROR = '42601';

/** @returns as the server would say it; undefined where that is not known */
export function typo({ verb, text }: Statement): ErrorReport | undefined {
  if (verb !== 'unknown') return undefined;
  const { error } = parse(text);
  if (error?.syntax !== true) return undefined;
  const position = String([...text.slice(0, error.cursor)].length + 1);
  return { severity: 'ERROR', code: SYNTAX_ERROR, message: error.message, position };
}
