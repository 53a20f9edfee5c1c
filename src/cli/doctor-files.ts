import type { Check, Finding } from './doctor-check.ts';
import type { DoctorSystem } from './doctor-system.ts';

const USER = 'hopline';

interface Place {
  readonly path: string;
  /** Permission bits that must not be set. */
  readonly never: number;
  readonly make: string;
}

export const accountChecks: readonly Check[] = [
  {
    name: 'user',
    run(system) {
      const uid = accountId(system, '/etc/passwd');
      if (uid === null) {
        const fix = `useradd --system --user-group --home-dir /nonexistent --shell /usr/sbin/nologin ${USER}`;
        return { ok: 'no', found: `no account ${USER}: workers have nobody to run as`, fix };
      }
      if (uid === 0) return { ok: 'no', found: `${USER} is root`, fix: `usermod -u 990 ${USER}` };
      return { ok: 'yes', found: `${USER} (uid ${uid})` };
    },
  },
  { name: 'configuration', run: (system) => place(system, configPlace(system.config)) },
  {
    name: 'state directory',
    run: (system) =>
      place(system, {
        path: '/var/lib/hopline',
        never: 0o027,
        make: `install -d -m 0750 -o root -g ${USER} /var/lib/hopline`,
      }),
  },
  {
    name: 'run directory',
    run: (system) =>
      place(system, {
        path: '/run/hopline',
        never: 0o022,
        make: `install -d -m 0755 -o root -g ${USER} /run/hopline`,
      }),
  },
  {
    name: 'daemon',
    async run(system) {
      const answer = await system.daemon();
      if (typeof answer !== 'string')
        return { ok: 'yes', found: `hoplined ${answer.version}, pid ${answer.pid}` };
      return { ok: 'no', found: answer, fix: 'systemctl start hoplined' };
    },
  },
];

function configPlace(path: string): Place {
  return { path, never: 0o022, make: `install -d -m 0755 -o root -g root ${path}` };
}

/** There, root's own, and not open to others: whoever writes there decides who may connect. */
function place(system: DoctorSystem, { path, never, make }: Place): Finding {
  const facts = system.stat(path);
  if (facts === null) return { ok: 'no', found: `${path} is not there`, fix: make };
  if (facts.kind !== 'directory')
    return { ok: 'no', found: `${path} is not a directory`, fix: `rm ${path} && ${make}` };
  const mode = facts.mode.toString(8).padStart(4, '0');
  if (facts.uid !== 0)
    return { ok: 'no', found: `${path} belongs to uid ${facts.uid}`, fix: `chown root ${path}` };
  const open = facts.mode & never;
  if (open !== 0) {
    const closed = (facts.mode & ~never).toString(8).padStart(4, '0');
    return { ok: 'no', found: `${path} has mode ${mode}`, fix: `chmod ${closed} ${path}` };
  }
  return { ok: 'yes', found: `${path} (${mode})` };
}

function accountId(system: DoctorSystem, file: string): number | null {
  const line = (system.read(file) ?? '').split('\n').find((one) => one.startsWith(`${USER}:`));
  return line === undefined ? null : Number(line.split(':')[2]);
}
