/** Whether a line of a known_hosts file speaks of a host (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** @returns the name that known_hosts has for a host: with the port where that is not 22 */
export function nameWithPort(host: string, port: number): string {
  const lower = host.toLowerCase();
  return port === 22 ? lower : `[${lower}]:${port}`;
}

/**
 * @param field the line's first field: a list of patterns, or one hashed name
 * @param name as {@link nameWithPort} gives it
 */
export function matchesHost(field: string, name: string): boolean {
  if (field.startsWith(HASHED)) return matchesHashed(field, name);
  let found = false;
  for (const pattern of field.toLowerCase().split(',')) {
    const negated = pattern.startsWith('!');
    if (!matchesPattern(negated ? pattern.slice(1) : pattern, name)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}

/** `*` is any number of characters, `?` one. Linear in the product of both lengths, whatever the pattern is. */
export function matchesPattern(pattern: string, text: string): boolean {
  let [p, t] = [0, 0];
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p;
      resume = t;
      p += 1;
    } else if (pattern[p] === '?' || pattern[p] === text[t]) {
      p += 1;
      t += 1;
    } else if (star >= 0) {
      p = star + 1;
      resume += 1;
      t = resume;
    } else return false;
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}

/** Magic of HashKnownHosts: salt and HMAC-SHA1 of the name follow, in base64 (hostfile.h). */
const HASHED = '|1|';

function matchesHashed(field: string, name: string): boolean {
  const [salt, hash, ...more] = field.slice(HASHED.length).split('|');
  if (salt === undefined || hash === undefined || more.length > 0) return false;
  const expected = Buffer.from(hash, 'base64');
  const actual = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
