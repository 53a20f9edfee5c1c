/** Why an authentication cannot go on. */
import type { ErrorReport } from '../error-fields.ts';

/**
 * `method`: the server asks for something that cannot be given, or not on such a connection. `server`: it did not prove
 * that it knows the password, or breaks the exchange. `client`: the client breaks it. `bound`: what the client sends is
 * tied to its own TLS connection, which ends at Hopline. `secret`: the credential that Hopline holds cannot be sent.
 */
export type AuthenticationErrorCode = 'method' | 'server' | 'client' | 'bound' | 'secret';

/** Neither the text nor the hint has anything of a password, a proof or a token in it. */
export class AuthenticationError extends Error {
  override readonly name = 'AuthenticationError';
  readonly code: AuthenticationErrorCode;
  /** What to do about it; empty where there is nothing to say. */
  readonly hint: string;

  constructor(code: AuthenticationErrorCode, message: string, hint = '') {
    super(message);
    this.code = code;
    this.hint = hint;
  }

  /** As the client is told: 28000 invalid_authorization_specification, 08P01 protocol_violation. */
  get report(): ErrorReport {
    const code = this.code === 'client' || this.code === 'server' ? '08P01' : '28000';
    const report = { severity: 'FATAL', code, message: `Hopline: ${this.message}` };
    return this.hint === '' ? report : { ...report, hint: this.hint };
  }
}

/** The server does not let Hopline in; the report is what the client is told. */
export class LoginError extends Error {
  override readonly name = 'LoginError';
  readonly report: ErrorReport;

  /** @param message for the record */
  constructor(message: string, report: ErrorReport) {
    super(message);
    this.report = report;
  }
}
