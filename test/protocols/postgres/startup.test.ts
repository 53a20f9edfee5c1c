/** What a client may send before the first message, and what it may not. */
import t from 'tap';
import { encode } from '../../../src/protocols/postgres/encode.ts';
import type { StartupMessage } from '../../../src/protocols/postgres/messages.ts';
import {
  cancelRequest,
  decodeStartupPacket,
  gssencRequest,
  PROTOCOL_3_0,
  PROTOCOL_3_2,
  protocolExtensions,
  StartupReader,
  sslRequest,
  startupMessage,
  startupParameter,
} from '../../../src/protocols/postgres/startup.ts';
import { wire } from './wire.ts';

const hello = encode(startupMessage, PROTOCOL_3_0, [{ name: 'user', value: 'alice' }]);

t.test('GSSENCRequest, SSLRequest, StartupMessage, then what belongs to nobody here', async (t) => {
  const reader = new StartupReader(false);
  t.equal(reader.push(encode(gssencRequest))?.packet.name, 'GSSENCRequest');
  t.equal(reader.push(encode(sslRequest))?.packet.name, 'SSLRequest');
  const arrival = reader.push(Buffer.concat([hello, Buffer.from('p')]));
  t.same(arrival?.bytes, hello);
  t.same(arrival?.rest, Buffer.from('p'));
});

t.test('each encryption request once, and never inside TLS', async (t) => {
  for (const request of [encode(sslRequest), encode(gssencRequest)]) {
    const reader = new StartupReader(false);
    reader.push(request);
    t.throws(() => reader.push(request), { code: 'order' });
    t.throws(() => new StartupReader(true).push(request), { code: 'order' });
  }
});

t.test('nothing may follow an encryption request before its answer (CVE-2021-23214)', async (t) => {
  t.throws(() => new StartupReader(false).push(Buffer.concat([encode(sslRequest), hello])), {
    code: 'order',
  });
});

t.test('a TLS record in place of the first packet', async (t) => {
  const record = wire('16 0301 0200 01');
  t.same(new StartupReader(false).push(record), {
    packet: { name: 'DirectSSL' },
    bytes: Buffer.alloc(0),
    rest: record,
  });
  t.throws(() => new StartupReader(true).push(record), { code: 'length' });
  const later = new StartupReader(false);
  later.push(encode(sslRequest));
  t.throws(() => later.push(record), { code: 'length' });
});

t.test('lengths, as the server takes them', async (t) => {
  const padded = (length: number): Buffer => {
    const user = encode(startupMessage, PROTOCOL_3_0, [{ name: 'user', value: 'a'.repeat(length - 15) }]);
    t.equal(user.length, length);
    return user;
  };
  t.equal(new StartupReader(false).push(padded(10_004))?.packet.name, 'StartupMessage');
  t.throws(() => new StartupReader(false).push(padded(10_005)), { code: 'length' });
  for (const bytes of [
    wire('00000007'),
    wire('00000000'),
    wire('ffffffff'),
    wire('7fffffff'),
    Buffer.from('GET '),
  ])
    t.throws(() => new StartupReader(false).push(bytes), { code: 'length' });
  const reader = new StartupReader(false);
  for (const byte of padded(10_004).subarray(0, 10_003))
    if (reader.push(Buffer.from([byte])) !== null) t.fail('whole before its end');
});

t.test('packets that are not what they begin as', async (t) => {
  for (const [bytes, what] of [
    [wire(`00000009 04d2162f 00`), /SSLRequest: 1 bytes/],
    [wire(`00000009 04d21630 00`), /GSSENCRequest: 1 bytes/],
    [wire(`0000000c 04d2162e 00000001`), /CancelRequest: a key of 0/],
    [wire(`0000010d 04d2162e 00000001 ${'00'.repeat(257)}`), /a key of 257/],
    [wire(`0000000a 04d2162e 0001`), /longer/],
    [wire(`00000008 00030000`), /terminator/],
    [wire(`0000000d 00030000 'user' 00`), /terminator/],
    [wire(`0000000f 00030000 'user' 00 'a' 00`), /terminator/],
    [wire(`00000011 00030000 'user' 00 'a' 00 00 00`), /1 bytes after/],
  ] as const)
    t.throws(() => decodeStartupPacket(bytes), what);
});

t.test('another major version', async (t) => {
  for (const version of ['00020000', '00010000', '00040000', '00000000', '7fff0000', '80030000'])
    t.throws(() => decodeStartupPacket(wire(`00000009 ${version} 00`)), { code: 'version' });
  for (const version of ['00030000', '00030001', '00030002', '0003270f'])
    t.equal(decodeStartupPacket(wire(`00000009 ${version} 00`)).name, 'StartupMessage');
});

t.test('of two parameters of one name the last counts, as in the server', async (t) => {
  const parameters = [
    { name: 'user', value: 'alice' },
    { name: '_pq_.x', value: '1' },
    { name: 'user', value: 'root' },
    { name: 'User', value: 'other' },
  ];
  const message = decodeStartupPacket(encode(startupMessage, PROTOCOL_3_2, parameters)) as StartupMessage;
  t.equal(message.protocolVersion, PROTOCOL_3_2);
  t.equal(startupParameter(message, 'user')?.toString(), 'root');
  t.equal(startupParameter(message, 'database'), null);
  t.same(protocolExtensions(message), [{ name: '_pq_.x', value: Buffer.from('1') }]);
});

t.test('a packet is a copy', async (t) => {
  const chunk = encode(cancelRequest, 7, Buffer.from('abcd'));
  const arrival = new StartupReader(false).push(chunk);
  chunk.fill(0);
  t.same(arrival?.packet, { name: 'CancelRequest', processId: 7, secretKey: Buffer.from('abcd') });
});
