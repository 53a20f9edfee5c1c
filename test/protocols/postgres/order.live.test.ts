/** Each answer is laid to the statement that it answers, whatever the server passed over. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import t, { type Test } from 'tap';
import { MaskKey } from '../../../src/masking/key.ts';
import {
  bind,
  copyData,
  copyDone,
  copyFail,
  execute,
  flush,
  functionCall,
  parse,
  query,
  sync,
} from '../../../src/protocols/postgres/encode-frontend.ts';
import { errorReport } from '../../../src/protocols/postgres/error-fields.ts';
import type { BackendMessage } from '../../../src/protocols/postgres/messages.ts';
import { PROTOCOL_3_0 } from '../../../src/protocols/postgres/startup.ts';
import { UTF8 } from '../../../src/protocols/postgres/text.ts';
import type { Writer } from '../../../src/protocols/postgres/writer.ts';
import { startServer } from './local-server.ts';
import { maskingOf, SCHEMA } from './masked/setting.ts';
import { openRaw, type Raw } from './raw.ts';
import { type Rig, rig } from './rig.ts';

t.setTimeout(120_000);
const server = startServer();
t.teardown(() => server[Symbol.dispose]());
server.sql(SCHEMA);
server.sql('create table taken (n int primary key, v text)');
const key = new MaskKey(Buffer.from('0123456789abcdef'));
const DATABASE = [{ name: 'database', value: 'postgres' }];

function shown(messages: readonly BackendMessage[]): string {
  return messages
    .map((message) => {
      if (message.name === 'ErrorResponse') return `error ${errorReport(message.fields, UTF8).code}`;
      if (message.name !== 'DataRow') return message.name;
      return `row ${message.columns.value(0)?.toString()}`;
    })
    .join(', ');
}

interface Session {
  readonly made: Rig;
  readonly raw: Raw;
  ask(sql: string): Promise<string>;
}

async function masked(t: Test, masks = true): Promise<Session> {
  const made = await rig(t, server);
  if (masks) made.masking = maskingOf(key);
  const raw = openRaw(made.port, PROTOCOL_3_0, DATABASE);
  await raw.until('ReadyForQuery');
  const ask = async (sql: string): Promise<string> => {
    raw.send((out) => query(out, sql));
    return shown(await raw.until('ReadyForQuery'));
  };
  // What there is in the database is known from here on.
  await ask('select 1');
  return { made, raw, ask };
}

const CARD = 'select card from customers where id = 1';
const SHOWN = /^RowDescription, row (?:\*\*\*|411111111111)1111, CommandComplete, ReadyForQuery$/;

/** The next answer is the next statement's, and everything that began has ended. */
async function inOrder(t: Test, { made, ask }: Session): Promise<void> {
  t.match(await ask(CARD), SHOWN);
  if (made.masking !== null) t.match(await ask(CARD), '***1111');
  t.equal(await ask('select 7'), 'RowDescription, row 7, CommandComplete, ReadyForQuery');
  t.match(await ask(CARD), SHOWN);
  for (const { detail, result } of made.recorded.slice(-3))
    t.match(result, { tag: 'SELECT 1' }, String(detail.statement));
  t.ok(
    made.recorded.every(({ result }) => result !== null),
    'each has its end',
  );
}

const portal = (out: Writer, sql: string): void => {
  parse(out, '', sql);
  bind(out, { portal: '', statement: '' });
  execute(out, '');
};

t.test('what comes after an error is passed over up to Sync, simple queries too', async (t) => {
  const session = await masked(t);
  const { made, raw } = session;
  raw.send((out) => {
    parse(out, '', 'selec');
    flush(out);
  });
  t.equal(shown(await raw.until('ErrorResponse')), 'error 42601');
  raw.send((out) => {
    query(out, 'select 1');
    portal(out, 'select 2');
    functionCall(out, { objectId: 1299, argumentFormats: [], arguments: [], resultFormat: 0 });
    query(out, 'begin');
    sync(out);
  });
  t.equal(shown(await raw.until('ReadyForQuery')), 'ReadyForQuery');
  t.match(
    made.recorded
      .filter(({ result }) => result?.error === 'skipped after an error')
      .map(({ subject }) => subject),
    ['select', 'begin'],
  );
  await inOrder(t, session);
});

