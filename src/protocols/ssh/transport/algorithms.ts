/** Which algorithms are offered to whom, and what is agreed (RFC 4253 section 7.1). */

import { SshError } from '../errors.ts';
import { Disconnect } from '../numbers.ts';
import { authenticates } from './ciphers.ts';

/** One side's lists, in its order of preference. */
export interface Offer {
  readonly kex: readonly string[];
  readonly hostKey: readonly string[];
  readonly cipher: readonly string[];
  readonly mac: readonly string[];
  readonly compression: readonly string[];
}

/** A KEXINIT's lists, where both directions may differ. */
export interface Lists {
  readonly kex: readonly string[];
  readonly hostKey: readonly string[];
  readonly cipher: Both<readonly string[]>;
  readonly mac: Both<readonly string[]>;
  readonly compression: Both<readonly string[]>;
}

export interface Both<T> {
  readonly clientToServer: T;
  readonly serverToClient: T;
}

export interface Agreed {
  readonly kex: string;
  readonly hostKey: string;
  readonly cipher: Both<string>;
  readonly mac: Both<string>;
  readonly compression: Both<string>;
}

const KEX = [
  'mlkem768x25519-sha256',
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group18-sha512',
  'diffie-hellman-group14-sha256',
];
const CIPHERS = [
  'chacha20-poly1305@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
];
const MACS = [
  'hmac-sha2-256-etm@openssh.com',
  'hmac-sha2-512-etm@openssh.com',
  'hmac-sha1-etm@openssh.com',
  'hmac-sha2-256',
  'hmac-sha2-512',
  'hmac-sha1',
];
/** Signatures of host keys, without and with a certificate. */
export const HOST_KEYS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];
/** Signatures of users; those of a security key are made where it is. */
export const USER_KEYS = [
  ...HOST_KEYS,
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
  'webauthn-sk-ecdsa-sha2-nistp256@openssh.com',
];
/** Offered to a host only where the person's own client offers them: with OpenSSH, where they asked for it. */
const WEAK = {
  kex: ['diffie-hellman-group14-sha1', 'diffie-hellman-group1-sha1'],
  hostKey: ['ssh-rsa'],
  cipher: ['aes128-cbc', 'aes192-cbc', 'aes256-cbc', '3des-cbc'],
};
const COMPRESSION = ['none', 'zlib@openssh.com', 'zlib'];

/** What a client is offered. @param hostKey of the keys that there are */
export function serverOffer(hostKey: readonly string[]): Offer {
  return { kex: KEX, hostKey, cipher: CIPHERS, mac: MACS, compression: COMPRESSION };
}

/**
 * What a host is offered: as the person's own client would, as far as that is supported here, so that `-c`, `-C` and
 * `-o KexAlgorithms=+…` reach the host.
 * @param hostKey types that known_hosts has for it, the others behind
 */
export function clientOffer(theirs: Lists, agreed: Agreed, hostKey: readonly string[]): Offer {
  const asked = (list: readonly string[], weak: readonly string[]): string[] =>
    weak.filter((name) => list.includes(name));
  const cipher = theirs.cipher.clientToServer;
  const supported = [...CIPHERS, ...asked(cipher, WEAK.cipher)];
  const compressed = agreed.compression.clientToServer !== 'none';
  return {
    kex: [...KEX, ...asked(theirs.kex, WEAK.kex)],
    hostKey: [...hostKey, ...asked(theirs.hostKey, WEAK.hostKey)],
    cipher: [...new Set([...cipher.filter((name) => supported.includes(name)), ...CIPHERS])],
    mac: [...new Set([...theirs.mac.clientToServer.filter((name) => MACS.includes(name)), ...MACS])],
    compression: compressed ? ['zlib@openssh.com', 'zlib', 'none'] : ['none'],
  };
}

/** @throws SshError where there is none in common */
export function agree(client: Lists, server: Lists): Agreed {
  const cipher = both(client.cipher, server.cipher, 'cipher');
  const mac = (direction: keyof Both<string>): string =>
    authenticates(cipher[direction]) ? '' : first(client.mac[direction], server.mac[direction], 'MAC');
  return {
    kex: first(client.kex, server.kex, 'key exchange method'),
    hostKey: first(client.hostKey, server.hostKey, 'host key type'),
    cipher,
    mac: { clientToServer: mac('clientToServer'), serverToClient: mac('serverToClient') },
    compression: both(client.compression, server.compression, 'compression method'),
  };
}

function both(client: Both<readonly string[]>, server: Both<readonly string[]>, what: string): Both<string> {
  return {
    clientToServer: first(client.clientToServer, server.clientToServer, what),
    serverToClient: first(client.serverToClient, server.serverToClient, what),
  };
}

/** In OpenSSH's words. */
function first(client: readonly string[], server: readonly string[], what: string): string {
  const found = client.find((name) => server.includes(name) && !MARKERS.has(name));
  if (found !== undefined) return found;
  throw new SshError(
    Disconnect.KEY_EXCHANGE_FAILED,
    `no matching ${what} found: the client offers ${client.join(',')}, the server ${server.join(',')}`,
  );
}

/** Sent in the list of key exchange methods, and none. */
export const STRICT_CLIENT = 'kex-strict-c-v00@openssh.com';
export const STRICT_SERVER = 'kex-strict-s-v00@openssh.com';
/** RFC 8308 section 2.1. */
export const EXT_INFO_CLIENT = 'ext-info-c';
const MARKERS: ReadonlySet<string> = new Set([STRICT_CLIENT, STRICT_SERVER, EXT_INFO_CLIENT, 'ext-info-s']);
