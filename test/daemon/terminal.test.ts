/** Where a refusal is told, to whom, and how often. */
import { chownSync, readFileSync } from 'node:fs';
import { mock } from 'node:test';
import { type IPty, spawn } from 'node-pty';
import t, { type Test } from 'tap';
import { Terminals } from '../../src/daemon/terminal.ts';

const ROOT = { id: 'A', uid: process.getuid?.() ?? 0, tty: null, ended: null };
const NOBODY = { pid: 5_000_000, startNs: 1n, uid: 2001 };

/** A program with a terminal, which shows what is written on it. */
class Shell {
  shown = '';
  readonly #pty: IPty;
  #until: { pattern: RegExp; seen(): void } | null = null;

  constructor(t: Test) {
    this.#pty = spawn('/bin/sh', ['-c', 'echo up; exec sleep 60'], { cols: 80, rows: 24 });
    t.teardown(() => this.#pty.kill('SIGKILL'));
    this.#pty.onData((data) => {
      this.shown += data;
      if (this.#until?.pattern.test(this.shown)) this.#until.seen();
    });
  }

  sees(pattern: RegExp): Promise<void> {
    return new Promise((seen) => {
      if (pattern.test(this.shown)) seen();
      else this.#until = { pattern, seen };
    });
  }

  get image() {
    const stat = readFileSync(`/proc/${this.#pty.pid}/stat`, 'utf8');
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    return { pid: this.#pty.pid, startNs: BigInt(ticks) * 10_000_000n, uid: ROOT.uid };
  }
}

async function shell(t: Test): Promise<Shell> {
  const shell = new Shell(t);
  await shell.sees(/up\r\n$/);
  return shell;
}

t.test('a reason is written on the terminal of the process, and the terminal obeys none of it', async (t) => {
  const on = await shell(t);
  const terminals = new Terminals();
  const tell = async (text: string) => {
    on.shown = '';
    const tty = terminals.tell(on.image, ROOT, text);
    await on.sees(/hopline: [^\n]*\n$/);
    return tty;
  };
  t.match(await tell('db:5432 refused: größe 漢字'), /^\/dev\/pts\/\d+$/);
  t.match(on.shown, 'hopline: db:5432 refused: größe 漢字');
  await tell(`\u001b[2J\u001b]0;t\u0007 \u009b31m\r\n a\u202eb\u2066 \ue000 \ud800 ${'x'.repeat(2000)}`);
  const line = on.shown.trim();
  t.notMatch(line, /[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/u);
  t.match(line, /^hopline: �\[2J�\]0;t� �31m�� a�b� � � x+$/);
  t.equal(line.length, 'hopline: '.length + 500);
  const tty = await tell('again');
  t.equal(terminals.tell(on.image, ROOT, 'again'), tty, 'the same within a second is written once');
  await tell('other');
  t.notMatch(on.shown, 'again');
});

t.test("a terminal that is not the login's is not written on", async (t) => {
  const [on, later] = [await shell(t), await shell(t)];
  const terminals = new Terminals();
  const tty = terminals.tell(on.image, ROOT, 'first') ?? '';
  await on.sees(/first/);
  chownSync(tty, 2002, -1);
  t.equal(terminals.tell(on.image, ROOT, 'second'), tty);
  t.equal(
    terminals.tell(NOBODY, { ...ROOT, id: 'B', tty }, 'third'),
    tty,
    "the login's own, given out again",
  );
  terminals.tell(later.image, { ...ROOT, id: 'C' }, 'fourth');
  await later.sees(/fourth/);
  chownSync(tty, ROOT.uid, -1);
  terminals.tell(on.image, { ...ROOT, id: 'D' }, 'fifth');
  await on.sees(/fifth/);
  t.notMatch(on.shown, /second|third/);
});

t.test('a process without a terminal has that of its login, while the session lasts', async (t) => {
  const written: string[] = [];
  const terminals = new Terminals(({ path, owners }, text) => written.push(`${path} ${owners} ${text}`));
  const login = { id: 'A', uid: 2001, tty: '/dev/pts/7', ended: null };
  t.equal(terminals.tell(NOBODY, login, 'open'), '/dev/pts/7');
  t.equal(terminals.tell(NOBODY, { ...login, ended: 5 }, 'over'), null);
  t.equal(terminals.tell(NOBODY, { ...login, uid: null }, 'whose'), '/dev/pts/7');
  t.same(written, ['/dev/pts/7 2001 open', '/dev/pts/7  whose'], 'of nobody known, nobody is an owner');
  const { image } = await shell(t);
  const reused = { ...image, startNs: image.startNs - 50_000_000n };
  t.equal(terminals.tell(reused, { ...login, tty: null }, 'x'), null, 'a pid that is another process now');
});

t.test('a login is told five things in ten seconds, and then how many more there were', async (t) => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  t.teardown(() => mock.timers.reset());
  const written: string[] = [];
  const terminals = new Terminals((_, text) => written.push(text));
  const login = { id: 'A', uid: 2001, tty: '/dev/pts/7', ended: null };
  const tell = (from: number, to: number, id = 'A') => {
    for (let n = from; n < to; n++) terminals.tell(NOBODY, { ...login, id }, `${n}`);
  };
  tell(0, 40);
  t.same(written.splice(0), ['0', '1', '2', '3', '4']);
  tell(0, 2, 'B');
  t.same(written.splice(0), ['0', '1'], "another login's are another's");
  mock.timers.tick(9_999);
  t.same(written, []);
  mock.timers.tick(1);
  t.same(written.splice(0), ['and 35 more: hopline hops --denied']);
  tell(40, 42);
  t.same(written.splice(0), ['40', '41']);
  mock.timers.tick(60_000);
  t.same(written, [], 'nothing more, nothing said');
});

t.test('where there is no terminal, nothing is opened', async (t) => {
  const terminals = new Terminals();
  const at = (tty: string | null) => terminals.tell(NOBODY, { ...ROOT, tty }, 'x');
  t.equal(at(null), null);
  const wrong = [
    '/etc/passwd',
    '/dev/sda',
    '/dev/pts/../../etc/passwd',
    '/dev/pts/1x',
    'pts/1',
    '/dev/ttyS0\n',
  ];
  for (const path of wrong) t.equal(at(path), null, path);
  t.equal(at('/dev/pts/999999'), '/dev/pts/999999', 'one that has gone does no harm');
});
