// UDP: denied unless something allows it, and DNS to the resolver that is configured.
import t from 'tap';
import { isHop, isLoginOf } from './assertions.ts';
import { DIAL, dial, FAMILIES, type Family, IPV4, IPV6, labUp, mark, ssh, waitForHop } from './support.ts';

t.before(labUp);
t.jobs = 4;

interface Refused {
  readonly name: string;
  readonly way: string;
  readonly port: number;
  readonly reason: RegExp;
  readonly families?: readonly Family[];
  readonly protocol?: string;
}
const refused: readonly Refused[] = [
  { name: 'a datagram', way: 'udp', port: 9999, reason: /UDP is denied/ },
  { name: 'a connected socket', way: 'udpconnected', port: 9999, reason: /UDP is denied/ },
  {
    name: 'an IPv4 address on an IPv6 socket',
    way: 'udpmapped',
    port: 9999,
    reason: /UDP is denied/,
    families: [IPV4],
  },
  { name: 'QUIC', way: 'udp', port: 443, reason: /QUIC/ },
  { name: 'QUIC from a connected socket', way: 'udpconnected', port: 443, reason: /QUIC/ },
  {
    name: 'a resolver that is not configured',
    way: 'udp',
    port: 53,
    reason: /UDP is denied/,
    families: [IPV6],
    protocol: 'dns',
  },
];
for (const { name, way, port, reason, families = FAMILIES, protocol = 'udp' } of refused) {
  for (const family of families) {
    t.test(`${name} is refused, ${family.name}`, { buffered: true }, async (t) => {
      const word = mark();
      const address = family.address('web1');
      const { out } = await ssh('alice', 'bastion1', dial(way, address, port, word), { family });
      t.equal(out, 'errno EPERM\n', 'at once, so that a client falls back');
      const found = await waitForHop('bastion1', word);
      isLoginOf(t, found.login, { user: 'alice', client: family.address('laptop') });
      isHop(t, found, {
        chain: ['bash', DIAL],
        address,
        port,
        transport: 'udp',
        protocol,
        outcome: 'deny',
        mode: 'denied',
      });
      t.match(found.hop.decision.reason, reason);
    });
  }
}

for (const family of FAMILIES) {
  t.test(
    `a name is asked of the resolver, and shown with what it led to, ${family.name}`,
    { buffered: true },
    async (t) => {
      const word = mark();
      const url = `http://intranet.lab:8081/${word}`;
      await ssh('bob', 'bastion1', `: ${word}; curl -s -${family.version} ${url}`, { family });
      const found = await waitForHop(
        'bastion1',
        word,
        ({ protocol, ended }) => protocol === 'dns' && ended !== null,
      );
      isLoginOf(t, found.login, { user: 'bob', client: family.address('laptop') });
      isHop(t, found, {
        chain: ['bash', 'curl'],
        address: '10.77.0.30',
        port: 53,
        transport: 'udp',
        protocol: 'dns',
        mode: 'direct',
      });
      t.ok((found.hop.bytesUp ?? 0) > 20 && (found.hop.bytesDown ?? 0) > 20, 'bytes both ways');
      const web = await waitForHop('bastion1', word, ({ destination }) => destination.port === 8081);
      isHop(t, web, { chain: ['bash', 'curl'], address: family.address('web1'), port: 8081, target: null });
      t.equal(web.hop.name, 'intranet.lab', 'the name that the login got for this address');
    },
  );
}
