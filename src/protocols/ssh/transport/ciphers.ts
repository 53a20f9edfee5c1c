/** Ciphers and MACs, by the names that the key exchange agrees on. */
import { ChaChaPoly } from './chacha20-poly1305.ts';
import { Gcm } from './gcm.ts';
import type { DirectionKeys, Protection } from './protection.ts';
import { EncryptAndMac, EncryptThenMac } from './separate-mac.ts';

interface CipherInfo {
  /** OpenSSL's name. */
  readonly name: string;
  readonly key: number;
  readonly iv: number;
  readonly block: number;
  readonly authenticates: boolean;
}

const cipher = (name: string, key: number, iv: number, block: number, authenticates = false): CipherInfo => ({
  ...{ name, key, iv, block, authenticates },
});

/** RFC 4253 section 6.3, RFC 4344 section 4, RFC 5647, and OpenSSH's PROTOCOL sections 1.6 and 1.7. */
const CIPHERS: Readonly<Record<string, CipherInfo>> = {
  // A key for the payload, and one for the length.
  'chacha20-poly1305@openssh.com': cipher('chacha20', 64, 0, 8, true),
  'aes128-gcm@openssh.com': cipher('aes-128-gcm', 16, 12, 16, true),
  'aes256-gcm@openssh.com': cipher('aes-256-gcm', 32, 12, 16, true),
  'aes128-ctr': cipher('aes-128-ctr', 16, 16, 16),
  'aes192-ctr': cipher('aes-192-ctr', 24, 16, 16),
  'aes256-ctr': cipher('aes-256-ctr', 32, 16, 16),
  'aes128-cbc': cipher('aes-128-cbc', 16, 16, 16),
  'aes192-cbc': cipher('aes-192-cbc', 24, 16, 16),
  'aes256-cbc': cipher('aes-256-cbc', 32, 16, 16),
  '3des-cbc': cipher('des-ede3-cbc', 24, 8, 8),
};

interface MacInfo {
  readonly hash: string;
  readonly length: number;
}

/** RFC 4253 section 6.4, RFC 6668; `-etm@openssh.com`: OpenSSH's PROTOCOL section 1.5. */
const MACS: Readonly<Record<string, MacInfo>> = {
  'hmac-sha2-256': { hash: 'sha256', length: 32 },
  'hmac-sha2-512': { hash: 'sha512', length: 64 },
  'hmac-sha1': { hash: 'sha1', length: 20 },
};
const THEN_MAC = '-etm@openssh.com';

/** Whether the cipher needs no MAC beside it. */
export function authenticates(name: string): boolean {
  return CIPHERS[name]?.authenticates ?? false;
}

/** @param seals else it opens */
export function protectionOf(keys: DirectionKeys, seals: boolean): Protection {
  const info = CIPHERS[keys.cipher];
  if (info === undefined) throw new Error(`no cipher ${keys.cipher}`);
  const { name, block } = info;
  const key = keys.derive('key', info.key);
  if (name === 'chacha20') return new ChaChaPoly(key, seals);
  const iv = keys.derive('iv', info.iv);
  if (info.authenticates) return new Gcm(name, key, iv, seals);
  const then = keys.mac.endsWith(THEN_MAC);
  const mac = MACS[then ? keys.mac.slice(0, -THEN_MAC.length) : keys.mac];
  if (mac === undefined) throw new Error(`no MAC ${keys.mac}`);
  const parts = { ...mac, block, macKey: keys.derive('mac', mac.length) };
  return then
    ? new EncryptThenMac(parts, name, key, iv, seals)
    : new EncryptAndMac(parts, name, key, iv, seals);
}
