/** Through the room, statement by statement and all in one message: it has not happened, and the client was told. */
import t from 'tap';
import { startServer } from '../local-server.ts';
import { rig } from '../rig.ts';
import { SCRIPTS } from './scripts.ts';
import { forbids, restore, SCHEMA, stateOf } from './setting.ts';

t.setTimeout(600_000);
const server = startServer();
t.teardown(() => server[Symbol.dispose]());
server.sql(SCHEMA);

/**
 * Data of a copy can't be in the message itself, psql's own argument can't be that long, and a setting that decides how
 * strings are read does so from the next message on.
 */
const fits = (script: string): boolean =>
  script.length < 100_000 && !script.includes('stdin') && !script.includes('standard_conforming_strings');

for (const way of ['statement by statement', 'in one message']) {
  t.test(way, async (t) => {
    const made = await rig(t, server);
    made.deny = forbids;
    for (const [name, script] of Object.entries(SCRIPTS)) {
      const before = stateOf(server);
      const single = way === 'in one message';
      if (single && !fits(script)) continue;
      const { out, err } = await (single
        ? made.psql('', '-c', script)
        : made.psql(`${script};\n`, '-v', 'VERBOSITY=terse'));
      const after = stateOf(server);
      t.equal(after, before, `${name}: nothing has happened`);
      t.match(err, /Hopline: /, `${name}: the client is told`);
      t.notMatch(out, /^boss$/m, name);
      if (after !== before) restore(server);
    }
    t.ok(Object.keys(SCRIPTS).length >= 60, `${Object.keys(SCRIPTS).length} ways`);
  });
}
