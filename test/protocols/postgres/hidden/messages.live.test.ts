/** Ways to hide it in the protocol: in the order of messages, in names, in encodings, before the session begins. */
import t, { type Test } from 'tap';
import {
  bind,
  close,
  copyData,
  copyDone,
  describe,
  execute,
  flush,
  functionCall,
  parse,
  query,
  sync,
} from '../../../../src/protocols/postgres/encode-frontend.ts';
import { errorReport } from '../../../../src/protocols/postgres/error-fields.ts';
import type { BackendMessage } from '../../../../src/protocols/postgres/messages.ts';
import { PROTOCOL_3_0, PROTOCOL_3_2 } from '../../../../src/protocols/postgres/startup.ts';
import { UTF8 } from '../../../../src/protocols/postgres/text.ts';
import { Writer } from '../../../../src/protocols/postgres/writer.ts';
import { startServer } from '../local-server.ts';
import { openRaw, type Raw } from '../raw.ts';
import { type Rig, rig } from '../rig.ts';
import { forbids, restore, SCHEMA, stateOf } from './setting.ts';

t.setTimeout(300_000);
const server = startServer();
t.teardown(() => server[Symbol.dispose]());
server.sql(SCHEMA);

type Parameters = readonly { readonly name: string; readonly value: string }[];
type Send = (write: (out: Writer) => void) => void;
const DATABASE: Parameters = [{ name: 'database', value: 'postgres' }];
const DROP = 'drop table precious';

const portal = (out: Writer, sql: string | Buffer, statement = '', name = ''): void => {
  parse(out, statement, sql);
  bind(out, { portal: name, statement });
  execute(out, name);
};

/** All messages until the connection is quiet: it has answered a last, harmless query, or ended. */
async function rest(raw: Raw, send: Send): Promise<BackendMessage[]> {
  const all: BackendMessage[] = [];
  send((out) => {
    sync(out);
    query(out, 'rollback');
    query(out, "select 'the last one' as last");
  });
  for (;;) {
    const some = await raw.until('ReadyForQuery').catch((error: Error) => error);
    if (some instanceof Error) return [...all, { name: 'ErrorResponse', fields: [] }];
    all.push(...some);
    const said = some.some(
      (message) => message.name === 'DataRow' && message.columns.value(0)?.toString() === 'the last one',
    );
    if (said) return all;
  }
}

const errors = (messages: readonly BackendMessage[]): string[] =>
  messages.flatMap((message) =>
    message.name === 'ErrorResponse' ? [errorReport(message.fields, UTF8).message] : [],
  );

interface Way {
  readonly parameters?: Parameters;
  readonly version?: number;
  /** Sent behind the startup packet, in the same segment. */
  readonly early?: (out: Writer) => void;
  readonly talk?: (raw: Raw, made: Rig) => Promise<void>;
  /** The connection ends with it. */
  readonly ends?: boolean;
}

/** In which an apostrophe is part of a character, or is not. */
const inSjis = Buffer.concat([
  Buffer.from("select E'"),
  Buffer.from([0xc2, 0x95, 0x5c]),
  Buffer.from(`'; ${DROP}; --'`),
]);
const unlessStandard = `select '\\''; ${DROP}; --'`;
const send = (write: (out: Writer) => void): Way => ({ talk: async (raw) => raw.send(write) });

/** One after the other: each is answered before the next is sent. */
const asked = (...all: readonly ((out: Writer) => void)[]): Way => ({
  async talk(raw) {
    for (const write of all) {
      raw.send(write);
      await raw.until('ReadyForQuery');
    }
  },
});

