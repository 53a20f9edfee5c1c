/**
 * User certificates (OpenSSH PROTOCOL.certkeys): a key that lives as long as one connection needs it, signed for one
 * account, with who and which hop in its key id, which the other host's sshd logs and hands on.
 */
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { WireReader, WireWriter } from '../core/ssh-wire.ts';
import { USER } from '../protocols/ssh/keys/certificate.ts';
import { blobOf, keyType, signatureAlgorithms, signWith } from '../protocols/ssh/keys/public-key.ts';

/** What sshd gives a certificate's holder; all of it is what a bare key has. Sorted, as they have to be. */
const EXTENSIONS = [
  'permit-X11-forwarding',
  'permit-agent-forwarding',
  'permit-port-forwarding',
  'permit-pty',
  'permit-user-rc',
];
const NONCE = 32;
/** Clocks of two hosts may differ by so much. Seconds. */
const SKEW = 60;
/** sshd's SSHKEY_CERT has no limit; its logs and an environment have. */
const LONGEST_KEY_ID = 1024;

export interface CertificateTerms {
  /** The account at the host. */
  readonly principal: string;
  readonly keyId: string;
  readonly serial: bigint;
  /** Seconds since 1970. */
  readonly now: number;
  /** Seconds that it is good for: it has to begin a connection, not to last through it. */
  readonly lifetime: number;
  /** Addresses it may be used from; null: any. */
  readonly sourceAddress: string | null;
}

/**
 * @param authority Ed25519, ECDSA or RSA private key
 * @param subject the blob of the key that is certified, of type ssh-ed25519
 * @returns the certificate's blob
 * @throws Error for terms that no certificate should have
 */
export function signCertificate(authority: KeyObject, subject: Buffer, terms: CertificateTerms): Buffer {
  const { principal, keyId, serial, now, lifetime, sourceAddress } = terms;
  // Without a principal a certificate is good for every account.
  if (principal === '') throw new Error('a certificate is for one account');
  if (keyId.length > LONGEST_KEY_ID) throw new Error('a key id that is too long');
  if (!(lifetime > 0)) throw new Error('a certificate that is good for no time');
  const key = new WireReader(subject);
  const type = key.text();
  if (type !== 'ssh-ed25519') throw new Error('only Ed25519 keys are certified here');
  const authorityBlob = blobOf(authority);
  const critical = new WireWriter();
  if (sourceAddress !== null)
    critical.string('source-address').string(new WireWriter().string(sourceAddress).bytes());
  const extensions = new WireWriter();
  for (const extension of EXTENSIONS) extensions.string(extension).string('');
  const signed = new WireWriter()
    .string(`${type}-cert-v01@openssh.com`)
    .string(randomBytes(NONCE))
    .raw(key.rest())
    .uint64(serial)
    .uint32(USER)
    .string(keyId)
    .string(new WireWriter().string(principal).bytes())
    .uint64(BigInt(now - SKEW))
    .uint64(BigInt(now + lifetime))
    .string(critical.bytes())
    .string(extensions.bytes())
    .string('')
    .string(authorityBlob)
    .bytes();
  const [algorithm = ''] = signatureAlgorithms(keyType(authorityBlob));
  return new WireWriter()
    .raw(signed)
    .string(signWith(authority, algorithm, signed))
    .bytes();
}

/** A certificate with the key that it is for. */
export interface Issued {
  readonly key: KeyObject;
  readonly certificate: Buffer;
}

/** For a key that was never anywhere else, and is forgotten with the connection. */
export function issue(authority: KeyObject, terms: CertificateTerms): Issued {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { key: privateKey, certificate: signCertificate(authority, blobOf(privateKey), terms) };
}
