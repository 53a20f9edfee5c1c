/** SSH that is terminated, decided and recorded, beside the same sshd reached directly. */
import type { Figure } from '../figure.ts';
import { startFar } from '../ssh/far.ts';
import { revokedThere } from '../ssh/fleet.ts';
import { connections, idle, keys, revoked } from '../ssh/shells.ts';
import { streams } from '../ssh/streams.ts';

export const ssh: Figure = {
  name: 'ssh',
  what: 'streams, logins, keys and idle shells over SSH, decided and recorded, beside direct',
  async run(bench) {
    const { lab, quick, progress } = bench;
    const bytes = quick ? 100e6 : 500e6;
    progress('a file that does not compress');
    const load = { bytes, hash: await startFar(lab, bytes) };
    return [
      ...(await connections(bench)),
      ...(await keys(bench)),
      await revoked(bench),
      await revokedThere(bench),
      ...(await streams(bench, load)),
      await idle(bench),
    ];
  },
};
