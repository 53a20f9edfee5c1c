/** An account of this machine for as long as a test runs: sshd asks the machine for passwords. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

export interface TestAccount extends Disposable {
  readonly name: string;
  readonly password: string;
}

export function testAccount(): TestAccount {
  const name = `hl${randomBytes(4).toString('hex')}`;
  const password = randomBytes(9).toString('base64url');
  execFileSync('useradd', ['--no-create-home', '--home-dir', '/tmp', '--shell', '/bin/sh', name]);
  execFileSync('chpasswd', [], { input: `${name}:${password}\n` });
  return {
    ...{ name, password },
    [Symbol.dispose]() {
      execFileSync('userdel', [name], { stdio: 'ignore' });
    },
  };
}