t.test('and what was sent together with what fails', async (t) => {
  const session = await masked(t);
  const { raw } = session;
  raw.send((out) => {
    portal(out, 'select 1 / (n - 1) from generate_series(1, 1) n');
    query(out, 'select 1');
    portal(out, 'select 2');
    sync(out);
    query(out, 'select 3');
  });
  t.equal(shown(await raw.until('ReadyForQuery')), 'ParseComplete, BindComplete, error 22012, ReadyForQuery');
  t.equal(shown(await raw.until('ReadyForQuery')), 'RowDescription, row 3, CommandComplete, ReadyForQuery');
  await inOrder(t, session);
});

t.test('a copy from the client passes over Sync and Flush', async (t) => {
  for (const early of [true, false]) {
    const session = await masked(t);
    const { raw } = session;
    raw.send((out) => {
      portal(out, 'copy taken from stdin');
      if (early) sync(out);
      flush(out);
    });
    t.equal(shown(await raw.until('CopyInResponse')), 'ParseComplete, BindComplete, CopyInResponse');
    raw.send((out) => {
      copyData(out, Buffer.from('1\ta\n'));
      sync(out);
      flush(out);
      copyData(out, Buffer.from('2\tb\n'));
      copyDone(out);
      sync(out);
    });
    t.equal(shown(await raw.until('ReadyForQuery')), 'CommandComplete, ReadyForQuery');
    await inOrder(t, session);
    t.equal(server.sql('with t as (delete from taken returning *) select count(*) from t'), '2\n');
  }
});

t.test('a copy whose data is sent before anything is answered', async (t) => {
  const session = await masked(t, false);
  const { raw } = session;
  raw.send((out) => {
    query(out, 'copy taken from stdin; copy taken from stdin; select 5');
    sync(out);
    copyData(out, Buffer.from('1\ta\n'));
    copyDone(out);
    sync(out);
    copyData(out, Buffer.from('2\tb\n'));
    copyDone(out);
    query(out, 'select 6');
  });
  t.equal(
    shown(await raw.until('ReadyForQuery')),
    'CopyInResponse, CommandComplete, CopyInResponse, CommandComplete, RowDescription, row 5, CommandComplete, ReadyForQuery',
  );
  t.equal(shown(await raw.until('ReadyForQuery')), 'RowDescription, row 6, CommandComplete, ReadyForQuery');
  await inOrder(t, session);
  t.equal(server.sql('with t as (delete from taken returning *) select count(*) from t'), '2\n');
});

