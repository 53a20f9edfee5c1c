import { spawnSync } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import t from 'tap';
import { openStore } from '../../src/store/open.ts';
import {
  allow,
  answer,
  approval,
  BOOT,
  hop,
  id,
  process as image,
  login,
  T0,
  temporaryStore,
} from './seed.ts';

t.test('nothing that is recorded can be changed or taken away by SQL', async (t) => {
  using s = temporaryStore();
  const { writer } = s.store;
  writer.insertLogin(login({ ended: T0 + 1, revoked: T0 + 2 }));
  writer.insertIdentity(id(0), { at: T0, user: 'alice' });
  writer.insertProcess(image({ exited: T0 + 1 }));
  writer.insertHop(hop({ ended: T0 + 1 }));
  writer.insertHopDial(id(5), { address: '10.77.0.11', port: 40_001 });
  writer.insertHopChild(id(5), { host: 'bastion2', login: id(6), at: T0 });
  writer.insertAction({
    hop: id(5),
    seq: 1,
    kind: 'query',
    at: T0,
    subject: '',
    detail: '{}',
    decision: allow,
  });
  writer.insertActionEnd(id(5), 1, { at: T0 + 1, detail: '{}' });
  writer.insertRecording({ id: 'R-1', hop: id(5), kind: 'rows', file: 'd/R-1.rec', started: T0 });
  writer.insertRecordingEnd('R-1', { at: T0 + 1, bytes: 5, sha256: 'feed', reason: null });
  writer.insertRecordingRemoval('R-1', { at: T0 + 2, reason: 'old' });
  writer.insertApproval(approval());
  writer.insertApprovalAnswer(17, answer());
  writer.insertNotice({ at: T0, kind: 'start', login: null, count: 1, detail: '' });
  writer.insertHandoff({
    kind: 'tmux',
    login: null,
    process: null,
    toLogin: null,
    toPid: 1,
    via: '',
    at: T0,
  });
  const db = new Sqlite(s.path);
  const tables = db
    .prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .pluck()
    .all();
  t.equal(tables.length, 22);
  for (const table of tables) {
    const before = db.prepare(`SELECT * FROM ${table}`).all();
    t.ok(before.length > 0, `${table} has a row to try it on`);
    const columns = Object.keys(before[0] as object);
    t.throws(() => db.exec(`UPDATE ${table} SET "${columns[0]}" = "${columns[0]}"`), /append-only/, table);
    t.throws(() => db.exec(`DELETE FROM ${table}`), /append-only/, table);
    if (table !== '__drizzle_migrations') db.exec(`INSERT OR REPLACE INTO ${table} SELECT * FROM ${table}`);
    const other = columns.map((name) =>
      name === 'at' || name === 'started' ? `"${name}" + 1` : `"${name}"`,
    );
    db.exec(`INSERT OR REPLACE INTO ${table} (rowid, ${columns.map((name) => `"${name}"`).join(', ')})
      SELECT rowid, ${other.join(', ')} FROM ${table}`);
    t.strictSame(db.prepare(`SELECT * FROM ${table}`).all(), before, `${table} is as it was`);
  }
  db.close();
});

t.test('a store of a newer version is refused', async (t) => {
  using s = temporaryStore();
  s.store.close();
  const db = new Sqlite(s.path);
  db.exec("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('feed', 9999999999999)");
  db.close();
  t.throws(() => openStore({ path: s.path, boot: BOOT }), {
    code: 'newer',
    message: /newer Hopline\. Install/,
  });
});

t.test('a failed migration leaves nothing behind', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'store.db');
  const db = new Sqlite(path);
  db.exec('CREATE TABLE notices (x)');
  db.close();
  t.throws(() => openStore({ path, boot: BOOT }));
  const after = new Sqlite(path);
  const tables = after.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all();
  t.strictSame(tables, ['notices']);
  after.close();
});

