/** Which of a target's logins is for whom. */
import type { CredentialSettings, HeldUser } from '../core/credentials.ts';

/** No login for this hop. The message is for the person at the client. */
export class NoLoginError extends Error {
  override readonly name = 'NoLoginError';
}

/**
 * The first that is for the person, or the one for the user that the client asks for.
 * @throws NoLoginError
 */
export function chooseLogin(
  all: readonly CredentialSettings[],
  groups: readonly string[],
  asked: string,
  target: string,
): CredentialSettings {
  const mine = all.filter(
    (one) => one.groups.length === 0 || one.groups.some((group) => groups.includes(group)),
  );
  const named = ({ user }: CredentialSettings) => user.by === 'settings' && user.name === asked;
  const chosen = mine.find(named);
  if (chosen !== undefined) return chosen;
  const others = all.find(named);
  if (others !== undefined)
    throw new NoLoginError(`the login of ${asked} on ${target} is for ${others.groups.join(', ')}`);
  const [first] = mine;
  if (first !== undefined) return first;
  throw new NoLoginError(
    all.length === 0
      ? `no login is held for ${target} any more`
      : `the logins of ${target} are for ${[...new Set(all.flatMap((one) => one.groups))].join(', ')}`,
  );
}

/**
 * @returns null where the source says
 * @throws NoLoginError
 */
export function userOf(user: HeldUser, asked: string): string | null {
  if (user.by === 'source') return null;
  if (user.by === 'settings') return user.name;
  if (asked === '') throw new NoLoginError('the client does not say which user it wants to be');
  return asked;
}
