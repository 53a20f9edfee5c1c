/** The host's key in a key exchange: what it signs with, and whether it did. */

import { SshError } from '../errors.ts';
import { certificateType, certifiedType, parseCertificate } from '../keys/certificate.ts';
import { keyType, publicKeyFrom, verifies } from '../keys/public-key.ts';
import { Disconnect } from '../numbers.ts';

/** A server's own. */
export interface HostKey {
  /** The signature algorithms that it is offered with. */
  readonly algorithms: readonly string[];
  readonly publicKey: Buffer;
  /** @returns the signature as SSH sends it */
  sign(algorithm: string, data: Buffer): Promise<Buffer>;
}

/**
 * Checks that the exchange hash was signed by the key that was sent with it. Whose key that is, is another question.
 * @param algorithm what was agreed for host keys
 * @throws SshError, WireError
 */
export function checkHostSignature(
  algorithm: string,
  hostKey: Buffer,
  hash: Buffer,
  signature: Buffer,
): void {
  const plain = certifiedType(algorithm);
  const type = keyType(hostKey);
  if (type !== blobType(algorithm)) throw failed(`a host key of type ${type} where ${algorithm} was agreed`);
  const key = plain === null ? publicKeyFrom(hostKey) : parseCertificate(hostKey).key;
  if (!verifies(key, plain ?? algorithm, hash, signature))
    throw failed('the signature with the host key is wrong');
}

/** The type of the blob that goes with a signature algorithm (RFC 8332 section 3). */
function blobType(algorithm: string): string {
  const plain = certifiedType(algorithm) ?? algorithm;
  const type = plain.startsWith('rsa-sha2-') ? 'ssh-rsa' : plain;
  return plain === algorithm ? type : certificateType(type);
}

function failed(what: string): SshError {
  return new SshError(Disconnect.KEY_EXCHANGE_FAILED, what);
}
