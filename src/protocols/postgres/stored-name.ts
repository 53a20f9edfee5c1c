/** NAMEDATALEN - 1: what the server's tables of prepared statements and portals keep of a name. */
const MOST = 63;

/**
 * What the server tells prepared statements and portals apart by: the first 63 bytes of a name, cut within a
 * character too. Threat: two names that differ only after that are one to the server.
 * @param name from Parse, Bind, Describe, Execute or Close; the database's encoding is taken to be UTF-8
 * @returns equal for names that are one
 */
export function storedName(name: string): string {
  if (3 * name.length <= MOST) return name;
  const bytes = Buffer.from(name, 'utf8');
  if (bytes.length <= MOST) return name;
  const kept = bytes.subarray(0, MOST);
  const text = kept.toString('utf8');
  // No name holds a zero byte, so that none is taken for one that was cut within a character.
  return text.includes('\ufffd') ? `\0${kept.toString('latin1')}` : text;
}
