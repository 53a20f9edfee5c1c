/** PasswordMessage: in clear, or as MD5 of it (PostgreSQL 18 manual, 54.2.1 Start-up, AuthenticationMD5Password). */
import { createHash } from 'node:crypto';
import type { Secret } from '../../../core/secret.ts';
import { passwordMessage } from '../encode-frontend.ts';
import { Writer } from '../writer.ts';
import { AuthenticationError } from './errors.ts';

const HEADER = 6;
/** Above 64 bytes Node keeps a buffer outside V8's heap, where overwriting it leaves nothing behind. */
const LEAST = 128;

/**
 * The password itself. The bytes are in memory of their own: fill them with zeros when they are sent.
 * @throws AuthenticationError `secret` where it has a zero byte in it, which no PasswordMessage can carry
 */
export function cleartextMessage(password: Secret): Buffer {
  const bytes = password.bytes();
  try {
    return message(bytes);
  } finally {
    bytes.fill(0);
  }
}

/** `md5` and the hexadecimal MD5 of the hexadecimal MD5 of password and user, and the salt. */
export function md5Message(password: Secret, user: string, salt: Buffer): Buffer {
  const bytes = password.bytes();
  const inner = createHash('md5').update(bytes).update(user, 'utf8').digest('hex');
  bytes.fill(0);
  const outer = createHash('md5').update(inner, 'latin1').update(salt).digest('hex');
  return message(Buffer.from(`md5${outer}`, 'latin1'));
}

function message(text: Buffer): Buffer {
  if (text.includes(0)) throw new AuthenticationError('secret', 'the password has a zero byte in it');
  const out = new Writer(Math.max(text.length + HEADER, LEAST));
  passwordMessage(out, text);
  return out.take();
}
