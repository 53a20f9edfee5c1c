/** Names that policies can speak of, and those that Hopline keeps for itself. */
import { text } from './values.ts';

export const RESERVED_TARGETS: readonly string[] = ['unlisted', 'loopback'];
export const RESERVED_GROUPS: readonly string[] = ['unattended'];
export const RESERVED_USERS: readonly string[] = ['unattributed'];

/** Target, tag and group names: what needs no quoting in a shell. */
export const name = text(
  /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
  'letters, digits, ".", "_" and "-", beginning with a letter or digit',
  64,
);

/** User names: also `alice@example.com`. No colon: `account:…` and `unattended:…` are Hopline's own. */
export const userName = text(
  /^[A-Za-z0-9_][A-Za-z0-9._@+-]*$/,
  'letters, digits, ".", "_", "@", "+" and "-"',
  128,
);
