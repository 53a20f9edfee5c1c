/** What a certificate's key id says: who, from which host's hop. It is signed, so the next host can believe it. */

export interface KeyId {
  /** The person, or the account where no person is known. */
  readonly identity: string;
  readonly host: string;
  readonly hop: string;
}

const PREFIX = 'hopline';

/** `hopline:v1:HOST:HOP:IDENTITY`; a host's name and a hop's id have no colon. */
export function writeKeyId({ identity, host, hop }: KeyId): string {
  for (const [what, value] of Object.entries({ host, hop }))
    if (value === '' || /[:\s]/.test(value)) throw new Error(`a ${what} that no key id can name`);
  if (identity === '' || /\p{Cc}/u.test(identity)) throw new Error('an identity that no key id can name');
  return [PREFIX, 'v1', host, hop, identity].join(':');
}

/** @returns null where it is another's key id */
export function readKeyId(text: string): KeyId | null {
  const match = /^hopline:v1:([^:\s]+):([^:\s]+):([^\p{Cc}]+)$/u.exec(text);
  const [, host, hop, identity] = match ?? [];
  return host === undefined || hop === undefined || identity === undefined ? null : { host, hop, identity };
}
