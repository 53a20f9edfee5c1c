/** A peer that breaks the protocol of connections, or has more under way than anybody would. */
import { SshError } from '../errors.ts';
import { Disconnect } from '../numbers.ts';

export function broken(what: string): SshError {
  return new SshError(Disconnect.PROTOCOL_ERROR, `broke the protocol: ${what}`);
}

export function tooMany(): SshError {
  return new SshError(Disconnect.PROTOCOL_ERROR, 'more requests than it waits for');
}
