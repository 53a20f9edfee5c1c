/** Which file a process runs: believed only where it is the very file that was executed. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, linkSync, mkdirSync, readlinkSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type ExeFile, ExeResolver } from '../../src/attribution/exe.ts';
import { until } from '../until.ts';

/** Above any pid_max. */
const GONE = 5_000_000;

/** As the kernel numbers the file system of a file (MKDEV of what stat(1) says). */
function device(path: string): number {
  const [major, minor] = execFileSync('stat', ['-c', '%Hd %Ld', path], { encoding: 'utf8' }).split(' ');
  return Number(major) * 2 ** 20 + Number(minor);
}

function file(path: string, over: Partial<ExeFile> = {}): ExeFile {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const { ino } = statSync(path, { bigint: true });
  return { pid: GONE, dev: device(path), ino, name, filename: path, deleted: false, ...over };
}

/** Two programs of the same name. */
function programs(t: Test): { own: string; real: string; dir: string } {
  const dir = t.testdir();
  for (const each of ['own', 'real']) mkdirSync(join(dir, each));
  const [own, real] = [join(dir, 'own/psql'), join(dir, 'real/psql')];
  for (const path of [own, real]) copyFileSync('/usr/bin/sleep', path);
  return { own, real, dir };
}

async function running(t: Test, path: string): Promise<ChildProcess & { pid: number }> {
  const child = spawn(path, ['60']) as ChildProcess & { pid: number };
  t.teardown(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.once('spawn', resolve));
  return child;
}

t.test('a program that runs, and one that has gone', async (t) => {
  const { own, real } = programs(t);
  const exe = new ExeResolver();
  const { pid } = await running(t, own);
  t.same(exe.resolve(file(own, { pid, filename: 'psql' })), { path: own, verified: true });
  t.same(exe.resolve(file(own, { filename: 'psql' })), { path: own, verified: true }, 'known by now');
  t.same(exe.resolve(file(real)), { path: real, verified: true }, 'by the name given to execve');
  t.same(exe.resolve(file(real, { filename: './psql', name: 'other' })), { path: 'other', verified: false });
});

t.test('what has executed another program of the same name since is not taken for that', async (t) => {
  const { own, real } = programs(t);
  const exe = new ExeResolver();
  // The first event is read when the second program runs already.
  const { pid } = await running(t, real);
  const first = file(own, { pid, filename: './psql' });
  t.same(exe.resolve(first), { path: 'psql', verified: false });
  t.same(exe.resolve(file(real, { pid })), { path: real, verified: true });
  t.same(exe.resolve(first), { path: 'psql', verified: false }, 'nor remembered as it');
  t.same(
    exe.resolve({ ...first, filename: real }),
    { path: real, verified: false },
    'the name alone is not enough',
  );
});

t.test('the same inode on another file system is another file', async (t) => {
  const { real } = programs(t);
  const exe = new ExeResolver();
  const { pid } = await running(t, real);
  const elsewhere = file(real, { dev: device(real) + 1 });
  t.same(exe.resolve({ ...elsewhere, pid }), { path: real, verified: false });
  t.same(exe.resolve(elsewhere), { path: real, verified: false });
});

t.test('a path under which another file lies now is not believed', async (t) => {
  const { own, real } = programs(t);
  const exe = new ExeResolver();
  const before = file(own);
  t.equal(exe.resolve(before).verified, true);
  linkSync(own, `${own}.kept`);
  renameSync(real, own);
  t.same(exe.resolve(before), { path: own, verified: false });
});

t.test('a file that has been deleted, and is run', async (t) => {
  const { own } = programs(t);
  const exe = new ExeResolver();
  const { pid } = await running(t, own);
  const event = file(own, { pid, filename: './psql', deleted: true });
  rmSync(own);
  t.same(exe.resolve(event), { path: `${own} (deleted)`, verified: true });
  t.same(exe.resolve({ ...event, pid: GONE }), { path: 'psql', verified: false });
});

const overlay = process.getuid?.() === 0 ? {} : { skip: 'mounting needs root' };

t.test('on a file system that has another number than stat(2) tells', overlay, async (t) => {
  const dir = t.testdir({ upper: {}, work: {}, merged: {}, lower: {} });
  const script = `mount -t tmpfs t "$1/upper" && mkdir "$1/upper/u" "$1/upper/w" && cp /usr/bin/sleep "$1/lower/psql" &&
    mount -t overlay o -o "lowerdir=$1/lower,upperdir=$1/upper/u,workdir=$1/upper/w" "$1/merged" &&
    grep " $1/merged " /proc/self/mountinfo && stat -c %i "$1/merged/psql" && exec "$1/merged/psql" 60`;
  const child = spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', dir], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  child.stderr.on('data', (data) => (said += data));
  await new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.stdout.on('data', (data) => {
      said += data;
      if (/\n\d+\n$/.test(said)) resolve();
    });
  });
  const [, major, minor, ino] = /^\d+ \d+ (\d+):(\d+) [\s\S]*\n(\d+)\n$/.exec(said) ?? [];
  if (!ino) {
    t.comment(`no overlay here: ${said}`);
    return;
  }
  const dev = Number(major) * 2 ** 20 + Number(minor);
  const pid = child.pid as number;
  await until(() => readlinkSync(`/proc/${pid}/exe`).endsWith('/psql'), 'it is executed');
  const event = { pid, dev, ino: BigInt(ino), name: 'psql', filename: 'psql', deleted: false };
  t.match(new ExeResolver().resolve(event), { path: /merged\/psql$/, verified: true });
  t.match(new ExeResolver().resolve({ ...event, dev: dev + 1 }), { verified: false });
});
