/** A store that an earlier version made is read on, and written on. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import t from 'tap';
import { migrate } from '../../src/store/migrate.ts';
import { openStore } from '../../src/store/open.ts';
import { BOOT, hop, id, login, T0 } from './seed.ts';

const MIGRATIONS = new URL('../../src/store/migrations', import.meta.url).pathname;

t.test('hops of the first tables have no source, those that come have', async (t) => {
  const dir = t.testdir();
  cpSync(MIGRATIONS, join(dir, 'first'), { recursive: true });
  const journal = join(dir, 'first/meta/_journal.json');
  const whole = JSON.parse(readFileSync(journal, 'utf8')) as { entries: unknown[] };
  writeFileSync(journal, JSON.stringify({ ...whole, entries: whole.entries.slice(0, 2) }));
  const path = join(dir, 'store.db');
  const db = new Sqlite(path);
  migrate(db, join(dir, 'first'));
  db.exec(`INSERT INTO hops (id, chain, transport, protocol, address, port, started, mode)
    VALUES ('${id(1)}', '[]', 'tcp', 'tcp', '10.77.0.20', 5432, ${T0}, 'direct')`);
  db.exec(`INSERT INTO decisions (hop, action, at, outcome, policies, reason, observed, errors, version)
    VALUES ('${id(1)}', 0, ${T0}, 'allow', '[]', 'direct', 0, '[]', 'v1')`);
  db.close();
  using store = openStore({ path, boot: BOOT });
  store.writer.insertLogin(login());
  store.writer.insertHop(hop({ id: id(2), mode: 'direct', source: { address: 'fd77::11', port: 40_001 } }));
  store.writer.insertHop(hop({ id: id(3), source: null }));
  t.same(
    store.reader.unendedHops().map(({ id, source }) => [id, source]),
    [
      [id(1), null],
      [id(2), { address: 'fd77::11', port: 40_001 }],
      [id(3), null],
    ],
  );
});

t.test('recordings of hops stay, with their ends, and logins have some', async (t) => {
  const dir = t.testdir();
  cpSync(MIGRATIONS, join(dir, 'first'), { recursive: true });
  const journal = join(dir, 'first/meta/_journal.json');
  const whole = JSON.parse(readFileSync(journal, 'utf8')) as { entries: unknown[] };
  writeFileSync(journal, JSON.stringify({ ...whole, entries: whole.entries.slice(0, 8) }));
  const path = join(dir, 'store.db');
  const db = new Sqlite(path);
  db.pragma('foreign_keys = ON');
  migrate(db, join(dir, 'first'));
  db.exec(
    `INSERT INTO logins (id, boot, host, kind, started, recovered) VALUES ('${id(9)}', '${BOOT}', 'b', 'ssh', ${T0}, 0)`,
  );
  db.exec(`INSERT INTO hops (id, login, chain, transport, protocol, address, port, started, mode)
    VALUES ('${id(1)}', '${id(9)}', '[]', 'tcp', 'ssh', '10.77.0.20', 22, ${T0}, 'inspect')`);
  db.exec(`INSERT INTO decisions (hop, action, at, outcome, policies, reason, observed, errors, version)
    VALUES ('${id(1)}', 0, ${T0}, 'allow', '[]', '', 0, '[]', 'v1')`);
  db.exec(
    `INSERT INTO recordings (id, hop, kind, file, started) VALUES ('${id(1)}-1', '${id(1)}', 'terminal', 'f', ${T0})`,
  );
  db.exec(
    `INSERT INTO recording_ends (recording, at, bytes, sha256) VALUES ('${id(1)}-1', ${T0 + 1}, 5, 'feed')`,
  );
  db.close();
  using store = openStore({ path, boot: BOOT });
  const { writer, reader } = store;
  writer.insertRecording({ id: `${id(9)}-1`, login: id(9), kind: 'terminal', file: 'g', started: T0 + 2 });
  t.match(reader.recordings(), [
    { id: `${id(9)}-1`, hop: null, login: id(9), ended: null },
    { id: `${id(1)}-1`, hop: id(1), login: id(9), ended: T0 + 1, sha256: 'feed' },
  ]);
  t.equal(reader.recordings({ login: id(9) }).length, 2);
  t.same(reader.tree({ login: id(9) }).logins[0]?.recordings, [`${id(9)}-1`]);
  t.equal(reader.recording(`${id(9)}-1`).hop, null);
  t.equal(reader.loginRecordings(id(9)), 1);
  const bare = new Sqlite(path);
  bare.pragma('foreign_keys = ON');
  t.same(bare.pragma('foreign_key_check'), []);
  t.throws(() => bare.exec('DELETE FROM recordings'), /append-only/);
  t.throws(() => bare.exec("INSERT INTO recording_ends VALUES ('nope', 1, 1, '', null)"), /FOREIGN KEY/);
  bare.close();
});
