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
/** Those that a cast from text to a name of the catalogue ends with, where translations quote in their own way. */
const ASKING: ReadonlySet<string> = new Set(['42P01', '42704', '42883']);
const WITHHELD =
  "Hopline: the server's words are withheld, because they may quote values that are masked for you.";
const QUOTED = /"([^"]*)"|«([^»]*)»|„([^“]*)“/g;

/**
 * @param statement whose error it is; null: another's, which names a relation with masked columns
 */
export function withheld(report: ErrorReport, statement: string | null): ErrorReport {
  const { severity, localizedSeverity, code, schema, table, column, dataType, constraint, position } = report;
  const kept = names(code, report.message, statement);
  const hint = kept ? (names(code, report.hint ?? '', statement) ? report.hint : undefined) : WITHHELD;
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
  if (quoted.length === 0) return !ASKING.has(code);
  const text = statement?.toLowerCase() ?? '';
  return quoted.every((part) => part.split('.').every((name) => text.includes(name.toLowerCase())));
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

/** The statement whose masked values the server's words may quote; undefined: they can't. */
export function quoted(
  report: ErrorReport,
  first: Awaited | null,
  masking: SessionMasking | null,
): string | null | undefined {
  if (masking === null || masking.observed) return undefined;
  const quiet = first?.running[first.over]?.plan?.quiet ?? first?.portal?.plan?.quiet ?? null;
  if (quiet !== null) return quiet;
  return masking.concerns(report.schema, report.table) ? null : undefined;
}