t.test('a copy that fails: before its data, within it, at its end, by the client’s will', async (t) => {
  for (const simple of [true, false]) {
    const session = await masked(t);
    const { raw, made } = session;
    const begun = (sql: string, ...then: ((out: Writer) => void)[]) =>
      raw.send((out) => {
        if (simple) query(out, sql);
        else portal(out, sql);
        for (const write of then) write(out);
        if (!simple) sync(out);
      });
    const data = (text: string) => (out: Writer) => copyData(out, Buffer.from(text));
    begun('copy missing from stdin', data('1\ta\n'), copyDone);
    t.match(shown(await raw.until('ReadyForQuery')), /error 42P01, ReadyForQuery$/);
    begun('copy taken from stdin', data('x\ta\n'), data('2\ta\n'), copyDone);
    t.match(shown(await raw.until('ReadyForQuery')), /CopyInResponse, error 22P02, ReadyForQuery$/);
    begun('copy taken from stdin', data('1\ta\n'), data('1\ta\n'), copyDone);
    t.match(shown(await raw.until('ReadyForQuery')), /CopyInResponse, error 23505, ReadyForQuery$/);
    begun('copy taken from stdin', data('1\ta\n'), (out) => copyFail(out, 'enough'));
    t.match(shown(await raw.until('ReadyForQuery')), /CopyInResponse, error 57014, ReadyForQuery$/);
    // What the server is not asked for it passes over.
    raw.send((out) => {
      copyData(out, Buffer.from('9\ta\n'));
      copyDone(out);
    });
    await inOrder(t, session);
    made.deny = ({ tables }) => ((tables as string[]).includes('copies') ? 'no' : null);
    begun('copy copies from stdin', data('1\ta\n'), copyDone);
    t.match(shown(await raw.until('ReadyForQuery')), /error 42501, ReadyForQuery$/);
    if (simple) {
      begun('copy taken from stdin; copy copies from stdin', data('1\ta\n'), copyDone);
      t.match(shown(await raw.until('ReadyForQuery')), /CopyInResponse, CommandComplete, error 42501, Read/);
    }
    t.equal(server.sql('select count(*) from taken'), '0\n');
    await inOrder(t, session);
  }
});

t.test('a portal that failed is another statement the next time', async (t) => {
  const { made, raw } = await masked(t);
  raw.send((out) => {
    query(out, 'begin');
    query(out, 'declare c cursor with hold for select 1/(2 - n) from generate_series(1, 3) n');
  });
  await raw.until('ReadyForQuery');
  await raw.until('ReadyForQuery');
  raw.send((out) => {
    query(out, 'savepoint s');
    execute(out, 'c', 1);
    execute(out, 'c', 1);
    sync(out);
  });
  await raw.until('ReadyForQuery');
  t.equal(shown(await raw.until('ReadyForQuery')), 'row 1, PortalSuspended, error 22012, ReadyForQuery');
  made.deny = () => 'not any more';
  raw.send((out) => {
    execute(out, 'c', 1);
    sync(out);
  });
  t.equal(shown(await raw.until('ReadyForQuery')), 'error 25P02, ReadyForQuery');
  t.match(made.recorded.at(-1), { result: { error: 'denied' } });
});

t.test('a long message’s names are read in the session’s encoding', async (t) => {
  const { raw, ask } = await masked(t);
  await ask("set client_encoding = 'LATIN1'");
  const [other, same] = [Buffer.from('Ã©', 'latin1'), Buffer.from('é', 'latin1')];
  raw.send((out) => {
    parse(out, other, 'select card from customers where $1::text is not null');
    parse(out, same, 'select $1::text');
    sync(out);
  });
  await raw.until('ReadyForQuery');
  raw.send((out) => {
    bind(out, { portal: '', statement: other, parameters: [Buffer.alloc(2_000_000, 'x')] });
    execute(out, '');
    sync(out);
  });
  t.equal(
    shown(await raw.until('ReadyForQuery')),
    'BindComplete, row ***1111, row ***5559, CommandComplete, ReadyForQuery',
  );
});

t.test('data that no statement asked for ends the connection', async (t) => {
  const liar = createServer((socket) => {
    socket.once('data', () => {
      socket.write(Buffer.from('520000000800000000' + '5a0000000549', 'hex'));
      socket.once('data', () => socket.write(Buffer.from('470000000700' + '0000', 'hex')));
    });
    socket.on('error', () => {});
  });
  liar.listen(0, '127.0.0.1');
  await once(liar, 'listening');
  t.teardown(() => liar.close());
  const address = liar.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const made = await rig(t, { port: address.port }, { mode: 'disable', ca: null, serverName: null });
  const raw = openRaw(made.port, PROTOCOL_3_0, DATABASE);
  await raw.until('ReadyForQuery');
  raw.send((out) => query(out, 'select 1'));
  await raw.until('ErrorResponse');
  if (made.ends.length === 0) await once(raw.socket, 'close');
  t.match(made.recorded, [{ subject: 'select' }]);
});
