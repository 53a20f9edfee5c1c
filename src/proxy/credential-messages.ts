/** What worker and supervisor say to each other of a login that Hopline holds; see messages.ts. */
import type { HeldLogin } from '../core/credentials.ts';
import { count, text as fits, record } from '../core/fields.ts';
import type { Decision, Id } from '../core/types.ts';
import { isPoint } from './sealed.ts';

/** PostgreSQL's names have 63 bytes; a client may send longer ones. */
export const USER_LIMIT = 1024;
const ERROR_LIMIT = 1024;
/** The longest secret that a source gives, sealed, in base64. */
const SEALED_LIMIT = 32 * 1024;

/** A login, its password sealed for whoever asked. */
export type SealedLogin = Omit<HeldLogin, 'password'> & { readonly sealed: string };

export interface CredentialAsk {
  readonly type: 'credential';
  readonly seq: number;
  readonly hop: Id;
  /** Whom the client asked for. */
  readonly user: string;
  /** For which the password is to be sealed. */
  readonly key: string;
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
  readonly login: SealedLogin | null;
  readonly error: string;
}

export function credentialAsk({ seq, hop, user, key }: Record<string, unknown>): CredentialAsk | null {
  if (!count(seq) || !fits(hop, USER_LIMIT) || !fits(user, USER_LIMIT) || !isPoint(key)) return null;
  return { type: 'credential', seq, hop, user, key };
}

export function credentialRefused({ hop }: Record<string, unknown>): CredentialRefused | null {
  return fits(hop, USER_LIMIT) ? { type: 'credential-refused', hop } : null;
}

export function credentialAnswer(m: Record<string, unknown>): CredentialAnswer | null {
  const { seq, error } = m;
  if (!count(seq) || !fits(error, ERROR_LIMIT)) return null;
  if (m.login === null) return { type: 'credential', seq, login: null, error };
  const login = record(m.login);
  const decision = record(login?.decision) as Decision | null;
  if (login === null || decision === null) return null;
  const { user, sealed, source } = login;
  if (!fits(user, USER_LIMIT) || !fits(source, ERROR_LIMIT) || !fits(sealed, SEALED_LIMIT)) return null;
  return { type: 'credential', seq, login: { user, sealed, source, decision }, error };
}
