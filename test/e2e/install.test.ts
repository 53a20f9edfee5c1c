/** scripts/install and scripts/uninstall on a directory: what changes, that it changes once, that it goes back. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

const scripts = join(import.meta.dirname, '../../scripts');
const root = mkdtempSync(join(tmpdir(), 'hopline-install-'));
t.teardown(() => rmSync(root, { recursive: true }));
mkdirSync(join(root, 'etc/ssh'), { recursive: true });
mkdirSync(join(root, 'etc/pam.d'));
cpSync('/etc/pam.d/sshd', join(root, 'etc/pam.d/sshd'));
writeFileSync(join(root, 'etc/ssh/ssh_known_hosts'), 'db1 ssh-ed25519 AAAAtheirs\n');
writeFileSync(join(root, 'etc/ssh/ssh_config'), 'Host *\n');

function run(script: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(join(scripts, script), ['--root', root, ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${script} ended with ${status}: ${stderr}`);
  return stdout;
}

/** Every file below the root, with its mode and content. */
function contents(): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    const hash = entry.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'link';
    found.set(path.slice(root.length), `${lstatSync(path).mode.toString(8)} ${hash}`);
  }
  return found;
}

const before = contents();
t.setTimeout(1_200_000);

t.test('a dry run writes nothing, and shows everything', async (t) => {
  const out = run('install', '--dry-run');
  t.same(contents(), before);
  t.match(
    out,
    /\+session {4}optional {5}pam_exec.so quiet type=open_session \/usr\/lib\/hopline\/pam-session/,
  );
  t.match(out, /new {6}\/usr\/lib\/hopline\/ .*not done/);
  t.match(out, /ssh_config does not read .*hopline\.conf: add to its top: Include \/etc\/ssh\/ssh_config\.d/);
});

t.test('installs what runs', async (t) => {
  run('install');
  const files = contents();
  for (const file of [
    'usr/bin/hopline',
    'usr/sbin/hoplined',
    'usr/lib/hopline/bin/node',
    'usr/lib/hopline/pam-session',
    'usr/lib/hopline/known-hosts',
    'usr/lib/hopline/shell',
    'usr/lib/hopline/src/shell.js',
    'etc/ssh/ssh_config.d/hopline.conf',
    'usr/lib/hopline/src/worker.js',
    'usr/lib/systemd/system/hoplined.service',
    'usr/lib/systemd/system/hoplined.socket',
    'usr/lib/sysusers.d/hopline.conf',
    'usr/lib/tmpfiles.d/hopline.conf',
  ])
    t.ok(files.has(`/${file}`), file);
  t.notOk(
    [...files.keys()].some((file) => /ssh2\/.*\.node$/.test(file)),
    'ssh2 without its native ciphers, which nothing uses',
  );
  t.notOk(
    [...files.keys()].some((file) => /usr\/lib\/hopline\/src\/.*\.ts$/.test(file)),
    'no TypeScript',
  );
  const app = join(root, 'usr/lib/hopline');
  const modules = ['better-sqlite3', 'koffi', 'cap', 'ssh2', '@cedar-policy/cedar-wasm/nodejs'];
  const load = `const { createRequire } = require('node:module');
    const load = createRequire(${JSON.stringify(`${app}/src/worker.js`)});
    for (const name of ${JSON.stringify(modules)}) load(name);
    new (load('better-sqlite3'))(':memory:').exec('select 1');`;
  execFileSync(join(app, 'bin/node'), ['-e', load], { env: {} });
  const worker = spawnSync(join(app, 'bin/node'), [join(app, 'src/worker.js')], {
    encoding: 'utf8',
    env: {},
  });
  t.match(worker, { status: 2, stderr: /started by hoplined only/ });
});

t.test('a second time changes nothing', async (t) => {
  const installed = contents();
  t.match(run('install'), /nothing to change/);
  t.same(contents(), installed);
});

t.test('configuration that was edited stays', async (t) => {
  const config = join(root, 'etc/hopline/hopline.yaml');
  appendFileSync(config, '\n# ours\n');
  const edited = readFileSync(config, 'utf8');
  t.match(run('install'), /hopline.yaml is yours and stays/);
  t.equal(readFileSync(config, 'utf8'), edited);
});

t.test('uninstall keeps configuration; what others changed meanwhile stays too', async (t) => {
  const pam = join(root, 'etc/pam.d/sshd');
  appendFileSync(pam, '# theirs, later\n');
  const dry = contents();
  run('uninstall', '--dry-run');
  t.same(contents(), dry, 'a dry run writes nothing');
  run('uninstall');
  t.equal(readFileSync(pam, 'utf8'), `${readFileSync('/etc/pam.d/sshd', 'utf8')}# theirs, later\n`);
  const left = [...contents().keys()].filter((file) => !before.has(file));
  t.ok(left.length > 0 && left.every((file) => file.startsWith('/etc/hopline/')), left.join(' '));
  cpSync('/etc/pam.d/sshd', pam);
});

t.test('a stack whose last line has no newline goes back without one', async (t) => {
  const pam = join(root, 'etc/pam.d/sshd');
  const stack = 'auth required a.so\nsession required pam_loginuid.so';
  writeFileSync(pam, stack);
  run('install');
  t.match(readFileSync(pam, 'utf8'), /pam_loginuid.so\n#.*\nsession .*type=open_session/);
  run('uninstall');
  t.equal(readFileSync(pam, 'utf8'), stack);
  cpSync('/etc/pam.d/sshd', pam);
});

t.test('installed and purged: every file is what it was, byte for byte', async (t) => {
  run('install');
  run('uninstall', '--purge');
  t.same(contents(), before);
  t.match(run('uninstall', '--purge'), /nothing to change/);
});
