/** Ways to be read otherwise than by the server: by encodings and settings. */
import t from 'tap';
import { bind, execute, parse, query, sync } from '../../../../src/protocols/postgres/encode-frontend.ts';
import { batch, masked, opened } from './attack.ts';

t.test('an encoding in which the text reads otherwise', async (t) => {
  const session = await opened(t);
  const text = Buffer.from("select E'\u00c1\\', card from customers --'");
  const seen = await session.sees((out) => {
    query(out, "set client_encoding = 'SJIS'");
    query(out, text);
  });
  masked(t, seen);
  masked(
    t,
    await (await opened(t)).sees((out) => {
      batch(out, "set client_encoding = 'SJIS'");
      parse(out, '', text);
      bind(out, { portal: '', statement: '' });
      execute(out, '');
      sync(out);
    }),
  );
});

t.test('what only looks like a setting', async (t) => {
  const session = await opened(t);
  const text = Buffer.from("set my.x = E'\u00c1\\'; select card from customers --'");
  masked(
    t,
    await session.sees((out) => {
      query(out, "set client_encoding = 'SJIS'");
      query(out, text);
    }),
  );
});

t.test('backslashes that begin to escape', async (t) => {
  for (const change of [
    'set standard_conforming_strings = off',
    'set U&"standard\\005Fconforming_strings" = off',
    "select set_config('standard_conforming_strings', 'off', false)",
  ]) {
    const simple = await opened(t);
    masked(
      t,
      await simple.sees((out) => {
        query(out, change);
        query(out, "set my.x = 'a\\''; select card from customers --'");
      }),
    );
    const extended = await opened(t);
    masked(
      t,
      await extended.sees((out) => {
        batch(out, change);
        batch(out, "select 'a\\'', card from customers --'");
        sync(out);
      }),
    );
  }
});

t.test('a change of settings that is taken back', async (t) => {
  const session = await opened(t);
  await session.sees((out) => query(out, 'set standard_conforming_strings = off'));
  await session.sees((out) => query(out, 'begin; set local standard_conforming_strings = on'));
  const seen = await session.sees((out) => {
    query(out, 'rollback');
    query(out, "set my.x = 'a\\''; select card from customers --'");
  });
  masked(t, seen);
});

t.test('names of long messages, in another encoding', async (t) => {
  const session = await opened(t);
  await session.sees((out) => {
    parse(out, '\ufffd', 'select item from orders where length($1::text) > 0');
    sync(out);
    query(out, "set client_encoding = 'LATIN1'");
  });
  const name = Buffer.from([0xe9]);
  await session.sees((out) => {
    parse(out, name, 'select card from customers where length($1::text) > 0');
    sync(out);
  });
  const seen = await session.sees((out) => {
    bind(out, { portal: 'p', statement: name, parameters: [Buffer.alloc(3_000_000, 'x')] });
    execute(out, 'p');
    sync(out);
  });
  masked(t, seen);
});
