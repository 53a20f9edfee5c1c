// The same paths under another configuration: observe, direct targets, what UDP and ping are allowed.
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { isHop, isLoginOf } from './assertions.ts';
import {
  DIAL,
  dial,
  exclusively,
  FAMILIES,
  type Family,
  gate,
  hopline,
  labUp,
  mark,
  openGate,
  programs,
  ssh,
  sshArgs,
  start,
  waitForHop,
} from './support.ts';
import { etc, HOST, under } from './under.ts';

t.before(labUp);
t.setTimeout(1_200_000);

t.test('bastion2 under other configurations', async (t) => {
  await exclusively(HOST, async () => {
    await under(t, { 'hopline.yaml': (text) => text.replace('mode: enforce', 'mode: observe') }, async () => {
      for (const family of FAMILIES) {
        await t.test(`observe: what would be refused passes, and says so, ${family.name}`, async (t) => {
          const word = mark();
          const { out, err } = await ssh(
            'alice',
            HOST,
            `: ${word}; curl -sS ${family.url('vault', 8200, word)}`,
            { family },
          );
          t.match(out, 'the vault is open', err);
          const found = await waitForHop(HOST, word);
          isLoginOf(t, found.login, { user: 'alice', client: family.address('laptop') });
          isHop(t, found, {
            chain: ['bash', 'curl'],
            address: family.address('vault'),
            port: 8200,
            target: 'vault',
            outcome: 'deny',
            mode: 'inspect',
          });
          t.match(found.hop.decision, { observed: true, policies: ['vault-is-closed'] });
        });
      }
    });

    const direct = (text: string) => text.replace(/( {2}web1:\n[\s\S]*?mode: )inspect/, '$1direct');
    // Only what is permitted whoever asks can pass without being asked about.
    const everybody = (text: string) =>
      `${text}\n@id("web-for-all") permit (principal, action == Action::"connect", resource == Target::"web1");\n`;
    await under(t, { 'targets.yaml': direct, 'policies/lab.cedar': everybody }, async () => {
      for (const family of FAMILIES) {
        await t.test(
          `a direct target: never redirected, and a hop with its bytes, ${family.name}`,
          async (t) => {
            const word = mark();
            const address = family.address('web1');
            const { out } = await ssh('alice', HOST, dial('plain', address, 80, word), { family });
            t.equal(out, `peer ${address} 80\npage 404\n`);
            const found = await waitForHop(HOST, word, ({ ended }) => ended !== null);
            isLoginOf(t, found.login, { user: 'alice', client: family.address('laptop') });
            isHop(t, found, { chain: ['bash', DIAL], address, port: 80, target: 'web1', mode: 'direct' });
            t.equal(
              found.hop.bytesUp,
              'GET /dial HTTP/1.0\r\n\r\n'.length,
              'bytes as the kernel counts them',
            );
            t.ok((found.hop.bytesDown ?? 0) > 100);
          },
        );

        await t.test(`a direct connection is closed by a revocation, ${family.name}`, async (t) => {
          const word = mark();
          const address = family.address('web1');
          const then = `${gate(word)}; ${dial('plain', address, 80, word)}; echo "code $?"`;
          const session = start(
            t,
            sshArgs('bob', HOST, `${dial('hold', address, 80, word)} & ${then}; wait`, { family }),
          );
          await session.until(/connected/);
          const before = await waitForHop(HOST, word);
          isHop(t, before, { chain: ['bash', DIAL], address, port: 80, target: 'web1', mode: 'direct' });
          t.equal((await hopline(HOST, ['revoke', before.login.id, '--reason', 'test'])).code, 0);
          await session.until(/closed/);
          openGate(HOST, word);
          await session.until(/code 1/);
          await waitForHop(HOST, word, ({ decision }) => decision.outcome === 'deny');
          const { hop } = await waitForHop(
            HOST,
            word,
            ({ id, ended }) => id === before.hop.id && ended !== null,
          );
          t.ok(hop.ended, 'it has ended');
        });
      }
    });

    const lines =
      'udp: {allow: [{to: 10.77.0.30/32, port: 9999}, {to: "fd77::30/128", port: 9999}]}\nsockets: {ping: allow}\n';
    await under(t, { 'hopline.yaml': (text) => text.replace(/^udp:.*$/m, '') + lines }, async () => {
      for (const family of FAMILIES) {
        await t.test(`UDP that is allowed is a hop, ${family.name}`, async (t) => {
          for (const way of ['udp', 'udpconnected']) {
            const word = mark();
            const address = family.address('web1');
            const { out } = await ssh('alice', HOST, dial(way, address, 9999, word), { family });
            t.equal(out, 'sent\n', way);
            const found = await waitForHop(HOST, word);
            isHop(t, found, {
              chain: ['bash', DIAL],
              address,
              port: 9999,
              transport: 'udp',
              protocol: 'udp',
              mode: 'direct',
            });
          }
        });

        await t.test(`ping sockets that are allowed, ${family.name}`, async (t) => {
          const word = mark();
          const { out } = await ssh(
            'alice',
            HOST,
            `python3 ${programs}/odd.py ping ${family.address('web1')} ${word}`,
            { family },
          );
          t.equal(out, 'made\nsent\n');
        });
      }
    });

    const local = 'dns: {resolvers: [127.0.0.1]}\n';
    await under(t, { 'hopline.yaml': (text) => text + local }, async () => {
      await t.test('a resolver on loopback names what its answers led to', async (t) => {
        const options = '--no-daemon --no-hosts --no-resolv --bind-interfaces --listen-address=127.0.0.1';
        const dns = start(t, [
          ...['exec', HOST, '--', 'sh', '-c'],
          `exec dnsmasq ${options} --pid-file= --log-facility=- --address=/orders.internal/10.77.0.30`,
        ]);
        await dns.until(/started/);
        const word = mark();
        const ask = `python3 ${programs}/ask.py 127.0.0.1 orders.internal`;
        const { out } = await ssh(
          'alice',
          HOST,
          `curl -s -o /dev/null http://$(${ask}):8081/${word}; ${ask}`,
        );
        t.equal(out, '10.77.0.30\n');
        const { hop, login } = await waitForHop(HOST, word, ({ destination }) => destination.port === 8081);
        t.equal(hop.name, 'orders.internal');
        t.equal(login.hops.length, 1, 'what stays on loopback is no hop');
        await dns.stop();
      });
    });

    await t.test('a configuration with a mistake is refused whole', async (t) => {
      const before = readFileSync(etc('targets.yaml'), 'utf8');
      writeFileSync(etc('targets.yaml'), before.replace('ports: [5432]', 'ports: [54321000]'));
      const { code, out, err } = await hopline(HOST, ['reload']);
      writeFileSync(etc('targets.yaml'), before);
      t.equal(code, 1);
      t.match(out + err, /targets\.yaml:4/, 'file and line');
      const word = mark();
      const family = FAMILIES[0] as Family;
      await ssh('alice', HOST, `: ${word}; curl -s ${family.url('web1', 80, word)}`, { family });
      isHop(t, await waitForHop(HOST, word), {
        chain: ['bash', 'curl'],
        address: family.address('web1'),
        port: 80,
      });
    });
  });
});
