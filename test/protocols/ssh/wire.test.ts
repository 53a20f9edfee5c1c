/** The socket under a link: what is put into it comes out in order, however slowly it is read. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { flush, Wire } from '../../../src/protocols/ssh/wire.ts';
import { until } from '../../until.ts';

async function pair(t: Test): Promise<{ wire: Wire; peer: Socket }> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [given] = (await once(server, 'connection')) as [Socket];
  server.close();
  const wire = new Wire(given);
  wire.socket.on('error', () => {});
  t.teardown(() => {
    peer.destroy();
    wire.socket.destroy();
  });
  return { wire, peer };
}

t.test('large and small, in order', async (t) => {
  const { wire, peer } = await pair(t);
  const [sent, got] = [createHash('sha256'), createHash('sha256')];
  let [put, come] = [0, 0];
  peer.on('data', (chunk) => {
    got.update(chunk);
    come += chunk.length;
  });
  const sizes = [1, 40, 2000, 33_000, 7, 9000, 262_200, 33_000, 16, 600_000, 5];
  for (let round = 0; round < 30; round += 1) {
    for (const size of sizes) {
      const bytes = randomBytes(size);
      sent.update(bytes);
      bytes.copy(wire.room(size));
      put += size;
    }
    if (round % 3 === 0) flush();
    // Waited for as the room does.
    else if (round % 3 === 1) await until(() => !wire.congested, 'the peer has taken it');
  }
  await until(() => come === put, `${put} bytes`);
  t.equal(got.digest('hex'), sent.digest('hex'));
});

t.test('a peer that does not read', async (t) => {
  const { wire, peer } = await pair(t);
  peer.pause();
  let put = 0;
  while (!wire.congested && put < 1e8) {
    wire.room(33_000).fill(7);
    flush();
    put += 33_000;
  }
  t.ok(put < 1e8, `is seen after ${put} bytes`);
  let come = 0;
  peer.on('data', (chunk) => {
    come += chunk.length;
  });
  peer.resume();
  await until(() => come === put, 'all of it comes when it reads');
  await until(() => !wire.congested, 'and that is seen');
});

t.test('what is read is the reader’s for as long as it is called', async (t) => {
  const { wire, peer } = await pair(t);
  const pieces: Buffer[] = [];
  wire.listen((data) => {
    pieces.push(Buffer.from(data));
    data.fill(0);
  });
  wire.socket.resume();
  const bytes = randomBytes(3_000_000);
  peer.end(bytes);
  await once(wire.socket, 'end');
  t.ok(Buffer.concat(pieces).equals(bytes));
});

t.test('a socket that was closed before', async (t) => {
  const { wire } = await pair(t);
  wire.socket.destroy();
  const late = new Wire(wire.socket);
  t.ok(late.socket.destroyed);
  late.room(10_000).fill(1);
  t.doesNotThrow(flush);
});
