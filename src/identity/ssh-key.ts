/**
 * Public keys and user certificates as sshd hands them over in SSH_AUTH_INFO_0 (OpenSSH PROTOCOL.certkeys).
 * No signature is checked here: sshd has done that, and only what its PAM session says is believed.
 */
import { fingerprint, WireError, WireReader, wireString } from '../core/ssh-wire.ts';

/** SSHKEY_CERT_MAX_PRINCIPALS in OpenSSH's sshkey.h. */
const MOST_PRINCIPALS = 256;
/** A packet's limit in sshd, PACKET_MAX_SIZE; no key that came in one is larger. */
const MOST_BYTES = 256 * 1024;
const USER_CERTIFICATE = 1;
/** Version 00 has its fields in another order; no OpenSSH since 7.0 accepts one. */
const CERTIFICATE = /^(.*)-cert-v01@openssh\.com$/;

/** Fields of a key after its type name, by plain type. `sk` types end with the application. */
const FIELDS: Readonly<Record<string, number>> = {
  'ssh-rsa': 2,
  'ssh-dss': 4,
  'ssh-ed25519': 1,
  'ecdsa-sha2-nistp256': 2,
  'ecdsa-sha2-nistp384': 2,
  'ecdsa-sha2-nistp521': 2,
  'sk-ssh-ed25519@openssh.com': 2,
  'sk-ecdsa-sha2-nistp256@openssh.com': 3,
};

export interface SshKey {
  /** The name in the blob: `ssh-ed25519`, `ssh-ed25519-cert-v01@openssh.com`, … */
  readonly type: string;
  /** `SHA256:…` of the key; of the certified key where this is a certificate. */
  readonly fingerprint: string;
  readonly certificate: SshCertificate | null;
}

export interface SshCertificate {
  /** Decimal: serials have 64 bits. */
  readonly serial: string;
  readonly keyId: string;
  readonly principals: readonly string[];
  /** `SHA256:…` of the key that signed it. */
  readonly ca: string;
}

/**
 * @param blob the decoded base64 of a public key line
 * @throws WireError where it is no whole public key or user certificate of a known type
 */
export function parseSshKey(blob: Buffer): SshKey {
  if (blob.length > MOST_BYTES) throw new WireError('a key of more bytes than sshd takes in a packet');
  const reader = new WireReader(blob);
  const type = reader.text();
  const plain = plainType(type);
  const fields = Object.hasOwn(FIELDS, plain) ? (FIELDS[plain] ?? 0) : 0;
  if (fields === 0) throw new WireError('a key of an unknown type');
  const certified = plain !== type;
  if (certified) reader.string(); // nonce
  const key: Buffer[] = [Buffer.from(plain)];
  for (let index = 0; index < fields; index++) key.push(reader.string());
  const print = fingerprint(Buffer.concat(key.map(wireString)));
  const certificate = certified ? readCertificate(reader) : null;
  if (!reader.done) throw new WireError('bytes after the end of the key');
  return { type, fingerprint: print, certificate };
}

function plainType(type: string): string {
  const [, stem] = CERTIFICATE.exec(type) ?? [];
  if (stem === undefined) return type;
  return stem.startsWith('sk-') ? `${stem}@openssh.com` : stem;
}

function readCertificate(reader: WireReader): SshCertificate {
  const serial = reader.uint64().toString();
  if (reader.uint32() !== USER_CERTIFICATE) throw new WireError('a certificate that is not for users');
  const keyId = reader.text();
  const packed = new WireReader(reader.string());
  const principals: string[] = [];
  while (!packed.done) {
    if (principals.length === MOST_PRINCIPALS) throw new WireError('more principals than OpenSSH takes');
    principals.push(packed.text());
  }
  reader.uint64(); // valid after
  reader.uint64(); // valid before
  reader.string(); // critical options
  reader.string(); // extensions
  reader.string(); // reserved
  const ca = fingerprint(reader.string());
  reader.string(); // signature
  return { serial, keyId, principals, ca };
}
