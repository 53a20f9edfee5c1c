/** What a client is told where Hopline holds the credential. */
import { encode } from '../encode.ts';
import { authentication } from '../encode-backend.ts';

/**
 * AuthenticationOk at once: the kernel has said who this is, and there is nothing that the client could prove. Sent when the
 * server has accepted Hopline, so that a refusal of the server's can still be the client's answer. A client that insists
 * on authenticating (libpq's `channel_binding=require`, and `require_auth` of version 16 and later) gives up on it.
 */
export function acceptClient(): Buffer {
  return encode(authentication, { name: 'AuthenticationOk' });
}
