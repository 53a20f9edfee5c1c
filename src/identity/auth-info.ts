/** SSH_AUTH_INFO_0: how sshd let somebody in, a line for each method that succeeded. */

import { WireError } from '../core/ssh-wire.ts';
import type { Evidence } from '../core/types.ts';
import { parseSshKey, type SshKey } from './ssh-key.ts';

/** AuthenticationMethods of a sane sshd name two or three; the rest is not read. */
const MOST_LINES = 16;
/** A base64 key of the largest packet, and its line's other words. */
const LONGEST_LINE = 400_000;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

const STRENGTH: Readonly<Record<Evidence['method'], number>> = {
  certificate: 0,
  publickey: 1,
  'keyboard-interactive': 2,
  password: 3,
  other: 4,
  account: 5,
};

/**
 * The facts in the variable's content (`publickey ssh-ed25519 AAAA…`, `password`, …), strongest first. A key that can't be
 * read leaves the method without a fingerprint. Never throws, whatever the text.
 * @param source where the text came from; only `pam` can be believed
 */
export function readAuthInfo(text: string, source: Evidence['source']): readonly Evidence[] {
  const found: Evidence[] = [];
  for (const line of lines(text)) {
    const [method = '', ...words] = line.split(/[ \t]+/);
    if (method === 'publickey') found.push(keyEvidence(words, source));
    else if (method === 'password') found.push({ method: 'password', source });
    else if (method.startsWith('keyboard-interactive'))
      found.push({ method: 'keyboard-interactive', source });
    else if (method !== '') found.push({ method: 'other', source });
  }
  return found.sort((a, b) => STRENGTH[a.method] - STRENGTH[b.method]);
}

function* lines(text: string): Generator<string> {
  let from = 0;
  for (let count = 0; count < MOST_LINES && from < text.length; count++) {
    const end = text.indexOf('\n', from);
    const to = end < 0 ? text.length : end;
    if (to - from <= LONGEST_LINE) yield text.slice(from, to).trim();
    from = to + 1;
  }
}

function keyEvidence(words: readonly string[], source: Evidence['source']): Evidence {
  const [type = '', base64 = ''] = words;
  const key = BASE64.test(base64) ? readKey(Buffer.from(base64, 'base64')) : null;
  // The line's own word for the type is sshd's; where the blob says otherwise, one of them is not what sshd checked.
  if (key === null || key.type !== type) return { method: 'publickey', source };
  const { fingerprint, certificate } = key;
  if (certificate === null) return { method: 'publickey', fingerprint, keyType: type, source };
  return { method: 'certificate', fingerprint, keyType: type, ...certificate, source };
}

function readKey(blob: Buffer): SshKey | null {
  try {
    return parseSshKey(blob);
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}
