/** `credential:` of a target and `vaults:` as they are written; what only looks right is told here already. */
import { z } from 'zod';
import { USER_PLACE } from '../core/credentials.ts';
import { isLoopback } from './address.ts';
import { name } from './names.ts';
import { duration, port, refuse, section, text } from './values.ts';

const path = text(/^[^\0]+$/, 'the path of a file, absolute or from this directory', 4095);
const vaultPath = text(
  /^(?!\/)(?!(?:.*\/)?\.{0,2}(?:\/|$))[^\0]+$/,
  'a path in Vault, such as orders/db',
  512,
);
const field = text(/^[^\0]+$/, 'the name of a field', 128);
const groups = z.array(name).min(1).optional();
/** PostgreSQL tells apart 63 bytes of it. */
const user = text(/^[^\0]+$/, 'the name of a database user, or "*" for whoever the client asks for', 63);

const keys = z.union([
  z.enum(['instance', 'environment']),
  section({ id: text(/^[A-Z0-9]{16,128}$/, 'an access key id, such as AKIA…', 128), file: path }),
]);

const one = section({
  user: user.optional(),
  groups,
  file: path.optional(),
  systemd: text(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, 'the name of a systemd credential', 255).optional(),
  environment: text(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of an environment variable', 255).optional(),
  vault: name.optional(),
  kv: vaultPath.optional(),
  database: vaultPath.optional(),
  mount: vaultPath.optional(),
  field: field.optional(),
  user_field: field.optional(),
  rds: text(/^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/, 'the name of an RDS endpoint').optional(),
  region: text(/^[a-z]{2,}(?:-[a-z]+)+-\d{1,2}$/, 'an AWS region, such as eu-central-1', 64).optional(),
  port: port.optional(),
  keys: keys.optional(),
});
export type Written = z.output<typeof one>;

/** What belongs to each source, besides `user` and `groups`. */
const SOURCES = {
  file: ['file'],
  systemd: ['systemd'],
  environment: ['environment'],
  vault: ['vault', 'kv', 'database', 'mount', 'field', 'user_field'],
  rds: ['rds', 'region', 'port', 'keys'],
} as const satisfies Record<string, readonly (keyof Written)[]>;
type SourceName = keyof typeof SOURCES;

const EXPECTED = `one of ${Object.keys(SOURCES).join(', ')}`;

/** One credential, its source told apart; paths and vaults are not looked at yet. */
const checked = one.transform((written, ctx): Written & { readonly source: SourceName } => {
  const sources = (Object.keys(SOURCES) as SourceName[]).filter((source) => written[source] !== undefined);
  const [source, other] = sources;
  if (source === undefined)
    return refuse(ctx, 'does not say where the password comes from', { expected: EXPECTED });
  if (other !== undefined)
    return refuse(ctx, `names two sources, ${source} and ${other}`, {
      expected: EXPECTED,
      hint: 'remove one, or write a list of two credentials',
    });
  const own: readonly string[] = [...SOURCES[source], 'user', 'groups'];
  const foreign = Object.keys(written).find(
    (key) => written[key as keyof Written] !== undefined && !own.includes(key),
  );
  if (foreign !== undefined)
    return refuse(ctx, `${foreign} says nothing of a credential from ${source}`, {
      hint: `remove ${foreign}`,
    });
  const wrong = source === 'vault' ? wrongVault(written) : wrongUser(written, source);
  return wrong === null ? { ...written, source } : refuse(ctx, wrong.message, { hint: wrong.hint });
});

interface Wrong {
  readonly message: string;
  readonly hint: string;
}

function wrongVault({ user, kv, database, field, user_field }: Written): Wrong | null {
  if ((kv === undefined) === (database === undefined))
    return {
      message: kv === undefined ? 'does not say what Vault is asked for' : 'asks Vault for two things',
      hint: 'write kv: PATH for a secret that is kept there, or database: ROLE for a login that Vault makes',
    };
  if (kv !== undefined) {
    if (user !== undefined && user_field !== undefined)
      return { message: 'says the user twice', hint: 'remove user or user_field' };
    return wrongPlace(user, kv);
  }
  if (user !== undefined || field !== undefined || user_field !== undefined)
    return {
      message: 'Vault makes the user and the password of a database role',
      hint: 'remove user, field and user_field',
    };
  return null;
}

function wrongUser({ user, file = '' }: Written, source: SourceName): Wrong | null {
  if (user === undefined) return { message: 'does not say whose password it is', hint: 'add user: NAME' };
  if (source === 'file') return wrongPlace(user, file);
  if (user === '*' && source !== 'rds')
    return { message: 'is one password, which cannot be that of every user', hint: 'write user: NAME' };
  return null;
}

function wrongPlace(user: string | undefined, path: string): Wrong | null {
  const placed = path.includes(USER_PLACE);
  if (user === '*' && !placed)
    return {
      message: 'would give the same password to every user',
      hint: `put ${USER_PLACE} where the user's name stands in the path, or write user: NAME`,
    };
  if (placed && user !== '*')
    return {
      message: `${USER_PLACE} is whoever the client asks for, which this credential is not for`,
      hint: 'write user: "*", or the path without it',
    };
  return null;
}

/** As a target has it: one, or several that are tried in their order. */
export const credential = z
  .union([checked, z.array(checked).min(1)])
  .transform((written) => (Array.isArray(written) ? written : [written]));
/** One of them. */
export type WrittenCredential = z.output<typeof checked>;

/** One of `vaults:`. */
export const vault = section({
  address: text(/^https?:\/\/[A-Za-z0-9.[\]:-]+\/?$/, 'a URL such as https://vault.example:8200'),
  token_file: path,
  namespace: text(/^[A-Za-z0-9_./-]+$/, 'the path of a namespace').optional(),
  ca: path.optional(),
  timeout: duration.prefault('5s'),
  plaintext: z.boolean().default(false),
}).transform((written, ctx) => {
  const url = URL.parse(written.address);
  if (url === null)
    return refuse(ctx, 'its address is no URL', { expected: 'such as https://vault.example:8200' });
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.protocol === 'http:' && !written.plaintext && host !== 'localhost' && !isLoopback(host))
    return refuse(ctx, 'its token would go over the network without TLS', {
      expected: 'an address that begins with https://',
      hint: 'write https://, or plaintext: true where nobody else can see that network',
    });
  return { ...written, address: url.origin };
});
export type WrittenVault = z.output<typeof vault>;
