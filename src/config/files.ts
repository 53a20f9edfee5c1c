import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, statSync } from 'node:fs';
import { type Problem, problem } from './problem.ts';

/** More than this is no configuration that a person wrote. */
export const FILE_LIMIT = 4 << 20;
const NOWHERE = { line: 0, column: 0 };

export interface ReadResult {
  /** Null where there is no such file, or `problems` says why it can't be read. */
  readonly text: string | null;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/**
 * Reads one file whole: regular, at most four mebibytes, UTF-8. Never blocks on a FIFO or device.
 * @param missing what a file that is not there means: null means nothing
 */
export function readText(file: string, missing: Problem | null): ReadResult {
  const fail = (message: string, hint: string): ReadResult => ({
    text: null,
    problems: [problem(file, NOWHERE, '', { message, hint })],
    warnings: [],
  });
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && lstatSync(file, { throwIfNoEntry: false }) !== undefined) {
      return fail('is a link to nothing', 'mend the link, or remove it');
    }
    if (code === 'ENOENT') return { text: null, problems: missing === null ? [] : [missing], warnings: [] };
    return fail(`cannot be opened (${code || message})`, `make it readable: sudo chmod u+r ${file}`);
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return fail('is not a regular file', 'put a text file in its place');
    if (stat.size > FILE_LIMIT) {
      return fail(`is larger than ${FILE_LIMIT} bytes`, 'split it, or move what does not belong to it');
    }
    const bytes = Buffer.alloc(FILE_LIMIT + 1);
    let length = 0;
    for (let count = -1; count !== 0 && length < bytes.length; length += count) {
      count = readSync(fd, bytes, length, bytes.length - length, null);
    }
    if (length > FILE_LIMIT) return fail('grew while it was read', 'load it again');
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length));
    return { text, problems: [], warnings: writable(file, stat.mode) };
  } catch (error) {
    if (error instanceof TypeError) return fail('is not valid UTF-8', 'save it as UTF-8');
    return fail(`cannot be read (${(error as Error).message})`, 'look at the disk and the permissions');
  } finally {
    closeSync(fd);
  }
}

/** A warning where the directory's permissions let anybody replace what is in it. */
export function directoryWarnings(directory: string): readonly Problem[] {
  const stat = statSync(directory, { throwIfNoEntry: false });
  return stat === undefined ? [] : writable(directory, stat.mode);
}

function writable(path: string, mode: number): readonly Problem[] {
  if ((mode & 0o002) === 0) return [];
  return [
    problem(path, NOWHERE, '', {
      message: 'anybody on this host may change it',
      got: `mode ${(mode & 0o7777).toString(8).padStart(4, '0')}`,
      expected: 'writable by root only',
      hint: `sudo chmod o-w ${path}`,
    }),
  ];
}
