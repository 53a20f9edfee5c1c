/** What the known_hosts files say about the key of a host. Pure: the time is an argument. */
import { SSH_PORT } from '../../../core/address.ts';
import { WireError } from '../../../core/ssh-wire.ts';
import {
  type Certificate,
  certificateType,
  certifiedType,
  HOST,
  parseCertificate,
} from '../keys/certificate.ts';
import { keyType } from '../keys/public-key.ts';
import type { KnownHost } from './file.ts';
import { matchesHost, nameWithPort } from './pattern.ts';

export type Verdict =
  /** `by` is the line that says so. */
  | { readonly outcome: 'known'; readonly by: KnownHost; readonly name: string }
  | { readonly outcome: 'unknown'; readonly name: string; readonly why: string | null }
  /** `by` has another key of the host, where there is one of the same type that one. */
  | { readonly outcome: 'changed'; readonly by: KnownHost; readonly name: string }
  | { readonly outcome: 'revoked'; readonly by: KnownHost; readonly name: string };

export interface Host {
  /** By which the person may mean it, the most telling first: the first that the files know decides. */
  readonly names: readonly string[];
  readonly port: number;
}

/**
 * @param hostKey the blob of a key or certificate that has proved itself
 * @param now seconds since 1970
 * @throws WireError for a malformed key
 */
export function judge(lines: readonly KnownHost[], host: Host, hostKey: Buffer, now: number): Verdict {
  const certified = certifiedType(keyType(hostKey)) !== null;
  const certificate = certified ? parseCertificate(hostKey) : null;
  const bare = certificate?.keyBlob ?? hostKey;
  let why: string | null = null;
  for (const { name, plain, own } of known(lines, host)) {
    const revoked = own.find(
      ({ marker, key }) =>
        marker === 'revoked' && (key.equals(bare) || (certificate?.signatureKey.equals(key) ?? false)),
    );
    if (revoked !== undefined) return { outcome: 'revoked', by: revoked, name };
    if (certificate !== null) {
      const authority = own.find(
        ({ marker, key }) => marker === 'cert-authority' && key.equals(certificate.signatureKey),
      );
      const fault = certificateFault(certificate, plain, now);
      if (authority !== undefined && fault === null) return { outcome: 'known', by: authority, name };
      if (authority !== undefined) why ??= fault;
    }
    const keys = own.filter(({ marker }) => marker === null);
    const same = keys.find(({ key }) => key.equals(bare));
    if (same !== undefined) return { outcome: 'known', by: same, name };
    const type = keyType(bare);
    const other = keys.find((line) => line.type === type) ?? keys[0];
    if (other !== undefined) return { outcome: 'changed', by: other, name };
  }
  // A key that is the host's at ssh's own port is taken at another (ssh's `checking without port identifier`).
  const plain = host.port === SSH_PORT ? null : judge(lines, { ...host, port: SSH_PORT }, hostKey, now);
  if (plain?.outcome === 'known' || plain?.outcome === 'revoked') return plain;
  return { outcome: 'unknown', name: host.names[0] ?? '', why };
}

/**
 * Algorithms to ask the host for, those first by which it is known: else a host with keys of several types would come with
 * one that nobody has seen (ssh's `order_hostkeyalgs`).
 * @param all without certificates
 */
export function preferred(lines: readonly KnownHost[], host: Host, all: readonly string[]): string[] {
  for (const { own } of known(lines, host)) {
    const types = new Set(own.filter(({ marker }) => marker === null).map(({ type }) => type));
    const authority = own.some(({ marker }) => marker === 'cert-authority');
    if (types.size === 0 && !authority) continue;
    const first = all.filter((name) => types.has(name.startsWith('rsa-sha2-') ? 'ssh-rsa' : name));
    const certificates = authority ? all.map(certificateType) : [];
    return [...certificates, ...first, ...all.filter((name) => !first.includes(name))];
  }
  return [...all];
}

/** Each name with the lines that speak of it. */
function* known(lines: readonly KnownHost[], { names, port }: Host) {
  for (const plain of names) {
    const name = nameWithPort(plain, port);
    const own = lines.filter(({ hosts }) => matchesHost(hosts, name));
    if (own.length > 0) yield { name, plain, own };
  }
}

/** @returns why a certificate does not stand for the host, or null where it does */
function certificateFault(certificate: Certificate, host: string, now: number): string | null {
  const { kind, principals, criticalOptions, validAfter, validBefore, signatureKey } = certificate;
  if (kind !== HOST) return 'its certificate is not for hosts';
  if (BigInt(now) < validAfter) return 'its certificate is not valid yet';
  if (BigInt(now) >= validBefore) return 'its certificate has expired';
  if (criticalOptions.size > 0) return 'its certificate has critical options that nobody knows';
  if (certifiedType(keyType(signatureKey)) !== null)
    throw new WireError('a certificate signed by a certificate');
  if (principals.length > 0 && !principals.includes(host.toLowerCase()))
    return `its certificate is for ${principals.join(', ')}`;
  return null;
}
