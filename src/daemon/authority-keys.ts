/** The authority for SSH targets, as an administrator sees it. */
import { type AuthorityKeyJson, ControlError } from '../api/protocol.ts';
import { AuthorityError } from '../authority/ssh-ca.ts';
import type { Daemon } from './daemon.ts';

/** @throws ControlError */
export function authorityKeys(
  daemon: Daemon,
  what: 'prepare' | 'use' | undefined,
  uid: number,
): readonly AuthorityKeyJson[] {
  if (what === undefined) return daemon.ssh.authority.keys();
  if (uid !== 0)
    throw new ControlError('refused', 'only root may change the key that certificates are signed with');
  try {
    const keys = what === 'prepare' ? daemon.ssh.authority.prepare() : daemon.ssh.authority.use();
    const told = keys.map(
      ({ fingerprint, use }) => `${fingerprint} ${use === 'signs' ? 'signs' : 'is next'}`,
    );
    const detail = `uid ${uid} changed the keys that certificates for SSH are signed with: ${told.join(', ')}`;
    daemon.record.notice({ at: daemon.now(), kind: 'authority', login: null, count: 1, detail });
    daemon.fleet.peering.start();
    return keys;
  } catch (error) {
    if (error instanceof AuthorityError) throw new ControlError('refused', error.message);
    throw error;
  }
}
