/** The disk that holds the record is full: nothing new is let through unrecorded, and nothing is lost or told twice. */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import t, { type Test } from 'tap';
import {
  ask,
  daemon,
  exec,
  hopline,
  hops,
  inside,
  labDown,
  labUp,
  loginOf,
  notices,
  rootOnly,
  Shell,
  sleep,
  status,
  until,
} from './support.ts';

const BALLAST = '/var/lib/hopline/ballast';
const WEB = 'curl -s -m 8 http://10.77.0.30/';
/** The write-ahead log has room of its own before it needs the disk's. */
const TRIES = 120;

function fill(): number {
  const fd = openSync(inside(BALLAST), 'w');
  let written = 0;
  try {
    for (let chunk = 64 << 10; chunk >= 512; ) {
      try {
        written += writeSync(fd, Buffer.alloc(chunk));
      } catch {
        chunk >>= 1;
      }
    }
  } finally {
    closeSync(fd);
  }
  return written;
}

const isFull = async () =>
  (await status()).problems.some((problem) => problem.startsWith('the disk is full'));

async function refusedUntilFull(t: Test, shell: Shell): Promise<number> {
  let allowed = 0;
  for (let n = 0; n < TRIES; n++) {
    const { code, out } = await shell.run(WEB);
    if (code !== 0) {
      t.equal(out, '', 'the client got nothing');
      return allowed;
    }
    allowed++;
  }
  throw new Error(`${TRIES} connections were let through on a full disk`);
}

if (rootOnly) t.plan(0, rootOnly);
else {
  t.setTimeout(1_200_000);
  t.before(async () => {
    await labUp({ daemon: false });
    const { code, err } = await exec('bastion1', 'mount', '-o', 'remount,size=6m', '/var/lib/hopline');
    if (code !== 0) throw new Error(err);
    const started = await daemon('start');
    if (started.code !== 0) throw new Error(started.err);
  });
  t.teardown(labDown);

  t.test('full: refused; room again: recorded', { timeout: 150_000 }, async (t) => {
    const shell = new Shell('alice@bastion1');
    const login = await loginOf(shell);
    t.match(await shell.run(WEB), { code: 0, out: /hello from web1/ });
    await until('its end', async () => (await hops()).every(({ ended }) => ended !== null));
    const before = await hops();
    t.equal(before.length, 1);

    t.ok(fill() > 1 << 20, 'the disk was filled');
    const allowed = await refusedUntilFull(t, shell);
    t.ok(await isFull(), 'the status says why');
    t.match((await hopline('status')).out, /the disk is full/, 'so does the command');
    t.match((await daemon('log')).out, /does not take it/, 'and the log');
    const refused = 4;
    for (let n = 1; n < refused; n++) t.not((await shell.run(WEB)).code, 0, 'still refused');
    const marks = ['meanwhile-1', 'meanwhile-2', 'meanwhile-3'];
    for (const mark of marks) t.equal((await shell.run(`/bin/echo ${mark}`)).out, mark, 'programs run on');

    rmSync(inside(BALLAST));
    await until('the disk to be taken up again', async () => !(await isFull()));
    const note = await until('a notice of it', async () =>
      (await notices('disk')).find(({ detail }) => /again/.test(detail)),
    );
    t.match(note.detail, /disk takes records again/);
    t.match(await shell.run(WEB), { code: 0, out: /hello from web1/ }, 'let through again');
    await sleep(500);

    const all = 1 + allowed + refused + 1;
    const after = await until('every hop to end', async () => {
      const found = await hops();
      return found.length >= all && found.every(({ ended }) => ended !== null) ? found : null;
    });
    t.equal(new Set(after.map(({ id }) => id)).size, after.length, 'no hop twice');
    const passed = after.filter(({ mode }) => mode === 'inspect');
    t.equal(
      passed.length,
      1 + allowed + 1,
      'the record has every connection that was let through, and no other',
    );
    const denied = after.filter(({ mode }) => mode === 'denied');
    t.equal(denied.length, refused, 'and each that was refused');
    for (const { decision } of denied) t.match(decision, { outcome: 'deny', reason: /disk is full/ });
    t.same(
      after.filter((hop) => hop.login !== login),
      [],
      'each is the login’s',
    );

    const { logins } = await ask('tree', { login });
    const processes = logins[0]?.processes ?? [];
    for (const mark of marks)
      t.equal(processes.filter(({ argv }) => argv[1] === mark).length, 1, `${mark} is in the record, once`);
    const images = processes.map(({ pid, startNs, image }) => `${pid} ${startNs} ${image}`);
    t.equal(new Set(images).size, images.length, 'no process twice');
    shell.close();
  });

  t.test('full at the start: hoplined says so', { timeout: 300_000 }, async (t) => {
    await daemon('stop');
    await exec('bastion1', 'sh', '-c', 'rm -f /var/lib/hopline/hopline.db*');
    fill();
    const run = [
      'timeout',
      '30',
      'node',
      '--disable-warning=ExperimentalWarning',
      `${process.cwd()}/src/hoplined.ts`,
    ];
    const { code, err } = await exec('bastion1', ...run);
    t.equal(code, 1);
    t.match(err, /can't start: .*(disk|full|space|ENOSPC)/i);
    rmSync(inside(BALLAST));
    t.equal((await daemon('start')).code, 0, 'and starts when there is room');
  });

  t.test(
    'in observe mode connections go on, and the record says what it lacks',
    { timeout: 60_000 },
    async (t) => {
      t.equal(
        (await exec('bastion1', 'sed', '-i', 's/^mode: .*/mode: observe/', '/etc/hopline/hopline.yaml')).code,
        0,
      );
      t.equal((await hopline('reload')).code, 0);
      const shell = new Shell('alice@bastion1');
      await loginOf(shell);
      fill();
      let full = false;
      for (let n = 0; n < TRIES && !full; n++) {
        t.match(await shell.run(WEB), { code: 0, out: /hello from web1/ });
        full = await isFull();
      }
      t.ok(full, 'the status says that the disk is full');
      t.match(await shell.run(WEB), { code: 0, out: /hello from web1/ }, 'nobody is stopped');
      rmSync(inside(BALLAST));
      await until('the disk to be taken up again', async () => !(await isFull()));
      const found = await hops();
      t.ok(
        found.length >= 2 && found.every(({ mode }) => mode === 'inspect'),
        'what was let through is in the record',
      );
      shell.close();
    },
  );
}
