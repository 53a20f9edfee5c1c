/** The fields of ErrorResponse and NoticeResponse (PostgreSQL 18 manual, 54.8 Error and Notice Message Fields). */
import type { ErrorField } from './messages.ts';
import { type Encoding, UTF8 } from './text.ts';

/** What a person or a log reads of an error or a notice. */
export interface ErrorReport {
  /** `ERROR`, `FATAL`, `PANIC`, `WARNING`, `NOTICE`, `DEBUG`, `INFO` or `LOG`, never in another language. */
  readonly severity: string;
  /** As the server's language has it; the same as `severity` where it is left out. */
  readonly localizedSeverity?: string;
  /** SQLSTATE. */
  readonly code: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly where?: string;
  readonly schema?: string;
  readonly table?: string;
  readonly column?: string;
  readonly dataType?: string;
  readonly constraint?: string;
  /** Characters from 1 on, as decimal digits. */
  readonly position?: string;
  readonly internalPosition?: string;
  readonly internalQuery?: string;
  readonly file?: string;
  readonly line?: string;
  readonly routine?: string;
}

/** In the order that the server writes them. */
const TYPES: readonly (readonly [keyof ErrorReport, string])[] = [
  ['localizedSeverity', 'S'],
  ['severity', 'V'],
  ['code', 'C'],
  ['message', 'M'],
  ['detail', 'D'],
  ['hint', 'H'],
  ['where', 'W'],
  ['schema', 's'],
  ['table', 't'],
  ['column', 'c'],
  ['dataType', 'd'],
  ['constraint', 'n'],
  ['position', 'P'],
  ['internalPosition', 'p'],
  ['internalQuery', 'q'],
  ['file', 'F'],
  ['line', 'L'],
  ['routine', 'R'],
];
const NAMES = new Map(TYPES.map(([name, type]) => [type, name]));

/** The fields of a report. What the client's encoding lacks is `?`. */
export function errorFields(report: ErrorReport, encoding: Encoding = UTF8): ErrorField[] {
  const fields: ErrorField[] = [];
  const whole = { localizedSeverity: report.severity, ...report };
  for (const [name, type] of TYPES) {
    const text = whole[name];
    if (text !== undefined) fields.push({ type, value: encoding.bytes(text) });
  }
  return fields;
}

/**
 * Fields as text. Of two of one type the last counts, as for libpq; unknown types are left out. Servers before 9.6
 * send no `V`: the localized severity stands in.
 */
export function errorReport(fields: readonly ErrorField[], encoding: Encoding = UTF8): ErrorReport {
  const report: Partial<Record<keyof ErrorReport, string>> = {};
  for (const { type, value } of fields) {
    const name = NAMES.get(type);
    if (name !== undefined) report[name] = encoding.show(value);
  }
  const { localizedSeverity = '', severity = localizedSeverity, code = '', message = '' } = report;
  return { ...report, severity, code, message };
}
