/** What worker and supervisor say to each other of a login that Hopline holds; see messages.ts. */
import type { HeldLogin } from '../core/credentials.ts';
import { count, text as fits, record } from '../core/fields.ts';
import { Secret } from '../core/secret.ts';
import type { Decision, Id } from '../core/types.ts';

/** PostgreSQL's names have 63 bytes; a client may send longer ones. */
const USER_LIMIT = 1024;
const ERROR_LIMIT = 1024;
/** Base64 of the longest secret that a source gives: AWS's tokens have some 2 kB. */
const PASSWORD_LIMIT = 32 * 1024;

export interface CredentialAsk {
  readonly type: 'credential';
  readonly seq: number;
  readonly hop: Id;
  /** Whom the client asked for. */
  readonly user: string;
}

/** The server did not take the login that was lent for the hop. */
export interface CredentialRefused {
  readonly type: 'credential-refused';
  readonly hop: Id;
}

/** Null: none, and why. */
export interface CredentialAnswer {
  readonly type: 'credential';
  readonly seq: number;
  readonly login: HeldLogin | null;
  readonly error: string;
}

export function credentialAsk({ seq, hop, user }: Record<string, unknown>): CredentialAsk | null {
  if (!count(seq) || !fits(hop, USER_LIMIT) || !fits(user, USER_LIMIT)) return null;
  return { type: 'credential', seq, hop, user };
}

export function credentialRefused({ hop }: Record<string, unknown>): CredentialRefused | null {
  return fits(hop, USER_LIMIT) ? { type: 'credential-refused', hop } : null;
}

/** As it goes over the channel, which carries JSON: the password in base64. Nothing else may ever print it. */
export function writeCredential({ login, ...answer }: CredentialAnswer): object {
  if (login === null) return { ...answer, login: null };
  const bytes = login.password.bytes();
  const password = bytes.toString('base64');
  bytes.fill(0);
  return { ...answer, login: { ...login, password } };
}

export function credentialAnswer(m: Record<string, unknown>): CredentialAnswer | null {
  const { seq, error } = m;
  if (!count(seq) || !fits(error, ERROR_LIMIT)) return null;
  if (m.login === null) return { type: 'credential', seq, login: null, error };
  const login = record(m.login);
  const decision = record(login?.decision) as Decision | null;
  if (login === null || decision === null) return null;
  const { user, password, source } = login;
  if (!fits(user, USER_LIMIT) || !fits(source, ERROR_LIMIT) || !fits(password, PASSWORD_LIMIT)) return null;
  const bytes = Buffer.from(password, 'base64');
  const given = { user, password: new Secret(bytes), source, decision };
  bytes.fill(0);
  return { type: 'credential', seq, login: given, error };
}
