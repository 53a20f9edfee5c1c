/** The same ways by the extended protocol: with and without Describe, in text and in binary, in cursors and batches. */
import t, { type Test } from 'tap';
import { MaskKey } from '../../../../src/masking/key.ts';
import {
  bind,
  copyData,
  describe,
  execute,
  flush,
  functionCall,
  parse,
  query,
  sync,
} from '../../../../src/protocols/postgres/encode-frontend.ts';
import type { BackendMessage, Format } from '../../../../src/protocols/postgres/messages.ts';
import { PROTOCOL_3_0 } from '../../../../src/protocols/postgres/startup.ts';
import type { Writer } from '../../../../src/protocols/postgres/writer.ts';
import { startServer } from '../local-server.ts';
import { openRaw, type Raw, sum } from '../raw.ts';
import { rig } from '../rig.ts';
import { valuesOf } from '../wire.ts';
import { leaked, maskingOf, SCHEMA } from './setting.ts';
import { WAYS } from './ways.ts';

t.setTimeout(300_000);
const server = startServer();
t.teardown(() => server[Symbol.dispose]());
server.sql(SCHEMA);
const key = new MaskKey(Buffer.from('0123456789abcdef'));

async function opened(t: Test, masking = maskingOf(key)): Promise<Raw & { readonly bytes: () => Buffer }> {
  const made = await rig(t, server);
  made.masking = masking;
  const chunks: Buffer[] = [];
  const raw = openRaw(made.port, PROTOCOL_3_0, [{ name: 'database', value: 'postgres' }]);
  raw.socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  t.teardown(() => raw.socket.destroy());
  await raw.until('ReadyForQuery');
  return { ...raw, bytes: () => Buffer.concat(chunks.splice(0)) };
}

function rowsOf(messages: readonly BackendMessage[]): (string | null)[][] {
  return messages.flatMap((message) =>
    message.name === 'DataRow'
      ? [valuesOf(message.columns).map((value) => value?.toString('latin1') ?? null)]
      : [],
  );
}

function batch(sql: string, format: Format, described: boolean, rows = 0) {
  return (out: Writer): void => {
    parse(out, '', sql);
    bind(out, { portal: '', statement: '', resultFormats: [format] });
    if (described) describe(out, 'P', '');
    execute(out, '', rows);
    sync(out);
  };
}

for (const format of [0, 1] as const)
  for (const described of [true, false])
    t.test(
      `each way, ${format ? 'binary' : 'text'}, ${described ? 'with' : 'without'} Describe`,
      async (t) => {
        const session = await opened(t);
        let run = 0;
        for (const { name, sql } of WAYS) {
          for (const statement of sql.split(/\\?; */)) {
            session.send(batch(statement, format, described));
            await session.until('ReadyForQuery');
            const leak = leaked(session.bytes());
            if (leak !== null) t.fail(`${name}: ${leak} was seen of ${statement}`);
            run += 1;
          }
          session.send((out) => query(out, 'rollback; set search_path = public; close all; deallocate all'));
          await session.until('ReadyForQuery');
        }
        t.ok(run > 100, `${run} statements`);
      },
    );

t.test('what is not masked is as it is', async (t) => {
  const session = await opened(t);
  session.send(batch('select id, name, card from customers order by id', 1, false));
  const messages = await session.until('ReadyForQuery');
  t.equal(sum(messages), 'ParseComplete BindComplete DataRow DataRow CommandComplete ReadyForQuery');
  t.same(rowsOf(messages), [
    ['\0\0\0\x01', 'Anna', '***1111'],
    ['\0\0\0\x02', 'Bert', '***5559'],
  ]);
});

t.test('a portal in pieces', async (t) => {
  const session = await opened(t);
  session.send((out) => {
    parse(out, 's', 'select card from customers order by id');
    bind(out, { portal: 'p', statement: 's' });
    execute(out, 'p', 1);
    execute(out, 'p', 1);
    execute(out, 'p', 1);
    sync(out);
  });
  const messages = await session.until('ReadyForQuery');
  t.same(rowsOf(messages), [['***1111'], ['***5559']]);
  t.equal(
    sum(messages),
    'ParseComplete BindComplete DataRow PortalSuspended DataRow PortalSuspended CommandComplete ReadyForQuery',
  );
});

