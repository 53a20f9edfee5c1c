/** The fleet's authority: who has a certificate of it is one of the hosts that ask each other. Its key is where the first host made it. */
import { webcrypto } from 'node:crypto';
import { openAuthority } from '../tls/ca.ts';
import { canonicalName } from '../tls/names.ts';

const HOUR_MS = 3_600_000;
const YEARS = 5;
/** SubjectPublicKeyInfo of a P-256 key (RFC 5480): the same bytes before every point. */
const P256_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
const P256_BYTES = P256_PREFIX.length + 65;

export interface FleetCa {
  /** PEM. */
  readonly certificate: string;
  /** SHA-256 of it, in hexadecimal digits. */
  readonly fingerprint: string;
  /**
   * @param key SubjectPublicKeyInfo of ECDSA P-256
   * @returns PEM: the host's certificate, then the authority's
   * @throws Error where the key is none
   */
  issue(host: string, key: Buffer): Promise<string>;
}

/** Loads it, or makes it where there is none. @throws CaError */
export async function openFleetCa(directory: string, host: string): Promise<FleetCa> {
  const authority = await openAuthority({ directory, host: `${host}'s fleet` });
  return {
    certificate: authority.certificate,
    fingerprint: authority.fingerprint.replaceAll(':', '').toLowerCase(),
    issue: async (name, key) => {
      if (key.length !== P256_BYTES || !key.subarray(0, P256_PREFIX.length).equals(P256_PREFIX))
        throw new Error('the key is no ECDSA P-256 key');
      const publicKey = await webcrypto.subtle.importKey(
        'spki',
        key,
        { name: 'ECDSA', namedCurve: 'P-256' },
        true,
        ['verify'],
      );
      const notAfter = new Date();
      notAfter.setUTCFullYear(notAfter.getUTCFullYear() + YEARS);
      const end = Math.min(notAfter.getTime(), authority.notAfter / 1000);
      const within = { notBefore: new Date(Date.now() - HOUR_MS), notAfter: new Date(end) };
      const names = [canonicalName(name)];
      if (names[0]?.value !== name || names[0].type !== 'dns')
        throw new Error(
          `${name} is no name for a host of a fleet: lower case, as in DNS (host: in hopline.yaml)`,
        );
      return authority.sign(names, publicKey, within, 'server and client');
    },
  };
}
