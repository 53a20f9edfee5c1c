/** What a server says before a login, in pieces of any size. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import t from 'tap';
import { AnswerReader } from '../../../../src/protocols/postgres/auth/answers.ts';

const MESSAGES = [
  Buffer.from('R\0\0\0\x08\0\0\0\x03', 'latin1'),
  Buffer.from('N\0\0\0\x05\0', 'latin1'),
  Buffer.from('R\0\0\0\x08\0\0\0\0', 'latin1'),
];
const BEHIND = Buffer.from('S\0\0\0\x08a\0b\0Z\0\0\0\x05I', 'latin1');

async function pair() {
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const reading = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  const [writing] = await once(listener, 'connection');
  listener.close();
  reading.pause();
  return { reading, writing };
}

for (const size of [1, 2, 5, 7, 1000])
  t.test(`in pieces of ${size}`, async (t) => {
    const { reading, writing } = await pair();
    const all = Buffer.concat([...MESSAGES, BEHIND]);
    writing.setNoDelay(true);
    const sending = (async () => {
      for (let at = 0; at < all.length; at += size) {
        writing.write(all.subarray(at, at + size));
        await new Promise((resolve) => setImmediate(resolve));
      }
      writing.end();
    })();
    const reader = new AnswerReader(reading);
    for (const message of MESSAGES) t.same(await reader.next(), message);
    reader.release();
    await sending;
    const rest: Buffer[] = [];
    reading.on('data', (chunk: Buffer) => rest.push(chunk));
    reading.resume();
    await once(reading, 'end');
    t.same(Buffer.concat(rest), BEHIND, 'what is behind is still there');
    t.equal(await new AnswerReader(reading).next(), null, 'then it is over');
  });

t.test('lengths that cannot be', async (t) => {
  const cases = [
    'R\0\0\0\x04',
    'R\0\x01\0\0',
    'E\xff\xff\xff\xff',
    'E\0\0\0\x03',
    'E\0\0\x80\0',
    'z\0\0\0\x08',
    '\x16\x03\x01\0\xff',
  ];
  for (const bytes of cases) {
    const { reading, writing } = await pair();
    writing.end(Buffer.from(bytes, 'latin1'));
    await t.rejects(
      new AnswerReader(reading).next(),
      { name: 'ProtocolError', code: 'length' },
      JSON.stringify(bytes),
    );
    reading.destroy();
  }
});