t.test('how it was left before', async (t) => {
  using s = temporaryStore();
  t.strictSame(s.store.previous, { unclean: false, boot: null, lastWrite: null });
  t.equal(statSync(s.path).mode & 0o777, 0o640);
  s.store.writer.insertLogin(login());
  s.store.close();
  s.store.close();
  const clean = openStore({ path: s.path, boot: BOOT, now: () => T0 + 5 });
  t.match(clean.previous, { unclean: false, boot: BOOT });
  // No close: as after a kill.
  const killed = openStore({ path: s.path, boot: 'another', now: () => T0 + 7 });
  t.match(killed.previous, { unclean: true, boot: BOOT });
  killed.close();
  clean.reader[Symbol.dispose]();
});

t.test('a damaged store is named as such, with what to do', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'store.db');
  writeFileSync(path, 'not a database at all, but long enough to look at '.repeat(100));
  t.throws(() => openStore({ path, boot: BOOT }), { code: 'corrupt', message: /Keep it as evidence/ });
  t.throws(() => openStore({ path: join(dir, 'none', 'store.db'), boot: BOOT }), {
    code: 'open',
    message: /cannot open the store/,
  });
});

t.test('recovery: what was running, what had not ended', async (t) => {
  using s = temporaryStore();
  const { writer } = s.store;
  writer.batch(() => {
    writer.insertLogin(login());
    writer.insertLogin(login({ id: id(1), ended: T0 + 2, lingering: true }));
    writer.insertLogin(login({ id: id(2), ended: T0 + 2, lingering: false }));
    for (const n of [0, 1, 2]) {
      writer.insertProcess(image({ id: 10 + n, login: id(n) }));
      writer.insertProcess(image({ id: 20 + n, login: id(n), pid: 5, exited: T0 + 1 }));
      writer.insertHop(hop({ id: id(30 + n), login: id(n), ended: n === 0 ? T0 + 9 : null }));
    }
  });
  s.store.close();
  const again = openStore({ path: s.path, boot: BOOT });
  const { reader } = again;
  const sorted = (ids: string[]) => ids.toSorted();
  t.strictSame(sorted(reader.openLogins().map((one) => one.id)), [id(0), id(1)]);
  t.strictSame(
    reader
      .liveProcesses()
      .map((one) => one.id)
      .toSorted(),
    [10, 11],
  );
  t.strictSame(
    reader.unendedHops().map((one) => one.id),
    [id(31), id(32)],
  );
  t.equal(reader.maxProcessId(), 22);
  again.writer.insertHopEnd(id(31), { at: T0 + 9, bytesUp: null, bytesDown: null, reason: 'daemon stopped' });
  again.close();
  const rebooted = openStore({ path: s.path, boot: 'another' });
  t.strictSame(rebooted.reader.openLogins(), [], 'nothing of another boot runs');
  t.strictSame(rebooted.reader.liveProcesses(), []);
  t.strictSame(sorted(rebooted.reader.staleLogins().map((one) => one.id)), [id(0), id(1)]);
  t.strictSame(
    rebooted.reader.unendedHops().map((one) => one.id),
    [id(32)],
  );
  t.equal(rebooted.reader.login(id(1)).lingering, false);
  rebooted.close();
});

const rootOnly = process.getuid?.() === 0 ? {} : { skip: 'mounting a small file system needs root' };

t.test('a full disk is told by name and keeps nothing of the batch', rootOnly, async (t) => {
  const script = join(import.meta.dirname, 'full-disk.ts');
  const small = t.testdir();
  const run = spawnSync(
    'unshare',
    [
      '-m',
      'sh',
      '-c',
      `mount -t tmpfs -o size=1m none "$1" && exec "$2" "$3" "$1/store.db"`,
      'sh',
      small,
      process.execPath,
      script,
    ],
    { encoding: 'utf8' },
  );
  t.equal(run.stderr, '');
  t.strictSame(JSON.parse(run.stdout), {
    first: 'StoreFullError full',
    after: 'StoreFullError full',
    outside: 'StoreFullError full',
    counted: 0,
    written: true,
  });
});
