/** X.509 (RFC 5280) as far as a small certificate authority needs it: its own certificate, and those of servers below it. */
import 'reflect-metadata';
import { createPrivateKey, KeyObject, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { CanonicalName } from './names.ts';

type CryptoKey = webcrypto.CryptoKey;
type CryptoKeyPair = webcrypto.CryptoKeyPair;

const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;
/** ub-common-name (RFC 5280 appendix A.1). */
const MAX_COMMON_NAME = 64;

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface Signer {
  readonly certificate: x509.X509Certificate;
  readonly key: CryptoKey;
}

export function newKeyPair(): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
}

/** PKCS #8 in PEM. */
export function privateKeyPem(key: CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();
}

/**
 * The pair from a PKCS #8 or SEC 1 PEM. The private half cannot be exported again.
 * @throws where it is no P-256 key
 */
export async function keyPairFromPem(pem: string): Promise<CryptoKeyPair> {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new Error('not an ECDSA P-256 key');
  const { kty, crv, x, y } = key.export({ format: 'jwk' });
  const jwk = { kty, crv, x, y } as webcrypto.JsonWebKey;
  const publicKey = await webcrypto.subtle.importKey('jwk', jwk, P256, true, ['verify']);
  return { privateKey: key.toCryptoKey(P256, false, ['sign']), publicKey };
}

/** The authority's own certificate: it may sign servers' certificates and nothing else below itself. */
export async function selfSigned(
  commonName: string,
  keys: CryptoKeyPair,
  validity: Validity,
): Promise<x509.X509Certificate> {
  return x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [commonName.slice(0, MAX_COMMON_NAME)] }],
    ...validity,
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
}

/** What a certificate is for: to be connected to, or to connect as well. */
export type Usage = 'server' | 'server and client';

/** A server's certificate. */
export async function serverCertificate(
  signer: Signer,
  names: readonly CanonicalName[],
  publicKey: CryptoKey,
  validity: Validity,
  usage: Usage,
): Promise<x509.X509Certificate> {
  const common = names.find(({ value }) => value.length <= MAX_COMMON_NAME)?.value;
  return x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: common === undefined ? [] : [{ CN: [common] }],
    issuer: signer.certificate.subjectName,
    ...validity,
    publicKey,
    signingKey: signer.key,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        ...(usage === 'server' ? [] : [x509.ExtendedKeyUsage.clientAuth]),
      ]),
      // Critical where the subject is empty (section 4.2.1.6).
      new x509.SubjectAlternativeNameExtension(
        names.map(({ type, value }) => ({ type, value })),
        common === undefined,
      ),
      await x509.AuthorityKeyIdentifierExtension.create(signer.certificate),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
}

/** @throws where the text is no certificate in PEM */
export function certificateFromPem(pem: string): x509.X509Certificate {
  return new x509.X509Certificate(pem);
}

/** Whether the certificate is of this key. */
export async function certifies(certificate: x509.X509Certificate, key: CryptoKey): Promise<boolean> {
  const spki = Buffer.from(await webcrypto.subtle.exportKey('spki', key));
  return spki.equals(Buffer.from(certificate.publicKey.rawData));
}

/** Whether it may sign others, and signed itself. */
export async function isAuthority(certificate: x509.X509Certificate): Promise<boolean> {
  const constraints = certificate.getExtension(x509.BasicConstraintsExtension);
  return constraints?.ca === true && (await certificate.verify({ signatureOnly: true }));
}

/** 16 random bytes in hex: positive, and without a leading zero byte. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}
