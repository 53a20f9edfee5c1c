/** What a person may not see is not in the recording of what they saw, whichever way they asked for it. */
import t from 'tap';
import { MaskKey } from '../../../../src/masking/key.ts';
import { RowReplayer } from '../../../../src/protocols/postgres/recorded/replay.ts';
import { startServer } from '../local-server.ts';
import { leaked, maskingOf, SCHEMA } from '../masked/setting.ts';
import { WAYS } from '../masked/ways.ts';
import { WAYS_ROUND } from '../masked/ways-round.ts';
import { rig } from '../rig.ts';

t.setTimeout(300_000);
const server = startServer();
t.teardown(() => server[Symbol.dispose]());
server.sql(SCHEMA);

t.test('psql, in all the ways, with every row recorded', async (t) => {
  const made = await rig(t, server);
  made.masking = maskingOf(new MaskKey(Buffer.from('0123456789abcdef')));
  made.recordings.kept = Number.POSITIVE_INFINITY;
  let rows = 0;
  for (const { name, sql } of [...WAYS, ...WAYS_ROUND]) {
    const before = made.recordings.all.length;
    await made.psql(`${sql};`);
    const replayer = new RowReplayer();
    const records = await made.recordings.records();
    for (const record of records) {
      const leak = leaked(record.bytes);
      if (leak !== null) t.fail(`${name}: ${leak} was recorded`);
      for (const event of replayer.push(record)) if (event.type === 'row') rows += 1;
    }
    made.recordings.all.length = 0;
    t.ok(before === 0);
  }
  t.ok(rows > 50, `${rows} rows were recorded`);
});

t.test('the first rows of a masked result, and one that is masked in binary', async (t) => {
  const made = await rig(t, server);
  made.masking = maskingOf(new MaskKey(Buffer.from('0123456789abcdef')));
  made.recordings.kept = 1;
  const client = await made.client();
  await client.query({ text: 'select id, card from customers order by id', binary: true } as never);
  await client.query('select id, card from customers where id = $1', [2]);
  const replayer = new RowReplayer();
  const rows = (await made.recordings.records())
    .flatMap((record) => [...replayer.push(record)])
    .flatMap((event) => (event.type === 'row' ? [event.values] : []));
  t.same(rows, [
    ['1', '***1111'],
    ['2', '***5559'],
  ]);
  t.match(made.recorded, [{ result: { rows: 2, recorded: 1 } }, { result: { rows: 1, recorded: 1 } }]);
});
