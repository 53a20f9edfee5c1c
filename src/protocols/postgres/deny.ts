/**
 * How a denied statement fails as PostgreSQL itself would fail it. In its place the server gets a statement that cannot be
 * parsed any further than a constant of ours; its error is replaced by the policy's on the way back. So a transaction
 * is failed, an implicit one rolled back and the rest of the message skipped by the server, not by a guess of ours
 * (PostgreSQL 18 manual, 54.2.2.1 Multiple Statements in a Simple Query, 54.2.3 Extended Query).
 */
import { randomBytes } from 'node:crypto';
import type { Decision } from '../../core/types.ts';
import type { ErrorReport } from './error-fields.ts';

/** insufficient_privilege (appendix A): what PostgreSQL answers where a privilege is missing. */
export const INSUFFICIENT_PRIVILEGE = '42501';
/** connection_failure: the server cannot be reached, or went away. */
export const CONNECTION_FAILURE = '08006';

/** insufficient_resources: the disk is full, of Hopline's own host. */
export const INSUFFICIENT_RESOURCES = '53000';
/** query_canceled. */
export const QUERY_CANCELED = '57014';

export interface Denial {
  /** What the person sees in place of the server's complaint about the constant. */
  readonly report: ErrorReport;
  /** What the server's error quotes, and nothing else can. */
  readonly mark: string;
  /** Takes the denied statement's place. */
  readonly statement: string;
}

export function denial(decision: Decision, report: ErrorReport = reportOf(decision)): Denial {
  const mark = `denied by Hopline ${randomBytes(12).toString('hex')}`;
  return { report, mark, statement: `SELECT '${mark}'::pg_catalog.int4` };
}

export function reportOf({ policies, reason, outcome }: Decision): ErrorReport {
  const which = policies.length === 0 ? '' : `Policy ${policies.join(', ')}. `;
  const next =
    outcome === 'approve'
      ? 'Policies have changed while it waited: send it once more.'
      : 'The session goes on. `hopline actions` on the bastion shows what was recorded.';
  return {
    severity: 'ERROR',
    code: INSUFFICIENT_PRIVILEGE,
    message: `Hopline: ${reason}`,
    hint: `${which}${next}`,
  };
}

/** The connection itself is refused: the client is told why before it is closed. */
export function fatal(code: string, message: string): ErrorReport {
  return { severity: 'FATAL', code, message: `Hopline: ${message}` };
}