const WAYS: Readonly<Record<string, Way>> = {
  'parsed, bound, executed': send((out) => portal(out, DROP)),
  'parsed by a name': asked(
    (out) => {
      parse(out, 's', DROP);
      sync(out);
    },
    (out) => {
      bind(out, { portal: 'p', statement: 's' });
      execute(out, 'p');
      sync(out);
    },
  ),
  'parsed by a message, executed by SQL': asked(
    (out) => {
      parse(out, 's', 'delete from precious');
      sync(out);
    },
    (out) => query(out, 'execute s'),
  ),
  'prepared by SQL, executed by a message': asked(
    (out) => query(out, 'prepare s as delete from precious'),
    (out) => {
      bind(out, { portal: '', statement: 's' });
      execute(out, '');
      sync(out);
    },
  ),
  'bound by a message, fetched by SQL': asked(
    (out) => query(out, 'begin'),
    (out) => {
      parse(out, '', 'delete from precious returning *');
      bind(out, { portal: 'c', statement: '' });
      sync(out);
    },
    (out) => query(out, 'fetch all c'),
    (out) => query(out, 'commit'),
  ),
  'declared by SQL, executed by a message': asked(
    (out) => query(out, 'begin'),
    (out) => query(out, 'declare c cursor for select * from precious for update'),
    (out) => {
      execute(out, 'c');
      sync(out);
    },
    (out) => query(out, 'commit'),
  ),
  'in the place of a name that is closed': send((out) => {
    parse(out, 's', 'select 1');
    close(out, 'S', 's');
    portal(out, DROP, 's');
  }),
  'in the place of a name that is deallocated': asked(
    (out) => query(out, 'prepare s as select 1'),
    (out) => {
      query(out, 'deallocate s; prepare s as delete from precious');
    },
    (out) => query(out, 'execute s'),
  ),
  'in the place of a name that is not taken': asked(
    (out) => query(out, 'prepare s as select 1'),
    (out) => {
      portal(out, 'delete from precious', 's');
      query(out, 'execute s');
      sync(out);
    },
  ),
  'behind a name that is cut': send((out) => {
    parse(out, `${'n'.repeat(63)}x`, 'select 1');
    close(out, 'S', `${'n'.repeat(63)}y`);
    parse(out, `${'n'.repeat(63)}z`, 'delete from precious');
    bind(out, { portal: '', statement: 'n'.repeat(63) });
    execute(out, '');
  }),
  'behind a portal of another': send((out) => {
    parse(out, 'a', 'select 1');
    parse(out, 'b', 'delete from precious');
    bind(out, { portal: 'p', statement: 'a' });
    close(out, 'P', 'p');
    bind(out, { portal: 'p', statement: 'b' });
    execute(out, 'p');
  }),
  'in a batch, behind harmless ones': send((out) => {
    portal(out, 'select 1');
    portal(out, 'begin');
    portal(out, DROP);
    portal(out, 'commit');
  }),
  'with no Sync, and flushed': send((out) => {
    portal(out, DROP);
    flush(out);
  }),
  'described first': send((out) => {
    parse(out, '', 'delete from precious returning *');
    describe(out, 'S', '');
    bind(out, { portal: '', statement: '' });
    describe(out, 'P', '');
    execute(out, '', 1);
    execute(out, '', 1);
  }),
  'several in a Parse': send((out) => portal(out, `select 1; ${DROP}`)),
  'pipelined simple queries': send((out) => {
    query(out, 'select 1');
    query(out, DROP);
    query(out, 'select 2');
  }),
  'behind an error': send((out) => {
    portal(out, 'selec');
    query(out, DROP);
    sync(out);
    query(out, DROP);
  }),
  'within a transaction that failed and went on': asked(
    (out) => query(out, 'begin; savepoint s; select 1/0'),
    (out) => query(out, `rollback to s; ${DROP}`),
    (out) => query(out, 'commit'),
  ),
  'byte by byte': {
    async talk(raw) {
      const out = new Writer();
      query(out, DROP);
      for (const byte of Buffer.from(out.take())) {
        raw.socket.write(Buffer.from([byte]));
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
  },
  'a text that is far too long': send((out) => query(out, `/*${'x'.repeat(3_000_000)}*/ ${DROP}`)),
  'a text that is far too long, parsed': send((out) => portal(out, `/*${'x'.repeat(3_000_000)}*/ ${DROP}`)),
  'a text just too long to be read': send((out) => query(out, `/*${'x'.repeat(262_144)}*/ ${DROP}`)),
  'behind data of a copy': {
    ends: true,
    async talk(raw) {
      raw.send((out) => query(out, 'copy safe from stdin'));
      await raw.until('CopyInResponse');
      raw.send((out) => {
        copyData(out, Buffer.from('7\tx\n'));
        query(out, DROP);
      });
    },
  },
  'behind the end of a copy': {
    async talk(raw) {
      raw.send((out) => query(out, `copy safe from stdin; ${DROP}`));
      await raw.until('CopyInResponse');
      raw.send((out) => {
        copyData(out, Buffer.from('\\.\n'));
        copyDone(out);
        query(out, DROP);
      });
    },
  },
  'a function by its number': send((out) => {
    // query_to_xml
    functionCall(out, {
      objectId: 2923,
      argumentFormats: [],
      arguments: ['delete from precious returning *', 't', 'f', ''].map((text) => Buffer.from(text)),
      resultFormat: 0,
    });
  }),
  'a large object to a file, by number': send((out) =>
    functionCall(out, {
      objectId: 765,
      argumentFormats: [],
      arguments: ['1', '/tmp/hopline-hidden-marker'].map((text) => Buffer.from(text)),
      resultFormat: 0,
    }),
  ),
  'bytes that are no text': send((out) => query(out, Buffer.from(`select '\xff'; ${DROP}`, 'latin1'))),
  'another encoding: where a backslash is half a character': asked(
    (out) => query(out, "set client_encoding = 'SJIS'"),
    (out) => query(out, inSjis),
  ),
  'an encoding that is changing': send((out) => {
    query(out, "set client_encoding = 'SJIS'");
    query(out, inSjis);
  }),
  'an encoding that is changing, in the extended protocol': send((out) => {
    portal(out, "set client_encoding = 'SJIS'");
    sync(out);
    query(out, inSjis);
  }),
  'an encoding that changes within a batch': send((out) => {
    portal(out, "select set_config('client_encoding', 'SJIS', false)");
    portal(
      out,
      Buffer.from(
        inSjis
          .toString('latin1')
          .replace('; drop table precious; --', ' || (select v from precious limit 1) --'),
        'latin1',
      ),
    );
  }),
  'an encoding that is changed by a function': asked(
    (out) =>
      query(
        out,
        "create or replace function encoded() returns text language sql as $$ select set_config('client_encoding', 'SJIS', false) $$",
      ),
    (out) => {
      query(out, 'select encoded()');
      query(out, inSjis);
    },
  ),
  'an encoding that a rollback brings back': asked(
    (out) => query(out, "set client_encoding = 'SJIS'"),
    (out) => query(out, "begin; set local client_encoding = 'UTF8'"),
    (out) => {
      query(out, 'rollback');
      query(out, inSjis);
    },
  ),
  'an encoding of the startup': {
    parameters: [{ name: 'client_encoding', value: 'SJIS' }],
    early: (out) => query(out, inSjis),
  },
  'an encoding of the startup’s options': {
    parameters: [{ name: 'options', value: '-c client_encoding=SJIS' }],
    early: (out) => query(out, inSjis),
  },
  'encodings that are not known here': asked(
    (out) => query(out, "set client_encoding = 'BIG5'"),
    (out) =>
      query(
        out,
        Buffer.concat([Buffer.from("select '"), Buffer.from([0xa5, 0x5c]), Buffer.from(`'; ${DROP}`)]),
      ),
  ),
  'a name in an encoding that is changing': {
    ends: true,
    async talk(raw) {
      raw.send((out) => {
        query(out, 'prepare "é" as select 1');
        query(out, "set client_encoding = 'LATIN1'");
      });
      await raw.until('ReadyForQuery');
      await raw.until('ReadyForQuery');
      raw.send((out) => {
        portal(out, "set client_encoding = 'UTF8'");
        bind(out, { portal: '', statement: Buffer.from('é', 'latin1') });
        execute(out, '');
      });
    },
  },
  'strings that begin to escape': send((out) => {
    query(out, 'set standard_conforming_strings = off');
    query(out, unlessStandard);
  }),
  'strings that begin to escape within a batch': send((out) => {
    portal(out, 'set standard_conforming_strings = off');
    portal(out, unlessStandard.replace(/; .*; /, ' || (select v from precious limit 1) '));
  }),
  'strings that escape from the startup on': {
    parameters: [{ name: 'options', value: '-c standard_conforming_strings=off' }],
    early: (out) => query(out, unlessStandard),
  },
  'a role of the startup': { parameters: [{ name: 'role', value: 'boss' }], ends: true },
  'a role of the startup, in capitals': { parameters: [{ name: 'ROLE', value: 'boss' }], ends: true },
  ...Object.fromEntries(
    [
      '-c role=boss',
      '-crole=boss',
      '--role=boss',
      '-ecrole=boss',
      '-eOc role=boss',
      '-c\\\trole=boss',
      '-d0 -c Role=boss',
      '-N 5 -c role=boss',
      '-c session-authorization=boss',
    ].map((value) => [
      `a role of the startup’s options: ${value}`,
      { parameters: [{ name: 'options', value }], ends: true },
    ]),
  ),
  'a role of the last of several options': {
    parameters: [
      { name: 'options', value: '' },
      { name: 'options', value: '-c role=boss' },
    ],
    ends: true,
  },
  'a replica that asks in SQL': {
    parameters: [{ name: 'replication', value: 'database' }],
    early: (out) => query(out, DROP),
    ends: true,
  },
  'a replica, by the last of several': {
    parameters: [
      { name: 'replication', value: 'off' },
      { name: 'replication', value: 'database' },
    ],
    early: (out) => query(out, DROP),
    ends: true,
  },
  'before anybody is logged in': { early: (out) => query(out, DROP) },
  'before anybody is logged in, parsed': {
    version: PROTOCOL_3_2,
    early: (out) => {
      portal(out, DROP);
      sync(out);
    },
  },
};

async function tried(
  t: Test,
  name: string,
  { parameters = [], version = PROTOCOL_3_0, early, talk, ends }: Way,
) {
  const made = await rig(t, server);
  made.deny = forbids;
  const before = stateOf(server);
  const raw = openRaw(made.port, version, [...DATABASE, ...parameters]);
  raw.socket.on('error', () => {});
  if (early) raw.send(early);
  const all: BackendMessage[] = [];
  const until = async (wanted: string): Promise<BackendMessage[]> => {
    const some = await raw.until(wanted);
    all.push(...some);
    return some;
  };
  const begun = await until('ReadyForQuery').catch(() => null);
  if (begun !== null && talk) await talk({ ...raw, until }, made);
  if (begun !== null) all.push(...(await rest({ ...raw, until: raw.until }, raw.send)));
  const after = stateOf(server);
  t.equal(after, before, `${name}: nothing has happened`);
  const told = errors(all).some((message) => message.startsWith('Hopline: '));
  const ended = begun === null || all.at(-1)?.name === 'ErrorResponse';
  t.ok(told || (ends && ended), `${name}: the client is told`);
  t.equal(ended, ends ?? false, `${name}: the session ${ends ? 'ends' : 'goes on'}`);
  raw.socket.destroy();
  if (after !== before) restore(server);
}

for (const [name, way] of Object.entries(WAYS)) t.test(name, (t) => tried(t, name, way));
