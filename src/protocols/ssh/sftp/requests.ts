/** What a client asks of files, as far as it is decided. */
import { WireReader } from '../../../core/ssh-wire.ts';
import type { Direction } from '../transfers.ts';
import { Fxp, OPEN_READ, OPEN_WRITES } from './numbers.ts';

export interface Operation {
  readonly operation: string;
  readonly direction: Direction;
  readonly path: string;
  /** The other path of a rename or a link. */
  readonly to?: string;
}

/** Extensions that tell something, or act on what is open already (OpenSSH's PROTOCOL, section 4). */
const HARMLESS: ReadonlySet<string> = new Set([
  'statvfs@openssh.com',
  'fstatvfs@openssh.com',
  'fsync@openssh.com',
  'limits@openssh.com',
  'expand-path@openssh.com',
  'home-directory',
  'users-groups-by-id@openssh.com',
  'copy-data',
]);

/**
 * @param packet whole, behind its length
 * @returns what has to be decided; none for what only looks, or acts on a handle
 * @throws WireError
 */
export function operationsOf(packet: Buffer): Operation[] {
  const reader = new WireReader(packet, 5);
  const path = (): string => reader.string().toString();
  const one = (operation: string, direction: Direction = 'none'): Operation[] => [
    { operation, direction, path: path() },
  ];
  switch (packet[0]) {
    case Fxp.OPEN: {
      const name = path();
      const flags = reader.uint32();
      const write = { operation: 'write', direction: 'upload', path: name } as const;
      const read = { operation: 'read', direction: 'download', path: name } as const;
      const writes = (flags & OPEN_WRITES) !== 0;
      return [...(writes ? [write] : []), ...((flags & OPEN_READ) !== 0 || !writes ? [read] : [])];
    }
    case Fxp.OPENDIR:
      return one('list');
    case Fxp.SETSTAT:
      return one('change');
    case Fxp.REMOVE:
      return one('remove');
    case Fxp.MKDIR:
      return one('mkdir');
    case Fxp.RMDIR:
      return one('rmdir');
    case Fxp.RENAME:
      return two('rename', path(), path());
    case Fxp.SYMLINK: {
      // OpenSSH has the target first, whatever the draft says (its PROTOCOL, section 4.1).
      const target = path();
      return two('symlink', path(), target);
    }
    case Fxp.EXTENDED:
      return extended(path(), path);
    default:
      return [];
  }
}

function extended(name: string, path: () => string): Operation[] {
  if (HARMLESS.has(name)) return [];
  if (name === 'posix-rename@openssh.com') return two('rename', path(), path());
  if (name === 'hardlink@openssh.com') return two('link', path(), path());
  if (name === 'lsetstat@openssh.com') return [{ operation: 'change', direction: 'none', path: path() }];
  return [{ operation: name, direction: 'none', path: '' }];
}

/** Both paths are touched, and policies see one: each is decided. */
function two(operation: string, path: string, to: string): Operation[] {
  return [
    { operation, direction: 'none', path, to },
    { operation, direction: 'none', path: to },
  ];
}
