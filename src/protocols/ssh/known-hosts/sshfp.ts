/** What SSHFP records say of a host's key (RFC 4255, with SHA-256: RFC 6594; Ed25519: RFC 7479). */
import { createHash } from 'node:crypto';
import { keyType } from '../keys/public-key.ts';
import type { SshfpRecords } from '../questions.ts';

/** IANA's registry of SSHFP algorithm numbers. */
function algorithmOf(type: string): number | null {
  if (type === 'ssh-rsa') return 1;
  if (type.startsWith('ecdsa-sha2-')) return 3;
  return type === 'ssh-ed25519' ? 4 : null;
}

export type Said = 'matches' | 'differs' | 'nothing';

/** @param key without its certificate */
export function saidOf({ records }: SshfpRecords, key: Buffer): Said {
  if (records.length === 0) return 'nothing';
  const algorithm = algorithmOf(keyType(key));
  const fingerprint = createHash('sha256').update(key).digest('hex');
  return records.some((each) => each.algorithm === algorithm && each.fingerprint === fingerprint)
    ? 'matches'
    : 'differs';
}
