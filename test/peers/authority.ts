/** A fleet's authority for tests, and certificates of it for whatever time. */
import { webcrypto } from 'node:crypto';
import type { FleetConfig } from '../../src/peers/messages.ts';
import {
  newKeyPair,
  privateKeyPem,
  selfSigned,
  serverCertificate,
  type Validity,
} from '../../src/tls/certificates.ts';

const HOUR = 3_600_000;
export const soon: Validity = {
  notBefore: new Date(Date.now() - HOUR),
  notAfter: new Date(Date.now() + 24 * HOUR),
};

export async function authority() {
  const keys = await newKeyPair();
  const certificate = await selfSigned('Hopline CA of tests', keys, soon);
  const ca = `${certificate.toString('pem')}\n`;
  const digest = await webcrypto.subtle.digest('SHA-256', certificate.rawData);
  return {
    ca,
    /** SHA-256 of its certificate. */
    fingerprint: Buffer.from(digest).toString('hex'),
    /** What a host has of the fleet. */
    of: async (host: string, over: Partial<FleetConfig> = {}, within = soon): Promise<FleetConfig> => {
      const own = await newKeyPair();
      const signer = { certificate, key: keys.privateKey };
      const names = [{ type: 'dns', value: host }] as const;
      const leaf = await serverCertificate(signer, names, own.publicKey, within, 'server and client');
      return {
        ...{ host, listen: null, advertised: null, addresses: ['192.0.2.1'], authorities: [] },
        ...{ ca, certificate: `${leaf.toString('pem')}\n${ca}`, key: privateKeyPem(own.privateKey) },
        ...{ optionSecret: Buffer.from(host).toString('base64'), members: [], removed: [] },
        ...over,
      };
    },
  };
}
