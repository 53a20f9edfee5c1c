/**
 * The local certificate authority: it vouches, to clients on this host that were told to trust it, for the names of servers
 * that Hopline stands in for. Its key is the supervisor's; a worker gets certificates (mint.ts), never this.
 */
import { X509Certificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Micros } from '../core/types.ts';
import { CaError, checkDirectory, createOwned, readOwned, systemError } from './ca-files.ts';
import {
  certificateFromPem,
  certifies,
  isAuthority,
  keyPairFromPem,
  newKeyPair,
  privateKeyPem,
  type Signer,
  selfSigned,
  serverCertificate,
  type Usage,
  type Validity,
} from './certificates.ts';
import type { CanonicalName } from './names.ts';

export { CaError, type CaErrorCode } from './ca-files.ts';

export const KEY_FILE = 'ca.key';
export const CERTIFICATE_FILE = 'ca.crt';
const YEARS = 10;
const HOUR_MS = 3_600_000;

export interface AuthorityOptions {
  /** Holds `ca.key` (0600) and `ca.crt` (0644); made where it is not there. Nobody else may write to it. */
  readonly directory: string;
  /** Stands in the authority's name, so that a person with several in a browser tells them apart. */
  readonly host: string;
  readonly now?: () => Micros;
}

/**
 * Loads the authority, or makes it where there is none.
 * @throws CaError
 */
export async function openAuthority(options: AuthorityOptions): Promise<Authority> {
  const { directory, host, now = () => Date.now() * 1000 } = options;
  await mkdir(directory, { recursive: true, mode: 0o755 }).catch((error: unknown) => {
    throw systemError(`cannot make ${directory}`, error);
  });
  await checkDirectory(directory);
  const [keyPath, certificatePath] = [join(directory, KEY_FILE), join(directory, CERTIFICATE_FILE)];
  const created = (await readOwned(keyPath, true)) === null && (await createKey(directory));
  const keys = await parseKey(keyPath, await readOwned(keyPath, true));
  let pem = await readOwned(certificatePath, false);
  if (pem === null) {
    // A key alone is what a crash between the two files leaves behind: nobody trusts it yet.
    const certificate = await selfSigned(`Hopline CA on ${host}`, keys, validity(now()));
    await createOwned(directory, CERTIFICATE_FILE, `${certificate.toString('pem')}\n`, 0o644);
    pem = await readOwned(certificatePath, false);
  }
  const certificate = parseCertificate(certificatePath, pem);
  if (!(await certifies(certificate, keys.publicKey)))
    throw new CaError('mismatch', `${certificatePath} is not the certificate of ${keyPath}`);
  if (!(await isAuthority(certificate)))
    throw new CaError('unreadable', `${certificatePath} is not an authority's own certificate`);
  const authority = new Authority({ certificate, key: keys.privateKey }, created);
  if (now() >= authority.notAfter)
    throw new CaError(
      'expired',
      `${certificatePath} ended on ${certificate.notAfter.toISOString()}: remove it and ${keyPath}, and let clients trust the new one`,
    );
  return authority;
}

/** What signs. Holds a private key that can be used and not exported. */
export class Authority {
  /** `Hopline CA on HOST`. */
  readonly name: string;
  /** PEM. */
  readonly certificate: string;
  /** `AB:CD:…`, SHA-256 of the certificate: what a person compares. */
  readonly fingerprint: string;
  readonly notAfter: Micros;
  /** Made just now: no client can trust it yet. */
  readonly created: boolean;
  readonly #signer: Signer;

  constructor(signer: Signer, created: boolean) {
    const node = new X509Certificate(Buffer.from(signer.certificate.rawData));
    this.#signer = signer;
    this.name = signer.certificate.subjectName.getField('CN')[0] ?? signer.certificate.subject;
    this.certificate = `${signer.certificate.toString('pem')}\n`;
    this.fingerprint = node.fingerprint256;
    this.notAfter = signer.certificate.notAfter.getTime() * 1000;
    this.created = created;
  }

  /** A server's certificate in PEM, followed by the authority's own. About 2.4 ms. */
  async sign(
    names: readonly CanonicalName[],
    publicKey: Signer['key'],
    within: Validity,
    usage: Usage = 'server',
  ): Promise<string> {
    const leaf = await serverCertificate(this.#signer, names, publicKey, within, usage);
    return `${leaf.toString('pem')}\n${this.certificate}`;
  }
}

async function createKey(directory: string): Promise<boolean> {
  const { privateKey } = await newKeyPair();
  const orphan = await readOwned(join(directory, CERTIFICATE_FILE), false);
  if (orphan !== null)
    throw new CaError(
      'incomplete',
      `${join(directory, CERTIFICATE_FILE)} is there and ${KEY_FILE} is not: put the key back, or remove the certificate too and let clients trust the new one`,
    );
  return createOwned(directory, KEY_FILE, privateKeyPem(privateKey), 0o600);
}

async function parseKey(path: string, pem: string | null) {
  try {
    return await keyPairFromPem(pem ?? '');
  } catch {
    // What the parser says may quote what it read.
    throw new CaError('unreadable', `${path} is not an ECDSA P-256 private key in PEM`);
  }
}

function parseCertificate(path: string, pem: string | null): Signer['certificate'] {
  try {
    return certificateFromPem(pem ?? '');
  } catch {
    throw new CaError('unreadable', `${path} is not a certificate in PEM`);
  }
}

function validity(now: Micros): Validity {
  const notBefore = new Date(now / 1000 - HOUR_MS);
  const notAfter = new Date(now / 1000);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + YEARS);
  return { notBefore, notAfter };
}
