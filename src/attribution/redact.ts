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
/** Names that hold such a word and no secret: PasswordAuthentication=no, --author=x, --token-file=x, SSH_AUTH_SOCK=x */
const HARMLESS = /(?:authentications?|author|[-_](?:dir|file|path|sock|type))$/i;
/** A name before an equals sign: --password=x, --db-token=x, PGPASSWORD=x, -DsecretKey=x */
const NAME = /^[\w.-]+$/;
/** --password x, --credentials x, -token x */
const LONG_OPTION = new RegExp(`^--?[\\w-]*${SECRET_NAME}s?$`, 'i');
/** scheme://user:secret@host */
const URL_SECRET = /([a-z][a-z0-9+.-]{0,31}:\/\/[^\s/:@]*:)([^\s/@]+)(@)/gi;
const HEADER = /^((?:proxy-)?authorization|x-[\w-]*(?:token|key)|cookie)(\s*:\s*)(.+)$/is;
const BEARER = /\b(bearer|basic)(\s+)[\w.~+/=-]{8,}/gi;
/** Tokens that carry their own mark: AWS, GitHub, GitLab, Vault, Slack, JSON web tokens, private key blocks. */
const MARKED =
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bhvs\.[\w-]{16,}|\bxox[abprs]-[\w-]{10,}|(?<![\w-])eyJ[\w-]{10,}\.[\w-]{5,}\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*/g;

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
  'docker login': ['-p'],
  'podman login': ['-p'],
  http: ['-a'],
  ldapsearch: ['-w'],
  mongosh: ['-p'],
  openssl: ['-passin', '-passout', '-k'],
  smbclient: ['-U'],
  'ssh-keygen': ['-N', '-P'],
  unzip: ['-P'],
  zip: ['-P'],
};
/** curl -sSu user:secret */
const CURL_CLUSTER = /^-[a-zA-Z#]+[uU]$/;

/** Programs whose arguments are another program with its own. */
const WRAPPERS =
  /^(?:env|sudo|doas|nohup|nice|ionice|time|timeout|setsid|stdbuf|strace|xargs|watch|chroot|unshare|nsenter|taskset|flock|runuser|ssh)$/;

/** A copy of `argv` without the secrets that can be recognised; the same array where there are none. */
export function redactArgv(argv: readonly string[]): readonly string[] {
  const inner = WRAPPERS.test(programOf(argv[0]))
    ? argv.findIndex((word, at) => at > 0 && isKnown(word))
    : -1;
  if (inner < 0) return redactOwn(argv);
  const [outside, inside] = [argv.slice(0, inner), argv.slice(inner)];
  const [own, others] = [redactOwn(outside), redactOwn(inside)];
  return own === outside && others === inside ? argv : [...own, ...others];
}

function programOf(word = ''): string {
  return word.replace(/^.*\//s, '');
}

function isKnown(word: string): boolean {
  const program = programOf(word);
  return (
    Object.hasOwn(ATTACHED, program) ||
    Object.hasOwn(FOLLOWING, program) ||
    /^(?:docker|podman)$/.test(program)
  );
}

function redactOwn(argv: readonly string[]): readonly string[] {
  const program = programOf(argv[0]);
  const options = FOLLOWING[program] ?? FOLLOWING[`${program} ${argv[1]}`] ?? [];
  let changed = false;
  const out = argv.map((argument, index) => {
    const previous = index > 1 ? (argv[index - 1] ?? '') : '';
    const follows = options.includes(previous) || (program === 'curl' && CURL_CLUSTER.test(previous));
    const hidden = index === 0 ? argument : redactOne(argument, previous, program, follows);
    if (hidden !== argument) changed = true;
    return hidden;
  });
  return changed ? out : argv;
}

function redactOne(argument: string, previous: string, program: string, follows: boolean): string {
  if (LONG_OPTION.test(previous)) return HIDDEN;
  if (follows) return keepUser(argument, program);
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
    if (NAME.test(name) && isSecret(name)) return `${name}=${HIDDEN}`;
  }
  const header = HEADER.exec(text);
  if (header) return `${header[1]}${header[2]}${HIDDEN}`;
  let out = text.includes('://') ? text.replace(URL_SECRET, `$1${HIDDEN}$3`) : text;
  out = out.replace(BEARER, `$1$2${HIDDEN}`).replace(MARKED, HIDDEN).replace(JSON_VALUE, `$1${HIDDEN}$2`);
  out = redactAssignments(out, 0);
  if (/\s/.test(out)) out = redactCommand(out);
  return out;
}

function isSecret(name: string): boolean {
  return SECRET.test(name) && !HARMLESS.test(name);
}

/** {"password": "secret"} */
const JSON_VALUE = new RegExp(`("[\\w-]{0,64}?${SECRET_NAME}[\\w-]{0,64}"\\s{0,8}:\\s{0,8}")[^"]+(")`, 'gi');
/** A=x of a shell, ?a=x&b=y of a URL or a form. */
const WORD_ASSIGNMENT = /(^|[\s;&|(?"'])([\w.-]+=)("[^"]*"|'[^']*'|[^\s;&|)]+)/g;
const WORD_OPTION = new RegExp(`(\\s--[\\w-]*${SECRET_NAME}s?\\s+)("[^"]*"|'[^']*'|[^\\s;&|)]+)`, 'gi');
const WORD_MYSQL = /\b((?:mysql|mysqldump|mysqladmin|mariadb|sshpass)\b[^;&|]{0,256}?\s-p)([^\s;&|]+)/g;
const WORD_FOLLOWING =
  /\b((?:sshpass\b[^;&|]{0,64}?\s-p|redis-cli\b[^;&|]{0,64}?\s(?:-a|--pass))\s+)([^\s;&|]+)/g;
const WORD_CURL = /\b(curl\b[^;&|]{0,256}?\s(?:-u|--user)\s*)([^\s:;&|]{0,256}:)([^\s;&|]+)/g;
const WORD_HEADER = /((?:proxy-)?authorization\s*:\s*)([^"'\n]+)/gi;

/** A value may hold assignments again, as in `--env=A=x` and `sh -c "A=x run"`. */
const NESTED = 4;

function redactAssignments(text: string, depth: number): string {
  return text.replace(WORD_ASSIGNMENT, (_, before: string, name: string, value: string) => {
    if (isSecret(name.slice(0, -1))) return before + name + HIDDEN;
    return before + name + (depth < NESTED ? redactAssignments(value, depth + 1) : value);
  });
}

function redactCommand(text: string): string {
  return text
    .replace(WORD_OPTION, `$1${HIDDEN}`)
    .replace(WORD_MYSQL, `$1${HIDDEN}`)
    .replace(WORD_FOLLOWING, `$1${HIDDEN}`)
    .replace(WORD_CURL, `$1$2${HIDDEN}`)
    .replace(WORD_HEADER, `$1${HIDDEN}`);
}
