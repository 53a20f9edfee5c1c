/** The hello of real clients, whole and byte by byte, and everything that is none. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import t from 'tap';
import { readClientHello, startsTls } from '../../src/tls/client-hello.ts';
import { Random } from '../core/random.ts';
import { listen, type Teardown } from './support.ts';

type Start = (port: number) => () => void;

/** What a client sends before it is answered. */
async function hello(t: Teardown, start: Start): Promise<Buffer> {
  const socket = Promise.withResolvers<Socket>();
  const stop = start(await listen(t, socket.resolve));
  const accepted = await socket.promise;
  let bytes = Buffer.alloc(0);
  accepted.resume();
  while (readClientHello(bytes).state === 'incomplete') {
    const [chunk] = (await once(accepted, 'data')) as [Buffer];
    bytes = Buffer.concat([bytes, chunk]);
  }
  stop();
  return bytes;
}

function openssl(...args: string[]): Start {
  return (port) => {
    const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    return () => child.kill();
  };
}

const node: Start = (port) => {
  const options = { host: '127.0.0.1', port, servername: 'db1.example', ALPNProtocols: ['postgresql', 'h2'] };
  const socket = tlsConnect(options);
  socket.on('error', () => {});
  return () => socket.destroy();
};

const clients: [what: string, start: Start, serverName: string | null, alpn: string[]][] = [
  ['node', node, 'db1.example', ['postgresql', 'h2']],
  ['openssl', openssl('-servername', 'orders-db'), 'orders-db', []],
  ['openssl, direct', openssl('-servername', 'db', '-alpn', 'postgresql'), 'db', ['postgresql']],
  ['openssl without a name', openssl('-noservername'), null, []],
  ['openssl, TLS 1.2', openssl('-tls1_2', '-servername', 'db'), 'db', []],
];

for (const [what, start, serverName, alpn] of clients) {
  t.test(what, async (t) => {
    const bytes = await hello(t, start);
    t.equal(startsTls(bytes[0] ?? 0), true);
    t.same(readClientHello(bytes), { state: 'hello', hello: { serverName, alpn } });
    for (let length = 0; length < bytes.length; length += 1) {
      const { state } = readClientHello(bytes.subarray(0, length));
      if (state !== 'incomplete') t.fail(`${length} of ${bytes.length} bytes are ${state}`);
    }
    t.same(readClientHello(records(bytes, 100)), readClientHello(bytes), 'in several records');
    t.same(readClientHello(records(bytes, 1)), readClientHello(bytes), 'in a record for each byte');
    t.equal(readClientHello(Buffer.concat([bytes, Buffer.from('more')])).state, 'hello');
  });
}

t.test('what is none', async (t) => {
  const cases: [string, Buffer][] = [
    ['a PostgreSQL startup packet', Buffer.from('0000000804d2162f', 'hex')],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
    ['SSH', Buffer.from('SSH-2.0-OpenSSH_9.2\r\n')],
    ['an alert', Buffer.from('15030100020228', 'hex')],
    ['SSL 2', Buffer.from('802e010002', 'hex')],
    ['a ServerHello', record(Buffer.from('0200000400000000', 'hex'))],
    ['an empty record', Buffer.from('1603010000', 'hex')],
    ['a record of 64 kB', Buffer.from('160301ffff', 'hex')],
    ['a hello of 16 MB', record(Buffer.from('01ffffff', 'hex'))],
    ['a hello of nothing', record(Buffer.from('01000000', 'hex'))],
    [
      'handshake, then application data',
      Buffer.concat([record(Buffer.from('0100', 'hex')), Buffer.from([0x17])]),
    ],
  ];
  for (const [what, bytes] of cases) t.equal(readClientHello(bytes).state, 'other', what);
});

t.test('hellos with bytes changed, added and missing end in an answer', async (t) => {
  const random = new Random(3);
  const whole = await hello(t, node);
  const seen = { hello: 0, incomplete: 0, other: 0 };
  for (let n = 0; n < 100_000; n += 1) {
    const bytes = Buffer.from(
      whole.subarray(0, random.below(4) === 0 ? random.below(whole.length) : whole.length),
    );
    for (let change = random.below(4); change >= 0 && bytes.length > 0; change -= 1)
      bytes[random.below(random.below(2) === 0 ? Math.min(bytes.length, 60) : bytes.length)] =
        random.below(256);
    seen[readClientHello(bytes).state] += 1;
  }
  t.ok(seen.hello > 100 && seen.incomplete > 100 && seen.other > 100, JSON.stringify(seen));
});

function record(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x16, 3, 1, body.length >> 8, body.length & 0xff]), body]);
}

/** The same handshake message in records of so many bytes. */
function records(bytes: Buffer, size: number): Buffer {
  const message = bytes.subarray(5);
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) parts.push(record(message.subarray(at, at + size)));
  return Buffer.concat(parts);
}
