/** What may be signed with a person's key: a request to log in over SSH, and nothing else (RFC 4252 section 7). */
import { WireError, WireReader } from '../core/ssh-wire.ts';

const USERAUTH_REQUEST = 50;
/** The longest hash of a key exchange. */
const LONGEST_SESSION_ID = 64;

/** @param key the blob that the request has to name */
export function isUserauth(data: Buffer, key: Buffer): boolean {
  try {
    const reader = new WireReader(data);
    const session = reader.string();
    if (session.length < 20 || session.length > LONGEST_SESSION_ID) return false;
    if (reader.byte() !== USERAUTH_REQUEST) return false;
    reader.string(); // user
    if (reader.text() !== 'ssh-connection' || reader.text() !== 'publickey' || !reader.boolean())
      return false;
    reader.string(); // algorithm
    return reader.string().equals(key) && reader.done;
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}
