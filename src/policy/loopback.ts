/** Connecting to the unspecified address connects to the host itself, as loopback does. */
export const LOOPBACK_PREFIXES: readonly string[] = ['127.0.0.0/8', '::1/128', '0.0.0.0/32', '::/128'];

/** The unspecified address that reaches the same listener as a prefix of loopback does. */
export const UNSPECIFIED: ReadonlyMap<string, string> = new Map([
  ['127.0.0.1/32', '0.0.0.0/32'],
  ['127.0.0.0/8', '0.0.0.0/32'],
  ['::1/128', '::/128'],
]);
