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
