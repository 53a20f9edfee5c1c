/** What dies of a signal leaves no memory behind on disk. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';

const MODULE = new URL('../../src/daemon/core-dumps.ts', import.meta.url).href;

/** A process that may dump, as far as its limits go, has a child end by SIGABRT in a directory of its own. */
function aborted(directory: string, prepare: string): { limits: string; said: string; files: string[] } {
  const script = `
    import { spawnSync } from 'node:child_process';
    import { readFileSync } from 'node:fs';
    ${prepare}
    spawnSync('sh', ['-c', 'kill -ABRT $$'], { cwd: ${JSON.stringify(directory)} });
    process.stdout.write(readFileSync('/proc/self/limits'));`;
  const node = `${process.execPath} --disable-warning=ExperimentalWarning --input-type=module -e "$0"`;
  const out = execFileSync('sh', ['-c', `ulimit -c unlimited; exec ${node}`, script], { encoding: 'utf8' });
  const limits = /Max core file size.*/.exec(out)?.[0] ?? '';
  return { limits, said: out.slice(0, out.indexOf('Limit')), files: readdirSync(directory) };
}

const CALL = `import { withoutCoreDumps } from '${MODULE}';`;

t.test('the supervisor and what it starts dump no core', async (t) => {
  const { limits, said, files } = aborted(
    t.testdir(),
    `${CALL} process.stdout.write(String(withoutCoreDumps()));`,
  );
  t.match(limits, /size +1 +1 +bytes/, 'one byte, which a pipe heeds too, and no way back');
  t.equal(said, 'null', 'all was done');
  t.same(files, []);
  const twice = aborted(
    t.testdir(),
    `${CALL} withoutCoreDumps(); process.stdout.write(String(withoutCoreDumps()));`,
  );
  t.equal(twice.said, 'null', 'also where it was done before');
});

const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
const elsewhere = /^core(?:\.%p)?$/.test(pattern) ? false : `core_pattern is ${pattern}: dumps go elsewhere`;

t.test('which they would', { skip: elsewhere }, async (t) => {
  t.match(aborted(t.testdir(), '').files, [/^core/]);
});
