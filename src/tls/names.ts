/** The names that a certificate may be asked for. What asks is a worker, and what it repeats is what a client sent: both are hostile. */
import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII, domainToUnicode } from 'node:url';
import ipaddr from 'ipaddr.js';
import { printable } from '../core/text.ts';

export type MintErrorCode = 'request' | 'name' | 'expired';

/** No certificate is made. `request`: not the shape of one; `name`: not a name; `expired`: the authority itself has ended. */
export class MintError extends Error {
  override readonly name = 'MintError';
  readonly code: MintErrorCode;

  constructor(code: MintErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export interface CanonicalName {
  readonly type: 'dns' | 'ip';
  /** DNS: lower case A-labels without the root's dot. IP: dotted IPv4, or IPv6 by RFC 5952. */
  readonly value: string;
}

/** RFC 1035 section 2.3.4, as text without the root's dot. */
const MAX_NAME = 253;
/** Letters, digits and hyphens (RFC 1123 section 2.1), and the underscores that container names have. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
/** What the WHATWG URL rules (and inet_aton) take for an IPv4 address: a last label that is a number. */
const NUMBER = /^(?:[0-9]+|0x[0-9a-f]*)$/;
/**
 * The name as it stands in a certificate (RFC 5280 section 4.2.1.6).
 * @throws MintError `name`: empty, too long, a wildcard, a zone, brackets, a port, two dots in a row, characters that
 *   no host name has, or a number in disguise
 */
export function canonicalName(text: string): CanonicalName {
  if (text.length > MAX_NAME + 1) throw refused(text, `it is longer than ${MAX_NAME} characters`);
  if (isIPv4(text) || (isIPv6(text) && !text.includes('%')))
    return { type: 'ip', value: ipaddr.process(text).toString() };
  const bare = text.endsWith('.') ? text.slice(0, -1) : text;
  if (bare === '') throw refused(text, 'it is empty');
  if (bare.includes('*')) throw refused(text, 'wildcards are never asked for by a client');
  return { type: 'dns', value: dnsName(text, bare) };
}

function dnsName(text: string, bare: string): string {
  // Unicode goes through UTS 46. ASCII does not: domainToASCII also decodes %2e, and makes 127.0.0.1 of 0x7f.1.
  const ascii = /^[\0-\x7f]*$/.test(bare) ? bare.toLowerCase() : domainToASCII(bare);
  if (ascii === '' || ascii.length > MAX_NAME) throw refused(text, 'it has no form in ASCII (IDNA)');
  const labels = ascii.split('.');
  for (const label of labels) {
    if (!LABEL.test(label)) throw refused(text, 'a label of it is not 1–63 letters, digits, hyphens inside');
    if (label.startsWith('xn--') && !isALabel(label)) throw refused(text, `${label} is not IDNA`);
  }
  if (NUMBER.test(labels.at(-1) ?? '')) throw refused(text, 'its last label is a number');
  return ascii;
}

/** Whether it decodes, and encodes to the same again. What does not decode comes back from Node as it was. */
function isALabel(label: string): boolean {
  const unicode = domainToUnicode(label);
  return unicode !== label && domainToASCII(unicode) === label;
}

function refused(text: string, why: string): MintError {
  const shown = printable(text.length > 64 ? `${text.slice(0, 64)}…` : text);
  return new MintError('name', `no certificate for the name "${shown}": ${why}`);
}
