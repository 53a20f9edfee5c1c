import { lstatSync, type Stats } from 'node:fs';
import type { Detail } from './problem.ts';

/** Permission bits that a file with a password must not have. */
export const OWNER_ONLY = 0o077;
/** Nor a token, which helpers write for a group. */
export const GROUP_MAY_READ = 0o037;

/**
 * What would keep the daemon from using a file with a secret; it is not opened.
 * @returns null where nothing is wrong, and where only root could tell
 */
export function secretFileProblem(path: string, forbidden: number): Detail | null {
  let stat: Stats;
  try {
    stat = lstatSync(path);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EACCES') return null;
    return {
      message: 'there is no such file: what needs it is refused until there is',
      got: path,
      hint: `sudo install -m 600 /dev/stdin ${path}`,
    };
  }
  const { uid, mode } = stat;
  const shown = (mode & 0o7777).toString(8).padStart(4, '0');
  const refused = 'it is not used as it is';
  if (!stat.isFile())
    return {
      message: `${stat.isSymbolicLink() ? 'is a symbolic link' : 'is not a file'}: ${refused}`,
      got: path,
      hint: 'put the file itself in its place',
    };
  if (uid !== 0 && uid !== process.geteuid?.())
    return { message: `belongs to uid ${uid}: ${refused}`, got: path, hint: `sudo chown root ${path}` };
  if ((mode & forbidden) !== 0)
    return {
      message: `others may read or replace it: ${refused}`,
      got: `${path}, mode ${shown}`,
      expected: forbidden === OWNER_ONLY ? 'mode 0600' : 'mode 0640 or 0600',
      hint: `sudo chmod ${forbidden === OWNER_ONLY ? '600' : '640'} ${path}, and make a new secret: that one was seen`,
    };
  return null;
}
