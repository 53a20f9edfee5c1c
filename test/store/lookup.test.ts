import t from 'tap';
import { id, login, T0, temporaryStore } from './seed.ts';

t.test('a user is every one of their open logins, however many', async (t) => {
  using s = temporaryStore();
  const { writer, reader } = s.store;
  const count = 1200;
  writer.batch(() => {
    for (let n = 0; n < count; n++) writer.insertLogin(login({ id: id(n), started: T0 + n }));
    writer.insertLogin(login({ id: id(count), ended: T0 + count }));
  });
  const found = reader.resolve('user:alice');
  t.equal(found.type === 'user' && found.logins.length, count);
  t.equal(reader.resolve('alice').type, 'user');
});
