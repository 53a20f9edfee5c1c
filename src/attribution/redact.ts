/**
 * Secrets that people put on command lines. What is recognised is replaced before an argv goes
 * anywhere: to the store, to a log, to a terminal. Known gap: a secret in no recognisable place (a bare
 * positional argument) is not recognised.
 *
 * Threat: whoever may run a program chooses the text, and the supervisor reads it. Every pattern here takes time
 * linear in the text's length: none scans on from each of many places.
 */
const HIDDEN = '‹hidden›';

const SECRET_NAME =
  '(?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credential|auth|pwd)';
const SECRET = new RegExp(SECRET_NAME, 'i');
/** A name before an equals sign: --password=x, --db-token=x, PGPASSWORD=x, -DsecretKey=x */
const NAME = /^[\w.-]+$/;
/** --password x */
const LONG_OPTION = new RegExp(`^--[\\w-]*${SECRET_NAME}$`, 'i');
/** scheme://user:secret@host */
const URL_SECRET = /([a-z][a-z0-9+.-]{0,31}:\/\/[^\s/:@]*:)([^\s/@]+)(@)/gi;
const HEADER = /^((?:proxy-)?authorization|x-[\w-]*(?:token|key)|cookie)(\s*:\s*)(.+)$/is;
const BEARER = /\b(bearer|basic)(\s+)[\w.~+/=-]{8,}/gi;
/** Tokens that carry their own mark: AWS keys, GitHub, Slack, JSON web tokens, private key blocks. */
const MARKED =
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bxox[abprs]-[\w-]{10,}|(?<![\w-])eyJ[\w-]{10,}\.[\w-]{5,}\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*/g;

/** Single-letter options that take a secret, by program: `mysql -psecret`, `curl -u user:secret`. */
const ATTACHED: Readonly<Record<string, RegExp>> = {
  mysql: /^(-p)(.+)$/s,
  mysqldump: /^(-p)(.+)$/s,
  mysqladmin: /^(-p)(.+)$/s,
  mariadb: /^(-p)(.+)$/s,
  sshpass: /^(-p)(.+)$/s,
  curl: /^(-u|--user=)(.+)$/s,
};
const FOLLOWING: Readonly<Record<string, readonly string[]>> = {
  curl: ['-u', '--user', '--proxy-user', '-U'],
  sshpass: ['-p'],
  'redis-cli': ['-a', '--pass'],
  docker: ['-p'],
  ldapsearch: ['-w'],
  smbclient: ['-U'],
  wget: ['--password', '--http-password'],
};

/** A copy of `argv` without the secrets that can be recognised; the same array where there are none. */
export function redactArgv(argv: readonly string[]): readonly string[] {
  const program = (argv[0] ?? '').replace(/^.*\//, '');
  let changed = false;
  const out = argv.map((argument, index) => {
    const hidden = index === 0 ? argument : redactOne(argument, argv[index - 1] ?? '', program, index);
    if (hidden !== argument) changed = true;
    return hidden;
  });
  return changed ? out : argv;
}

function redactOne(argument: string, previous: string, program: string, index: number): string {
  if (index > 1 && LONG_OPTION.test(previous)) return HIDDEN;
  if (index > 1 && FOLLOWING[program]?.includes(previous)) return keepUser(argument, program);
  const attached = ATTACHED[program]?.exec(argument);
  if (attached?.[1] && attached[2]) return attached[1] + keepUser(attached[2], program);
  return redactText(argument);
}

function keepUser(value: string, program: string): string {
  const colon = program === 'curl' || program === 'smbclient' ? value.search(/[:%]/) : -1;
  return colon > 0 ? value.slice(0, colon + 1) + HIDDEN : HIDDEN;
}

/** Hides recognisable secrets inside one text, such as a whole shell command after `-c`. */
export function redactText(text: string): string {
  const equals = text.indexOf('=');
  if (equals > 0 && equals < text.length - 1 && !/\s/.test(text)) {
    const name = text.slice(0, equals);
    if (NAME.test(name) && SECRET.test(name)) return `${name}=${HIDDEN}`;
  }
  const header = HEADER.exec(text);
  if (header) return `${header[1]}${header[2]}${HIDDEN}`;
  let out = text.includes('://') ? text.replace(URL_SECRET, `$1${HIDDEN}$3`) : text;
  out = out.replace(BEARER, `$1$2${HIDDEN}`).replace(MARKED, HIDDEN);
  if (/\s/.test(out)) out = redactCommand(out);
  return out;
}

const WORD_ASSIGNMENT = /(^|[\s;&|(])([\w.-]+=)("[^"]*"|'[^']*'|[^\s;&|)]+)/g;
const WORD_OPTION = new RegExp(`(\\s--[\\w-]*${SECRET_NAME}\\s+)("[^"]*"|'[^']*'|[^\\s;&|)]+)`, 'gi');
const WORD_MYSQL = /\b((?:mysql|mysqldump|mysqladmin|mariadb|sshpass)\b[^;&|]{0,256}?\s-p)([^\s;&|]+)/g;
const WORD_CURL = /\b(curl\b[^;&|]{0,256}?\s(?:-u|--user)\s*)([^\s:;&|]{0,256}:)([^\s;&|]+)/g;
const WORD_HEADER = /((?:proxy-)?authorization\s*:\s*)([^"'\n]+)/gi;

/** A value in quotes may hold assignments again: three deep at most, since no quote holds its own kind. */
function redactAssignments(text: string): string {
  return text.replace(WORD_ASSIGNMENT, (_, before: string, name: string, value: string) => {
    return before + name + (SECRET.test(name) ? HIDDEN : redactAssignments(value));
  });
}

function redactCommand(text: string): string {
  return redactAssignments(text)
    .replace(WORD_OPTION, `$1${HIDDEN}`)
    .replace(WORD_MYSQL, `$1${HIDDEN}`)
    .replace(WORD_CURL, `$1$2${HIDDEN}`)
    .replace(WORD_HEADER, `$1${HIDDEN}`);
}
