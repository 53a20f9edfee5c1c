/**
 * What errors and notices say where they may quote masked values: unique violations name the key, a failed check the
 * whole row, a failed cast the text that it was given.
 */
import type { Awaited } from '../awaited.ts';
import type { ErrorReport } from '../error-fields.ts';
import type { SessionMasking } from './session.ts';

/**
 * Classes of SQLSTATE (appendix A) whose messages name what the statement names: syntax and access (42, which casts to
 * regclass and its like have too), transactions, resources, an operator's doing.
 */
const NAMING = /^(?:03|08|25|26|28|34|3B|3D|3F|40|42|53|54|55|57|58)/;
/** Those that a function may end with, which was given the name as a value (a cast to regclass, has_table_privilege). */
const ASKING = /^(?:26|28|34|3D|3F|42|55|58)/;
/** Of these a translation may quote in a way of its own. */
const ALWAYS_QUOTED: ReadonlySet<string> = new Set([
  '3D000',
  '3F000',
  '42601',
  '42602',
  '42703',
  '42704',
  '42883',
  '42P01',
]);
const WITHHELD =
  "Hopline: the server's words are withheld, because they may quote values that are masked for you.";
const QUOTED = /"([^"]*)"|«([^»]*)»|»([^«]*)«|„([^“”]*)[“”]|[“”]([^“”]*)”|「([^」]*)」/g;
/** What of a statement names things, before it says what to make of them: of a list, the first. */
const HEAD = /^(?:(?!\b(?:as|using)\b|--|\/\*)[^,('$])*/i;
/** Statements that only name things. */
const NAMES_ONLY =
  /^\s*(?:drop|grant|revoke|comment|truncate|lock|reassign|cluster|reindex|vacuum|analyze)\b/i;

/** bind_param_error_callback in postgres.c: all there is to say of a value that was bound. */
const BINDING = /^(?:unnamed portal|portal "[\w ]*") parameter \$\d+(?: = '[^\n]*')?$/;

/**
 * @param statement whose error it is; null: another's, which names a relation with masked columns
 */
export function withheld(report: ErrorReport, statement: string | null): ErrorReport {
  const { severity, localizedSeverity, code, schema, table, column, dataType, constraint, position } = report;
  // What has a place in the statement was said while it was read: no value of a table was at hand.
  const read = position !== undefined;
  const kept = read || names(code, report.message, statement);
  const hint = kept
    ? read || names(code, report.hint ?? '', statement)
      ? report.hint
      : undefined
    : WITHHELD;
  const all = {
    ...{ severity, localizedSeverity, code, message: kept ? report.message : instead(report), hint },
    ...{ schema, table, column, dataType, constraint, position },
  };
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== undefined),
  ) as unknown as ErrorReport;
}

/** Whether all that the server quotes stands in the statement itself. */
function names(code: string, said: string, statement: string | null): boolean {
  if (!NAMING.test(code)) return false;
  const quoted = [...said.matchAll(QUOTED)].map(
    ([, ...texts]) => texts.find((text) => text !== undefined) ?? '',
  );
  if (quoted.length === 0) return !ALWAYS_QUOTED.has(code);
  const text = statement?.toLowerCase() ?? '';
  const words = quoted.flatMap((part) => part.toLowerCase().split('.'));
  if (!ASKING.test(code)) return words.every((word) => text.includes(word));
  // Threat: a statement that holds what a value may be, so that the server's words are kept where they say which it is.
  const head = NAMES_ONLY.test(text) ? text : (HEAD.exec(text)?.[0] ?? '');
  const known = new Set(head.split(/[\s.";,()]+/));
  return words.every((word) => known.has(word));
}

function instead({ code, constraint, table }: ErrorReport): string {
  const what =
    constraint === undefined
      ? ''
      : ` (constraint "${constraint}"${table === undefined ? '' : ` of "${table}"`})`;
  switch (code) {
    case '23505':
      return `duplicate key value violates a unique constraint${what}`;
    case '23503':
      return `a foreign key constraint is violated${what}`;
    case '23514':
      return `a check constraint is violated${what}`;
    case '23502':
      return `a not-null constraint is violated${what}`;
    case '22P02':
      return 'a value is no valid input of the type';
    case '22001':
      return 'a value is too long for the type';
    case '22003':
      return 'a value is out of the range of the type';
    case '22012':
      return 'division by zero';
    default:
      return `the server reported an error of SQLSTATE ${code}${what}`;
  }
}

/**
 * The statement whose masked values the server's words may quote; undefined: they can't.
 * @param atEnd that which runs as the transaction ends
 */
export function quoted(
  report: ErrorReport,
  first: Awaited | null,
  masking: SessionMasking | null,
  atEnd: () => string | null,
): string | null | undefined {
  if (masking === null || masking.observed) return undefined;
  // Values that were bound are the person's own.
  if (first?.kind === 'bind' && BINDING.test(report.where ?? '')) return undefined;
  const quiet = first?.running[first.over]?.plan?.quiet ?? first?.portal?.plan?.quiet ?? null;
  const behind = quiet ?? (first?.kind === 'sync' ? atEnd() : null);
  if (behind !== null) return behind;
  return masking.concerns(report.schema, report.table) ? null : undefined;
}
