/**
 * What a command is known to move, where it is the server's half of scp, rsync, git or sftp: the client's half says
 * whereto, and its shell has expanded nothing that matters here. A program's arguments are read as it reads them itself.
 */
import { programOf, splitCommand } from './command-line.ts';

export type Direction = 'upload' | 'download' | 'none';

export interface Transfer {
  readonly tool: string;
  readonly operation: string;
  readonly direction: Direction;
  /** "" where the command does not tell it. */
  readonly path: string;
}

/** Each is decided. Shells leave patterns to the server's half, so that a person names a few. */
export const MOST_PATHS = 256;

/** What runs the command that its arguments are. */
const WRAPPERS = new Set([
  'sudo',
  'doas',
  'env',
  'nice',
  'ionice',
  'nohup',
  'exec',
  'command',
  'timeout',
  'stdbuf',
]);

const HALVES: Readonly<Record<string, (args: readonly string[]) => Transfer[]>> = {
  scp,
  rsync,
  git,
  'git-upload-pack': (args) => served('download', args),
  'git-upload-archive': (args) => served('download', args),
  'git-receive-pack': (args) => served('upload', args),
  'sftp-server': () => [{ tool: 'sftp', operation: 'session', direction: 'none', path: '' }],
};

/**
 * @returns one for each path that it names; one without, where it is told no path, or not here; none: it is something
 *   else. More than MOST_PATHS are more than can be decided.
 */
export function transfersOf(command: string): Transfer[] {
  const { words } = splitCommand(command);
  const wrapped = WRAPPERS.has(programOf(words[0] ?? ''));
  const at = wrapped ? words.findIndex((word) => Object.hasOwn(HALVES, programOf(word))) : 0;
  const tool = programOf(words[at] ?? '');
  return Object.hasOwn(HALVES, tool) ? (HALVES[tool]?.(words.slice(at + 1)) ?? []) : [];
}

interface Scanned {
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly operands: readonly string[];
}

interface Syntax {
  /** Letters, and names, of options that take a value. */
  readonly short: string;
  readonly long: ReadonlySet<string>;
  /** Options may come behind operands. */
  readonly permutes: boolean;
}

function scan(args: readonly string[], { short, long, permutes }: Syntax): Scanned {
  const [flags, values, operands] = [new Set<string>(), new Map<string, string[]>(), [] as string[]];
  const valued = (name: string, value: string | undefined) =>
    values.set(name, [...(values.get(name) ?? []), value ?? '']);
  let at = 0;
  const following = (): string | undefined => {
    at += 1;
    return args[at];
  };
  for (; at < args.length; at += 1) {
    const word = args[at] ?? '';
    if (word === '--') return { flags, values, operands: [...operands, ...args.slice(at + 1)] };
    if (word.startsWith('--')) {
      const equals = word.indexOf('=');
      const name = word.slice(2, equals < 0 ? undefined : equals);
      if (equals >= 0) valued(name, word.slice(equals + 1));
      else if (long.has(name)) valued(name, following());
      else flags.add(name);
    } else if (word.length > 1 && word.startsWith('-')) {
      const letter = [...word].findIndex((each, n) => n > 0 && short.includes(each));
      for (const each of word.slice(1, letter < 0 ? undefined : letter)) flags.add(each);
      if (letter > 0) valued(word.charAt(letter), word.slice(letter + 1) || following());
    } else if (permutes) operands.push(word);
    else return { flags, values, operands: args.slice(at) };
  }
  return { flags, values, operands };
}

/** scp.c: getopt, which stops at the first operand; `-f` counts before `-t`. */
const SCP: Syntax = { short: 'cDFiJlMoPSX', long: new Set(), permutes: false };

function scp(args: readonly string[]): Transfer[] {
  const { flags, operands } = scan(args, SCP);
  if (flags.has('f')) return moved('scp', 'download', told(operands));
  return flags.has('t') ? moved('scp', 'upload', told(operands)) : [];
}

