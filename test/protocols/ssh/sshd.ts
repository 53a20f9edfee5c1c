/** Debian's sshd on a port of loopback, with a configuration and keys of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../free-port.ts';
import { newKey, publicKey } from '../../identity/keys.ts';
import { until } from '../../until.ts';

export interface Sshd extends Disposable {
  readonly port: number;
  readonly directory: string;
  /** Private key that root may log in with. */
  readonly key: string;
  /** `TYPE BASE64` of the host's ed25519 key. */
  readonly hostKey: string;
  /** What it has logged. */
  readonly log: () => string;
}

/** @param settings lines of sshd_config before those that are here: the first of a name counts */
export async function startSshd(settings: readonly string[] = [], hostKeys = ['ed25519']): Promise<Sshd> {
  const directory = mkdtempSync(join(tmpdir(), 'hopline-sshd-'));
  const port = await freePort();
  const key = newKey(directory, 'user', 'ed25519');
  const files = hostKeys.map((type) => newKey(directory, `host_${type}`, type));
  mkdirSync('/run/sshd', { recursive: true });
  writeFileSync(join(directory, 'authorized_keys'), `${publicKey(`${key}.pub`)}\n`);
  const config = [
    ...settings,
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    ...files.map((file) => `HostKey ${file}`),
    `AuthorizedKeysFile ${directory}/authorized_keys`,
    `PidFile ${directory}/pid`,
    'StrictModes no',
    'PermitRootLogin yes',
    'UsePAM no',
    'X11Forwarding yes',
    'AcceptEnv LANG LC_* HOPLINE_TEST',
    'MaxSessions 1000',
    'MaxStartups 200',
    'LogLevel VERBOSE',
    'Subsystem sftp internal-sftp',
  ];
  writeFileSync(join(directory, 'sshd_config'), `${config.join('\n')}\n`);
  let log = '';
  const child: ChildProcess = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', join(directory, 'sshd_config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr?.on('data', (chunk) => {
    log += chunk;
  });
  await until(() => answers(port), `sshd listens: ${log}`);
  return {
    ...{ port, directory, key, hostKey: publicKey(`${files[0]}.pub`), log: () => log },
    [Symbol.dispose]() {
      child.kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
