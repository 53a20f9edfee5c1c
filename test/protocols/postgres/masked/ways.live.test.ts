/** Through the room with psql: in each way the value is masked or the statement refused, and the client never gets it. */
import t from 'tap';
import { MaskKey } from '../../../../src/masking/key.ts';
import { startServer } from '../local-server.ts';
import { rig } from '../rig.ts';
import { leaked, maskingOf, SCHEMA } from './setting.ts';
import { WAYS } from './ways.ts';
import { WAYS_ROUND } from './ways-round.ts';

t.setTimeout(600_000);
const server = startServer();
t.teardown(() => server[Symbol.dispose]());
server.sql(SCHEMA);
const key = new MaskKey(Buffer.from('0123456789abcdef'));

t.test('psql', async (t) => {
  const made = await rig(t, server);
  made.masking = maskingOf(key);
  for (const { name, sql, sees } of [...WAYS, ...WAYS_ROUND]) {
    const { out, err } = await made.psql(`${sql};`, '-v', 'VERBOSITY=verbose', '-v', 'SHOW_CONTEXT=always');
    const leak = leaked(Buffer.from(out)) ?? leaked(Buffer.from(err.replaceAll(sql, '')));
    if (leak !== null) t.fail(`${name}: ${leak} was seen`, { out, err });
    if (made.ends.at(-1)?.reason) t.comment(`${name}: ${made.ends.at(-1)?.reason}`);
    if (process.env.SHOWN) console.error(`--- ${name}: ${sql}\n${out}${err}`);
    if (sees) t.match(out, sees, `${name}: ${err}`);
    const direct = server.sql('select count(*) from customers');
    if (direct !== '2\n') t.fail(`${name}: the test left ${direct} customers`);
  }
  t.ok(WAYS.length >= 60, `${WAYS.length} ways`);
});