/** rsync's options.c, `long_options`: what has an argument there. */
const RSYNC: Syntax = {
  short: 'eBTfM@',
  long: new Set(
    (
      'address backup-dir block-size bwlimit cc checksum-choice checksum-seed chmod chown compare-dest compress-choice ' +
      'compress-level config contimeout copy-as copy-dest debug dparam early-input exclude exclude-from files-from filter ' +
      'groupmap iconv include include-from info link-dest log-file log-file-format log-format max-alloc max-delete max-size ' +
      'min-size modify-window only-write-batch out-format outbuf partial-dir password-file port protocol read-batch ' +
      'remote-option rsh rsync-path skip-compress sockopts stderr stop-after stop-at suffix temp-dir time-limit timeout usermap ' +
      'write-batch zc zl'
    ).split(' '),
  ),
  permutes: true,
};

/** Options of the server's half that name what it writes beside. */
const WRITTEN = ['backup-dir', 'partial-dir', 'temp-dir', 'T', 'log-file'];

/**
 * The server's arguments (options.c, `server_options`): options, a directory to begin in, and what is in it. With secluded
 * arguments (`-s`) or a list of files these come later, over the connection; a daemon hears of modules there, for both directions.
 */
function rsync(args: readonly string[]): Transfer[] {
  const { flags, values, operands } = scan(args, RSYNC);
  if (!flags.has('server')) return [];
  const [directory = '', ...named] = operands;
  const paths = directory === '.' && named.length > 0 ? named : operands;
  const beside = moved(
    'rsync',
    'upload',
    WRITTEN.flatMap((name) => values.get(name) ?? []),
  );
  if (flags.has('daemon')) {
    const modules = ['', ...(directory === '.' ? named : paths)];
    return [...moved('rsync', 'upload', modules), ...moved('rsync', 'download', modules), ...beside];
  }
  const later =
    ['s', 'secluded-args', 'protect-args'].some((name) => flags.has(name)) || values.has('files-from');
  const all = told(later ? ['', ...paths] : paths);
  const sender = flags.has('sender');
  const removes = sender && (flags.has('remove-source-files') || flags.has('remove-sent-files'));
  const removed = (removes ? all : []).map(
    (path) => ({ tool: 'rsync', operation: 'remove', direction: 'none', path }) as const,
  );
  return [...moved('rsync', sender ? 'download' : 'upload', all), ...removed, ...beside];
}

/** git(1): options of its own come before the command; where they change what a path means, it is not known. */
const GIT: Syntax = {
  short: 'Cc',
  long: new Set([
    'git-dir',
    'work-tree',
    'namespace',
    'super-prefix',
    'config-env',
    'attr-source',
    'list-cmds',
  ]),
  permutes: false,
};

function git(args: readonly string[]): Transfer[] {
  const { operands } = scan(args, GIT);
  const [command = '', ...rest] = operands;
  const direction = command === 'receive-pack' ? 'upload' : 'download';
  if (!Object.hasOwn(HALVES, `git-${command}`)) return [];
  return served(direction, operands.length < args.length ? ['', ...rest] : rest);
}

/** gitprotocol-pack(5). parse-options takes options anywhere, and their names shortened: then not all operands are paths. */
function served(direction: 'upload' | 'download', args: readonly string[]): Transfer[] {
  const { operands } = scan(args, { short: '', long: new Set(['timeout']), permutes: true });
  return moved('git', direction, operands.length === 1 ? operands : ['', ...operands]);
}

/** Of none, what is not told. */
const told = (paths: readonly string[]): readonly string[] => (paths.length === 0 ? [''] : paths);

/** Each once. */
function moved(tool: string, direction: 'upload' | 'download', paths: readonly string[]): Transfer[] {
  const operation = direction === 'upload' ? 'write' : 'read';
  return [...new Set(paths)].map((path) => ({ tool, operation, direction, path }));
}
