import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `TYPE BASE64` of a public key file, as SSH_AUTH_INFO_0 has it after the method. */
export function publicKey(file: string): string {
  return readFileSync(file, 'utf8').split(' ').slice(0, 2).join(' ').trim();
}

export function blobOf(line: string): Buffer {
  return Buffer.from(line.split(' ')[1] ?? '', 'base64');
}

/** A new key pair without passphrase; gives the path of the private key. */
export function newKey(directory: string, name: string, type: string, bits?: string): string {
  const file = join(directory, name);
  const size = bits === undefined ? [] : ['-b', bits];
  execFileSync('ssh-keygen', ['-q', '-t', type, ...size, '-N', '', '-C', name, '-f', file], {
    stdio: 'pipe',
  });
  return file;
}

/** Signs a public key; gives the path of the certificate. */
export function certify(ca: string, key: string, keyId: string, ...options: string[]): string {
  execFileSync('ssh-keygen', ['-q', '-s', ca, '-I', keyId, ...options, `${key}.pub`], { stdio: 'pipe' });
  return `${key}-cert.pub`;
}

/** What ssh-keygen itself says the fingerprint is. */
export function printOf(file: string): string {
  return execFileSync('ssh-keygen', ['-lf', file], { encoding: 'utf8' }).split(' ')[1] ?? '';
}
