/** Packets made by hand, whole, cut at every byte and bent in every byte. */
import t from 'tap';
import { begins, protocolName } from '../../src/tripwire/classify.ts';
import { type LinkType, type Packet, readPacket } from '../../src/tripwire/packet.ts';

const hex = (text: string): Buffer => Buffer.from(text.replace(/[^0-9a-f]/g, ''), 'hex');

const ETHER4 = hex('020000000001 020000000002 0800');
const ETHER6 = hex('020000000001 020000000002 86dd');
const PORTS = 'c350 1538';
const TCP_SYN = hex(`${PORTS} 00000001 00000000 5002 ffff 0000 0000`);
const TCP_SYN_ACK = hex(`${PORTS} 00000001 00000001 5012 ffff 0000 0000`);
const UDP = hex(`${PORTS} 0008 0000`);
const ECHO = hex('0800 0000 0001 0001');
const ECHO6 = hex('8000 0000 0001 0001');

function ipv4(protocol: number, payload: Buffer, options = '', fragment = 0): Buffer {
  const extra = hex(options);
  const header = Buffer.alloc(20 + extra.length);
  header[0] = 0x40 | (header.length / 4);
  header.writeUInt16BE(header.length + payload.length, 2);
  header.writeUInt16BE(fragment, 6);
  header[8] = 64;
  header[9] = protocol;
  header.set([10, 77, 0, 5], 12);
  header.set([10, 77, 0, 20], 16);
  header.set(extra, 20);
  return Buffer.concat([header, payload]);
}

function ipv6(next: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(payload.length, 4);
  header[6] = next;
  header.set(hex('fd77 0000 0000 0000 0000 0000 0000 0005'), 8);
  header.set(hex('fd77 0000 0000 0001 0000 0000 0000 0020'), 24);
  return Buffer.concat([header, payload]);
}

const V4 = { source: '10.77.0.5', destination: '10.77.0.20' };
const V6 = { source: 'fd77::5', destination: 'fd77:0:0:1::20' };
const BOTH = { sourcePort: 50_000, destinationPort: 5_432 };
const NONE = { sourcePort: 0, destinationPort: 0 };