t.test('a prepared statement is shown as names mean when it is bound', async (t) => {
  const session = await opened(t);
  session.send((out) => {
    parse(out, 's', 'select card from customers order by id');
    sync(out);
  });
  await session.until('ReadyForQuery');
  for (const [path, want] of [
    ['other', [['no-secret']]],
    ['public', [['***1111'], ['***5559']]],
  ] as const) {
    session.send((out) => query(out, `set search_path = ${path}`));
    await session.until('ReadyForQuery');
    session.send((out) => {
      bind(out, { portal: '', statement: 's' });
      execute(out, '');
      sync(out);
    });
    t.same(rowsOf(await session.until('ReadyForQuery')), want, path);
  }
});

t.test('a portal stays as it was when it was made', async (t) => {
  const session = await opened(t);
  session.send((out) => query(out, 'begin'));
  await session.until('ReadyForQuery');
  session.send((out) => {
    parse(out, '', 'select card from customers order by id');
    bind(out, { portal: 'kept', statement: '' });
    sync(out);
  });
  await session.until('ReadyForQuery');
  session.send((out) => query(out, 'set local search_path = other'));
  await session.until('ReadyForQuery');
  session.send((out) => {
    execute(out, 'kept');
    sync(out);
  });
  t.same(rowsOf(await session.until('ReadyForQuery')), [['***1111'], ['***5559']]);
  session.send((out) => query(out, 'commit'));
  await session.until('ReadyForQuery');
});

t.test('in one batch, what changes names makes what follows unknown', async (t) => {
  const session = await opened(t);
  session.send((out) => {
    for (const sql of ['set search_path = other', 'select card from customers', 'set search_path = public']) {
      parse(out, '', sql);
      bind(out, { portal: '', statement: '' });
      execute(out, '');
    }
    sync(out);
  });
  const messages = await session.until('ReadyForQuery');
  t.equal(
    sum(messages),
    'ParseComplete BindComplete CommandComplete ParseComplete ErrorResponse ReadyForQuery',
  );
  t.equal(leaked(session.bytes()), null);
});

t.test('queries sent without waiting', async (t) => {
  const session = await opened(t);
  session.send((out) => {
    query(out, 'set search_path = other');
    query(out, 'select card from customers');
    query(out, 'set search_path = public');
    query(out, 'select card from customers order by id');
  });
  const seen: BackendMessage[] = [];
  for (let n = 0; n < 4; n += 1) seen.push(...(await session.until('ReadyForQuery')));
  t.same(rowsOf(seen), [['no-secret'], ['***1111'], ['***5559']]);
});

t.test('a batch without Sync is answered all the same', async (t) => {
  const session = await opened(t);
  session.send(batch('select 1', 0, false));
  await session.until('ReadyForQuery');
  session.send((out) => {
    parse(out, '', 'select card from customers order by id');
    bind(out, { portal: '', statement: '' });
    execute(out, '');
    flush(out);
  });
  t.same(rowsOf(await session.until('CommandComplete')), [['***1111'], ['***5559']]);
  session.send((out) => sync(out));
  await session.until('ReadyForQuery');
});

t.test('functions by number', async (t) => {
  const session = await opened(t);
  session.send((out) => query(out, "select 'dynamic'::regproc::oid"));
  const [[oid]] = rowsOf(await session.until('ReadyForQuery')) as [[string]];
  session.send((out) =>
    functionCall(out, {
      objectId: Number(oid),
      argumentFormats: [0],
      arguments: [Buffer.from('1')],
      resultFormat: 0,
    }),
  );
  t.match(sum(await session.until('ReadyForQuery')), /^ErrorResponse/);
  t.equal(leaked(session.bytes()), null);
});

t.test('copy in goes on', async (t) => {
  const session = await opened(t);
  session.send((out) => query(out, 'copy copies from stdin'));
  await session.until('CopyInResponse');
  session.send((out) => {
    copyData(out, Buffer.from('1\tx\n'));
    out.begin('c'.charCodeAt(0)).end();
  });
  t.match(sum(await session.until('ReadyForQuery')), /CommandComplete/);
});
