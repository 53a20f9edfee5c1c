/** Ways to be told another statement's rows: by the messages' order. */
import t from 'tap';
import {
  bind,
  close,
  copyData,
  copyDone,
  execute,
  parse,
  query,
  sync,
} from '../../../../src/protocols/postgres/encode-frontend.ts';
import type { Writer } from '../../../../src/protocols/postgres/writer.ts';
import { batch, CARDS, ITEMS, masked, opened } from './attack.ts';

t.test('a Sync while data is copied is none', async (t) => {
  const session = await opened(t);
  session.send((out) => {
    batch(out, 'copy copies from stdin');
    sync(out);
  });
  await session.until('CopyInResponse');
  const seen = await session.sees((out) => {
    sync(out);
    copyData(out, Buffer.from('1\tx\n'));
    copyDone(out);
    sync(out);
    query(out, CARDS);
  });
  masked(t, seen);
  t.match(seen, /\*\*\*1111/, 'and the session goes on');
  t.match(seen, /the-end/);
});

t.test('a statement while data is copied is none', async (t) => {
  const session = await opened(t);
  session.send((out) => query(out, 'copy copies from stdin'));
  await session.until('CopyInResponse');
  masked(
    t,
    await session.sees((out) => {
      query(out, ITEMS);
      query(out, CARDS);
    }),
  );
});

t.test('nor one that came before the server said that it waits for data', async (t) => {
  const session = await opened(t);
  masked(
    t,
    await session.sees((out) => {
      query(out, 'copy copies from stdin');
      query(out, ITEMS);
      query(out, CARDS);
    }),
  );
});

t.test('two copies in one message', async (t) => {
  const session = await opened(t);
  const seen = await session.sees((out) => {
    query(out, 'copy copies from stdin; copy copies from stdin');
    for (const line of ['1\tx\n', '2\ty\n']) {
      copyData(out, Buffer.from(line));
      copyDone(out);
    }
    query(out, CARDS);
  });
  masked(t, seen);
  t.match(seen, /COPY 1\0[\s\S]*COPY 1\0[\s\S]*\*\*\*1111[\s\S]*the-end/);
});

t.test('a copy that the server refuses', async (t) => {
  const session = await opened(t);
  const seen = await session.sees((out) => {
    batch(out, 'copy nowhere from stdin');
    copyData(out, Buffer.from('1\tx\n'));
    copyDone(out);
    sync(out);
    query(out, CARDS);
  });
  masked(t, seen);
  t.match(seen, /42P01[\s\S]*\*\*\*1111[\s\S]*the-end/);
});

t.test('data that the server does not take', async (t) => {
  const session = await opened(t);
  const seen = await session.sees((out) => {
    batch(out, 'copy copies from stdin');
    copyData(out, Buffer.from('no number\tx\n'));
    copyDone(out);
    sync(out);
    query(out, CARDS);
  });
  masked(t, seen);
  t.match(seen, /22P02[\s\S]*\*\*\*1111[\s\S]*the-end/);
});

t.test('statements before the session has begun', async (t) => {
  const session = await opened(t, (out) => {
    query(out, ITEMS);
    query(out, CARDS);
  });
  const seen = await session.sees((out) => query(out, CARDS));
  masked(t, seen);
  t.match(seen, /book[\s\S]*\*\*\*1111[\s\S]*\*\*\*1111/);
});

t.test('an unnamed statement whose Parse is skipped', async (t) => {
  const session = await opened(t);
  await session.sees((out) => {
    parse(out, '', CARDS);
    sync(out);
  });
  session.send((out) => {
    parse(out, '', CARDS);
    sync(out);
  });
  await session.until('ReadyForQuery');
  const seen = await session.sees((out) => {
    parse(out, 'broken', 'select nothing from nowhere');
    parse(out, '', ITEMS);
    sync(out);
    bind(out, { portal: '', statement: '' });
    execute(out, '');
    sync(out);
  });
  masked(t, seen);
});

t.test('an unnamed portal whose Bind is skipped', async (t) => {
  const session = await opened(t);
  await session.sees((out) => {
    for (const [name, sql] of [
      ['cards', CARDS],
      ['items', ITEMS],
      ['begin', 'begin'],
      ['mark', 'savepoint a'],
      ['back', 'rollback to a'],
    ] as const)
      parse(out, name, sql);
    sync(out);
  });
  const named = (out: Writer, name: string): void => {
    bind(out, { portal: name, statement: name });
    execute(out, name);
  };
  session.send((out) => {
    named(out, 'begin');
    bind(out, { portal: '', statement: 'cards' });
    named(out, 'mark');
    sync(out);
  });
  await session.until('ReadyForQuery');
  const seen = await session.sees((out) => {
    parse(out, 'broken', 'select nothing from nowhere');
    bind(out, { portal: '', statement: 'items' });
    sync(out);
    named(out, 'back');
    execute(out, '');
    sync(out);
    query(out, 'rollback');
  });
  masked(t, seen);
});

t.test('unnamed statements one after the other, as drivers send them', async (t) => {
  const session = await opened(t);
  const seen = await session.sees((out) => {
    batch(out, CARDS);
    batch(out, ITEMS);
    batch(out, CARDS);
    sync(out);
    batch(out, ITEMS);
    sync(out);
    batch(out, CARDS);
    sync(out);
  });
  masked(t, seen);
  t.match(seen, /1111[\s\S]*book[\s\S]*1111[\s\S]*book[\s\S]*1111/);
});

t.test('a portal by a name that another had', async (t) => {
  for (const together of [true, false]) {
    const session = await opened(t);
    const step = (write: (out: Writer) => void): Promise<unknown> =>
      together ? Promise.resolve(session.send(write)) : session.sees(write);
    await step((out) => query(out, 'begin'));
    await step((out) => {
      parse(out, '', ITEMS);
      bind(out, { portal: 'opened', statement: '' });
      close(out, 'P', 'opened');
      sync(out);
    });
    await step((out) => {
      batch(out, 'select opened()');
      sync(out);
    });
    const seen = await session.sees((out) => {
      execute(out, 'opened');
      sync(out);
      query(out, 'fetch all from opened; rollback');
      query(out, 'rollback');
    });
    masked(t, seen);
  }
});

t.test('errors of planning', async (t) => {
  const session = await opened(t);
  masked(
    t,
    await session.sees((out) => {
      batch(out, 'select 1 from orders where id = card_of(1)::regclass::oid::int');
      sync(out);
    }),
  );
  const seen = await session.sees((out) => {
    parse(out, '', 'select id from customers where id = $1');
    bind(out, { portal: '', statement: '', parameters: [Buffer.from('seven')] });
    sync(out);
  });
  t.match(seen, /invalid input syntax for type integer: "seven"/, "a person's own words stay");
});

t.test('errors of what a transaction ends with', async (t) => {
  const session = await opened(t);
  for (const end of ['commit', "prepare transaction 'x'"]) {
    await session.sees((out) => query(out, 'begin'));
    masked(
      t,
      await session.sees((out) => {
        query(out, 'declare h cursor with hold for select card::int from customers');
        query(out, end);
      }),
    );
  }
  masked(
    t,
    await session.sees((out) => {
      batch(out, 'declare h cursor with hold for select card::int from customers');
      sync(out);
    }),
  );
});

t.test('a copy behind a comment that ends in a carriage return', async (t) => {
  const session = await opened(t);
  masked(t, await session.sees((out) => query(out, '-- x\rcopy customers to stdout')));
  masked(
    t,
    await session.sees((out) => {
      batch(out, '-- x\rcopy customers to stdout');
      sync(out);
    }),
  );
});