const vectors: [
  name: string,
  link: LinkType,
  bytes: Buffer,
  want: Partial<Packet> | null,
  begins: boolean,
][] = [
  ['TCP SYN', 'ETHERNET', cat(ETHER4, ipv4(6, TCP_SYN)), { protocol: 6, ...V4, ...BOTH }, true],
  ['TCP SYN ACK', 'ETHERNET', cat(ETHER4, ipv4(6, TCP_SYN_ACK)), { protocol: 6 }, false],
  [
    'TCP SYN below IP options',
    'ETHERNET',
    cat(ETHER4, ipv4(6, TCP_SYN, '94040000 01010101')),
    { ...BOTH },
    true,
  ],
  ['UDP, raw link', 'RAW', ipv4(17, UDP), { protocol: 17, ...V4, ...BOTH }, true],
  [
    'UDP, cooked link',
    'LINKTYPE_LINUX_SLL',
    cat(hex('0004 0001 0006 020000000002 0000 0800'), ipv4(17, UDP)),
    BOTH,
    true,
  ],
  ['UDP, BSD loopback link', 'NULL', cat(hex('02000000'), ipv4(17, UDP)), BOTH, true],
  [
    'UDP in a VLAN',
    'ETHERNET',
    cat(ETHER4.subarray(0, 12), hex('8100 0005 0800'), ipv4(17, UDP)),
    BOTH,
    true,
  ],
  [
    'UDP in two VLANs',
    'ETHERNET',
    cat(ETHER4.subarray(0, 12), hex('88a8 0005 8100 0006 86dd'), ipv6(17, UDP)),
    V6,
    true,
  ],
  [
    'three VLANs',
    'ETHERNET',
    cat(ETHER4.subarray(0, 12), hex('8100 0005 8100 0006 8100 0007 0800'), ipv4(17, UDP)),
    null,
    false,
  ],
  ['ARP', 'ETHERNET', cat(ETHER4.subarray(0, 12), hex('0806 0001 0800 0604 0001')), null, false],
  ['ICMP echo', 'RAW', ipv4(1, ECHO), { protocol: 1, ...NONE, detail: 8 }, true],
  ['ICMP echo reply', 'RAW', ipv4(1, hex('0000 0000 0001 0001')), { detail: 0 }, false],
  ['IGMP', 'RAW', ipv4(2, hex('1600 0000 e0000001')), { protocol: 2 }, false],
  ['SCTP', 'RAW', ipv4(132, hex(`${PORTS} 00000000 00000000`)), { protocol: 132, ...BOTH }, true],
  ['UDP-Lite', 'RAW', ipv4(136, UDP), { protocol: 136, ...BOTH }, true],
  ['GRE', 'RAW', ipv4(47, hex('0000 0800')), { protocol: 47, ...NONE }, true],
  ['later fragment', 'RAW', ipv4(17, UDP, '', 5), null, false],
  ['first fragment without ports', 'RAW', ipv4(17, hex('c350'), '', 0x2000), { protocol: 17, ...NONE }, true],
  [
    'first fragment without TCP flags',
    'RAW',
    ipv4(6, hex(`${PORTS} 00000001`), '', 0x2000),
    { ...BOTH },
    false,
  ],
  ['header length below 20', 'RAW', hex('44000014 00000000 40060000 0a4d0005 0a4d0014'), null, false],
  ['IPv5', 'RAW', hex('54000014 00000000 40060000 0a4d0005 0a4d0014'), null, false],
  ['IPv6 TCP SYN', 'ETHERNET', cat(ETHER6, ipv6(6, TCP_SYN)), { protocol: 6, ...V6, ...BOTH }, true],
  ['IPv6 echo', 'RAW', ipv6(58, ECHO6), { protocol: 58, detail: 128 }, true],
  ['IPv6 neighbour solicitation', 'RAW', ipv6(58, hex('8700 0000')), { detail: 135 }, false],
  [
    'IPv6: hop-by-hop, destination options, routing, AH, then UDP',
    'RAW',
    ipv6(
      0,
      cat(
        hex('3c00 010400000000'),
        hex('2b01 0104000000000000 000000000000'),
        hex('3300 0000 00000000'),
        hex('1104 0000 00000001 00000001 aabbccdd eeff0011 22334455'),
        UDP,
      ),
    ),
    { protocol: 17, ...V6, ...BOTH },
    true,
  ],
  [
    'IPv6: first fragment',
    'RAW',
    ipv6(44, cat(hex('1100 0001 00000001'), UDP)),
    { protocol: 17, ...BOTH },
    true,
  ],
  ['IPv6: later fragment', 'RAW', ipv6(44, cat(hex('1100 0009 00000001'), UDP)), null, false],
  [
    'IPv6: endless options',
    'RAW',
    ipv6(0, cat(...Array.from({ length: 20 }, () => hex('0000 010400000000')))),
    { protocol: 0, ...NONE },
    true,
  ],
  [
    'IPv6: options that claim more than there is',
    'RAW',
    ipv6(60, hex('11ff 010400000000')),
    { protocol: 17, ...NONE },
    true,
  ],
  ['IPv6: no next header', 'RAW', ipv6(59, hex('')), { protocol: 59 }, true],
];

function cat(...parts: Buffer[]): Buffer {
  return Buffer.concat(parts);
}

for (const [name, link, bytes, want, starts] of vectors)
  t.test(name, async (t) => {
    const packet = readPacket(bytes, link);
    if (want === null) t.equal(packet, null);
    else t.match(packet, want);
    t.equal(packet !== null && begins(packet), starts);
    for (let length = 0; length < bytes.length; length += 1) {
      const cut = readPacket(bytes.subarray(0, length), link);
      if (cut === null || want === null) continue;
      t.match({ ...want, ...cut }, cut);
      if (packet !== null)
        t.equal(cut.destination, packet.destination, `${length} bytes: never another address`);
    }
    for (let at = 0; at < bytes.length; at += 1)
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const bent = Buffer.from(bytes);
        bent[at] = value;
        for (const each of ['ETHERNET', 'RAW', 'LINKTYPE_LINUX_SLL', 'NULL'] as const) readPacket(bent, each);
      }
  });

t.test('protocols have names', async (t) => {
  t.same([6, 17, 1, 58, 132, 136, 47].map(protocolName), [
    'tcp',
    'udp',
    'icmp',
    'icmpv6',
    'sctp',
    'udplite',
    'ip-47',
  ]);
});
