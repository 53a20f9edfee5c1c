/** A person's files as ssh uses them, opened as that person: what they may not read is not read. */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Far above any key; known_hosts files of a fleet are larger. */
const KEY_LIMIT = 64 * 1024;
const KNOWN_HOSTS_LIMIT = 2 * 1024 * 1024;
const MOST_FILES = 256;
const OTHERS = 0o077;

/** @returns null where there is no such file, or none that is one */
export async function readText(path: string, limit: number, secret = false): Promise<string | null> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return null;
  }
  try {
    const stat = await file.stat();
    // ssh ignores a private key that others can read.
    if (!stat.isFile() || (secret && (stat.mode & OTHERS) !== 0)) return null;
    const buffer = Buffer.alloc(Math.min(stat.size, limit));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Person's first, as ssh looks (ssh_config(5), UserKnownHostsFile and GlobalKnownHostsFile). */
export async function knownHostsFiles(home: string | null): Promise<{ path: string; text: string }[]> {
  const paths = [
    ...['known_hosts', 'known_hosts2'].flatMap((name) =>
      home === null ? [] : { shown: `~/.ssh/${name}`, path: join(home, '.ssh', name) },
    ),
    ...['ssh_known_hosts', 'ssh_known_hosts2'].map((name) => ({
      shown: `/etc/ssh/${name}`,
      path: `/etc/ssh/${name}`,
    })),
  ];
  const found: { path: string; text: string }[] = [];
  for (const { shown, path } of paths) {
    const text = await readText(path, KNOWN_HOSTS_LIMIT);
    if (text !== null) found.push({ path: shown, text });
  }
  return found;
}

/** Names that /etc/hosts has for an address. */
export async function hostsNames(address: string): Promise<string[]> {
  const text = (await readText('/etc/hosts', KNOWN_HOSTS_LIMIT)) ?? '';
  return text.split('\n').flatMap((line) => {
    const [first, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    return first === address ? names : [];
  });
}

/** @returns the path as people write it. @throws Error with the system's reason */
export async function remember(home: string | null, line: string): Promise<string> {
  if (home === null) throw new Error('what runs in a container has no known_hosts here');
  if (/[\r\n]/.test(line)) throw new Error('a line is one line');
  await mkdir(join(home, '.ssh'), { recursive: true, mode: 0o700 });
  const path = join(home, '.ssh', 'known_hosts');
  const before = (await readText(path, KNOWN_HOSTS_LIMIT)) ?? '';
  const file = await open(
    path,
    constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK,
    0o600,
  );
  try {
    await file.write(`${before === '' || before.endsWith('\n') ? '' : '\n'}${line}\n`);
  } finally {
    await file.close();
  }
  return '~/.ssh/known_hosts';
}

/** Texts of private keys that may be meant: those with a public half of that name beside them, and ssh's own names. */
export async function* keyFiles(
  home: string | null,
  named: readonly string[],
): AsyncGenerator<{ path: string; text: string; publicKey: Buffer | null }> {
  const all = [...named, ...(home === null ? [] : await usual(join(home, '.ssh')))];
  for (const path of [...new Set(all)].slice(0, MOST_FILES)) {
    const text = await readText(path, KEY_LIMIT, true);
    if (text === null || !text.includes('PRIVATE KEY')) continue;
    const half = await readText(`${path}.pub`, KEY_LIMIT);
    const publicKey = half === null ? null : Buffer.from(half.trim().split(/\s+/)[1] ?? '', 'base64');
    yield { path, text, publicKey };
  }
}

async function usual(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => []);
  const halves = names.filter((name) => name.endsWith('.pub')).map((name) => name.slice(0, -4));
  return [...halves, ...DEFAULTS].map((name) => join(directory, name));
}

/** ssh_config(5), IdentityFile. */
const DEFAULTS = ['id_rsa', 'id_ecdsa', 'id_ed25519', 'identity'];
