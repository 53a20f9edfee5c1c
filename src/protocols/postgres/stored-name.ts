/** NAMEDATALEN - 1: what the server's tables of prepared statements and portals keep of a name. */
const MOST = 63;

/**
 * A name that is longer and has other characters than ASCII: where it is cut, the database's own encoding decides,
 * which is not known here. What is behind it counts as not known either.
 */
export const UNTOLD = '\0';

/**
 * What the server tells prepared statements and portals apart by: the first 63 bytes of a name. Threat: two names that
 * differ only after that are one to the server.
 * @param name from Parse, Bind, Describe, Execute or Close
 * @returns equal for names that are one
 */
export function storedName(name: string): string {
  if (3 * name.length <= MOST) return name;
  const length = Buffer.byteLength(name);
  if (length <= MOST) return name;
  return length === name.length ? name.slice(0, MOST) : UNTOLD;
}
