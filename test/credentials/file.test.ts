/** Secrets in files, from systemd and in the environment: what is taken, what is refused, and that nothing is quoted. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import t from 'tap';
import { CredentialError, type CredentialSource } from '../../src/credentials/credential.ts';
import { environmentSource } from '../../src/credentials/environment.ts';
import { fileSource, systemdSource } from '../../src/credentials/file.ts';

const home = mkdtempSync(join(tmpdir(), 'hopline-credentials-'));
t.teardown(() => rmSync(home, { recursive: true, force: true }));
const path = join(home, 'orders.secret');

function write(content: string | Buffer, mode = 0o600): void {
  rmSync(path, { recursive: true, force: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
}

async function read(source: CredentialSource): Promise<string> {
  const held = await source.acquire();
  const text = held.password.reveal();
  held.release();
  if (!held.password.cleared) throw new Error('not cleared');
  return text;
}

t.test('a file is its text, without one line end', async (t) => {
  const cases: [string | Buffer, string][] = [
    ['geheim', 'geheim'],
    ['geheim\n', 'geheim'],
    ['geheim\r\n', 'geheim'],
    ['geheim\n\n', 'geheim\n'],
    [' ge heim \n', ' ge heim '],
    ['漢字 é\n', '漢字 é'],
    ['\ufeffgeheim', '\ufeffgeheim'],
    ['x'.repeat(16 * 1024), 'x'.repeat(16 * 1024)],
  ];
  for (const [content, text] of cases) {
    write(content);
    t.equal(await read(fileSource(path)), text);
  }
  t.match(await fileSource(path, 'alice').acquire(), { user: 'alice', validUntil: null });
  t.equal(fileSource(path).description, `file ${path}`);
});

t.test('a changed file counts at once', async (t) => {
  const source = fileSource(path);
  for (const text of ['one', 'two', 'one', 'six']) {
    write(text);
    t.equal(await read(source), text);
  }
  writeFileSync(path, 'ten');
  t.equal(await read(source), 'ten', 'in place');
  writeFileSync(`${path}.new`, 'new', { mode: 0o600 });
  renameSync(`${path}.new`, path);
  t.equal(await read(source), 'new', 'replaced');
});

t.test('refused', async (t) => {
  const cases: [what: string, code: string, spoil: () => unknown][] = [
    ['not there', 'missing', () => rmSync(path)],
    ['its group may read it', 'permissions', () => chmodSync(path, 0o640)],
    ['all may read it', 'permissions', () => chmodSync(path, 0o604)],
    ['all may write it', 'permissions', () => chmodSync(path, 0o602)],
    ['another user’s', 'permissions', () => chownSync(path, 65_534, 0)],
    [
      'a link',
      'permissions',
      () => {
        renameSync(path, `${path}.real`);
        symlinkSync(`${path}.real`, path);
      },
    ],
    [
      'a directory',
      'permissions',
      () => {
        rmSync(path);
        mkdirSync(path, { mode: 0o700 });
      },
    ],
    [
      'a FIFO',
      'permissions',
      () => {
        rmSync(path);
        execFileSync('mkfifo', ['-m', '600', path]);
      },
    ],
    ['empty', 'malformed', () => write('')],
    ['a line end alone', 'malformed', () => write('\n')],
    ['a zero byte', 'malformed', () => write('geh\0eim')],
    ['not UTF-8', 'malformed', () => write(Buffer.from([0x67, 0xff, 0xfe]))],
    ['too long', 'malformed', () => write('x'.repeat(16 * 1024 + 1))],
  ];
  for (const [what, code, spoil] of cases) {
    write('geheim');
    spoil();
    const error = await fileSource(path)
      .acquire()
      .catch((error: unknown) => error);
    t.ok(error instanceof CredentialError, what);
    t.match(error, { code, message: path }, what);
    t.notMatch(inspect(error), /geheim|geh|xxx/, what);
  }
  rmSync(path, { recursive: true, force: true });
});

t.test('a file without end is not read to it', async (t) => {
  await t.rejects(fileSource('/dev/zero').acquire(), { code: 'permissions' });
  await t.rejects(fileSource('/proc/self/environ').acquire(), CredentialError);
});

t.test('a credential of systemd', async (t) => {
  const directory = join(home, 'systemd');
  mkdirSync(directory, { mode: 0o700 });
  writeFileSync(join(directory, 'orders-db'), 'geheim\n', { mode: 0o400 });
  const env = { CREDENTIALS_DIRECTORY: directory };
  t.equal(await read(systemdSource('orders-db', null, env)), 'geheim');
  chmodSync(join(directory, 'orders-db'), 0o440);
  t.equal(await read(systemdSource('orders-db', null, env)), 'geheim', 'as systemd writes it with an ACL');
  await t.rejects(systemdSource('payroll-db', null, env).acquire(), { code: 'missing' });
  for (const name of ['', '.', '..', '../etc/shadow', 'a/b', '-a', 'a\0b', 'x'.repeat(300)])
    t.throws(() => systemdSource(name, null, env), { code: 'settings' }, JSON.stringify(name));
  for (const CREDENTIALS_DIRECTORY of [undefined, '', 'relative'])
    t.throws(() => systemdSource('orders-db', null, { CREDENTIALS_DIRECTORY }), {
      code: 'missing',
      message: /LoadCredential=orders-db/,
    });
});

t.test('a variable of the environment', async (t) => {
  const env: NodeJS.ProcessEnv = { ORDERS_DB: 'geheim', EMPTY: '' };
  const source = environmentSource('ORDERS_DB', 'alice', env);
  t.equal(source.description, 'environment variable ORDERS_DB');
  t.equal(await read(source), 'geheim');
  t.equal(await read(source), 'geheim', 'again');
  for (const name of ['EMPTY', 'NOT_THERE', '__proto__'])
    await t.rejects(environmentSource(name, null, { ...env }).acquire(), { code: 'missing' }, name);
  for (const name of ['', '1A', 'A B', 'A=B', 'Ä'])
    t.throws(() => environmentSource(name, null, env), { code: 'settings' }, name);
});
