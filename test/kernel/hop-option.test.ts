/** The SYN option between two hosts on the kernel that is here: on the wire, in the maps, and where it must not be. */
import { spawnSync } from 'node:child_process';
import t from 'tap';
import { addressBytes } from '../../src/kernel/address.ts';
import { HopOption, macOf } from '../../src/kernel/hop-option.ts';
import { HlKind } from '../../src/kernel/layouts.generated.ts';
import { saveSyns } from '../../src/kernel/save-syn.ts';
import { until } from '../until.ts';
import { type DialOrder, FROM, Hosts, NOBODY, OTHER, optionIn, TO } from './hop-hosts.ts';
import { type Inside, missing } from './machine.ts';

const KEY = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
const BACK = Buffer.from('ffeeddccbbaa99887766554433221100', 'hex');
const SAVE_SYN = new URL('../../src/kernel/save-syn.ts', import.meta.url).href;
const IPPROTO_MPTCP = 262;
const [BEFORE, AFTER, PLAIN] = [2201, 2202, 2203];

const reason = missing();
if (reason) console.error(`test/kernel/hop-option: skipped: ${reason}`);

// A guest's processors are emulated (test/vm/kernels.test.ts).
t.setTimeout(180_000);

t.test('on this kernel', reason ? { skip: reason } : {}, async (t) => {
  const hosts = new Hosts();
  t.teardown(() => hosts.remove());
  const { sender, receiver } = hosts;
  const { hopOption: sends, maps } = sender.kernel;
  const { hopOption: receives } = receiver.kernel;
  t.same([sender.kernel.missing, receiver.kernel.missing], [[], []], 'the program is loaded');
  await hosts.join();
  const peers = [{ addresses: [TO.v4, `${TO.v6}/128`, '10.98.0.77/24'], key: KEY }];
  const dir = t.testdir();
  const caller = await hosts.caller(sender);
  const called = await hosts.caller(receiver);
  await hosts.sshd(BEFORE, dir);
  await hosts.listen(called, '0.0.0.0', PLAIN);

  /** Dials from the first host; what is on the wire, and what either kernel knows of it. */
  const dial = async (order: DialOrder, from: Inside = caller) => {
    hosts.syns.length = 0;
    const { ended, source } = await hosts.dial(from, order);
    const [address = '', port = 0] = order.to.at(-1) ?? [];
    const destination = { address: address.replace('::ffff:', ''), port };
    const syn = (await hosts.sent(source.port, ended.length)).filter(({ to }) => to === port).at(-1);
    return { ended, source, destination, option: syn ? optionIn(syn) : null };
  };

  await t.test('without peers nothing is sent, and nothing is kept', async (t) => {
    const { ended, option } = await dial({ to: [[TO.v4, BEFORE]] });
    t.same([ended, option], [['connected'], null]);
    t.same(maps.hopOffered.keys(), []);
    t.same(maps.hopTallies.get(0), 0n);
  });

  sends.setPeers(peers);
  receives.setPeers([{ addresses: [FROM.v4, FROM.v6], key: BACK }]);
  t.same(receives.missing, [], 'the listener from before was reached');
  await hosts.sshd(AFTER, dir);

  const ways: [string, DialOrder][] = [
    ['IPv4, a listener from before', { to: [[TO.v4, BEFORE]] }],
    ['IPv4', { to: [[TO.v4, AFTER]] }],
    ['IPv6, a listener from before', { to: [[TO.v6, BEFORE]], family: 6 }],
    ['IPv6', { to: [[TO.v6, AFTER]], family: 6 }],
    ['a mapped address, from an IPv6 socket', { to: [[`::ffff:${TO.v4}`, AFTER]], family: 6 }],
  ];
  for (const [name, order] of ways)
    await t.test(`${name}: sent, arrived, each taken once`, async (t) => {
      const { source, destination, option } = await dial(order);
      if (!option) return t.fail('the SYN has no option');
      t.same(option.mac, macOf(KEY, option.handle), 'signed as user space would');
      const offered = sends.takeOffered(option.handle);
      t.match(offered, { source, destination });
      const now = process.hrtime.bigint();
      t.ok(offered && offered.atNs > 0n && Math.abs(Number(now - offered.atNs)) < 1e15);
      t.equal(sends.takeOffered(option.handle), null);
      t.equal(
        receives.takeArrived(source, { ...destination, port: PLAIN }),
        null,
        'of that connection alone',
      );
      t.same(receives.takeArrived(source, destination), option);
      t.equal(receives.takeArrived(source, destination), null);
    });

  await t.test('ends that are no addresses, or have a zone', async (t) => {
    const end = { address: 'UNKNOWN', port: 65_535 };
    t.equal(receives.takeArrived(end, end), null, 'as sshd has those of what is no socket');
    const zoned = { address: 'fe80::1%hl0', port: 22 };
    const arrival = { atNs: 1n, handle: Buffer.alloc(8, 1), mac: Buffer.alloc(8, 2) };
    const ends = {
      client: addressBytes('fe80::1'),
      clientPort: 22,
      server: addressBytes('fe80::1'),
      serverPort: 22,
    };
    receiver.kernel.maps.hopArrived.set(ends, arrival);
    t.same(receives.takeArrived(zoned, zoned), { handle: arrival.handle, mac: arrival.mac });
  });

  await t.test('a listener on IPv6 that accepts IPv4 has it under the IPv4 addresses', async (t) => {
    const six = await hosts.caller(receiver);
    await hosts.listen(six, '::', 2206);
    t.equal(saveSyns(six.pid), 1);
    const { source, destination, option } = await dial({ to: [[TO.v4, 2206]] });
    t.same(receives.takeArrived(source, destination), option);
    t.not(option, null);
  });

  await t.test("Hopline's own connections have it as those of people do", async (t) => {
    const worker = await hosts.caller(sender);
    const key = sender.keyOf(worker.pid);
    const line = maps.lineage.get(key);
    if (!line) return t.fail('it has no lineage');
    maps.lineage.set(key, { ...line, kind: HlKind.SELF });
    sender.events();
    const { source, destination, option } = await dial({ to: [[TO.v4, AFTER]] }, worker);
    t.same(
      sender.events().filter(({ type }) => type === 'flow'),
      [],
      'it is no hop by itself',
    );
    t.match(option && sends.takeOffered(option.handle), { source, destination });
    t.same(receives.takeArrived(source, destination), option);
  });

  await t.test('what is not of sshd is sent, and not kept', async (t) => {
    const { source, destination, option } = await dial({ to: [[TO.v4, PLAIN]] });
    t.not(option, null);
    t.equal(receives.takeArrived(source, destination), null);
  });

  await t.test('nothing is sent to who is no peer', async (t) => {
    const before = maps.hopOffered.keys().length;
    t.equal((await dial({ to: [[OTHER.v4, AFTER]] })).option, null);
    t.equal((await dial({ to: [[OTHER.v6, AFTER]], family: 6 })).option, null);
    t.equal((await dial({ to: [[`::ffff:${OTHER.v4}`, AFTER]], family: 6 })).option, null);
    const turned = await dial({
      port: 2301,
      to: [
        [TO.v4, 9],
        [OTHER.v4, AFTER],
      ],
    });
    t.same(
      [turned.ended, turned.option],
      [['ECONNREFUSED', 'connected'], null],
      'nor by a socket that was refused by one',
    );
    const again = await dial({
      port: 2302,
      to: [
        [OTHER.v4, 9],
        [TO.v4, AFTER],
      ],
    });
    const { source, destination } = again;
    const offered = again.option && sends.takeOffered(again.option.handle);
    t.match(offered, { source, destination }, 'the other way round it is');
    const twice = await dial({
      port: 2303,
      to: [
        [TO.v4, 9],
        [TO.v4, AFTER],
      ],
    });
    const [first] = (await hosts.sent(twice.source.port, 2)).map(optionIn);
    t.notSame(twice.option?.handle, first?.handle, 'each connect has its own handle');
    t.equal(maps.hopOffered.keys().length, before + 3, 'what was refused waits to be swept');
  });

  await t.test('a SYN that is sent again has the same option, and the third none', async (t) => {
    const { source } = await hosts.dial(caller, { to: [[NOBODY, 22]], seconds: 0.1 });
    const [first, second, third] = (await hosts.sent(source.port, 3)).map(optionIn);
    t.ok(first);
    t.same(second, first);
    t.equal(third, null, 'somebody between may drop what he does not know');
  });

  await t.test('where there is no room the connection goes without, and is counted', async (t) => {
    hosts.sysctl(receiver, 'net.ipv4.tcp_fastopen=2');
    const fastopen = await dial({ to: [[TO.v4, PLAIN]], fastopen: true });
    t.same([fastopen.ended, fastopen.option], [['connected'], null], 'TCP Fast Open asks for a cookie');
    t.equal(sends.counts.noRoom, 1n);
    const again = await dial({ to: [[TO.v4, PLAIN]], fastopen: true });
    t.same([again.ended, again.option], [['connected'], null], 'and has one');
    t.equal(sends.counts.noRoom, 2n);
    const { ended, source } = await hosts.dial(caller, { to: [[TO.v4, PLAIN]], proto: IPPROTO_MPTCP });
    if (ended[0] === 'EPROTONOSUPPORT') return t.comment('no MPTCP on this kernel');
    const [syn] = await hosts.sent(source.port);
    t.same([ended, syn && optionIn(syn)], [['connected'], null], 'MPTCP');
    t.equal(sends.counts.noRoom, 3n);
  });

  await t.test('SYN cookies lose it', async (t) => {
    hosts.sysctl(receiver, 'net.ipv4.tcp_syncookies=2');
    t.teardown(() => hosts.sysctl(receiver, 'net.ipv4.tcp_syncookies=1'));
    const { ended, source, destination, option } = await dial({ to: [[TO.v4, AFTER]] });
    t.same(ended, ['connected']);
    t.not(option, null);
    t.equal(receives.takeArrived(source, destination), null);
  });

  await t.test("what came with one connection is not the next one's from the same port", async (t) => {
    const first = await dial({ to: [[TO.v4, AFTER]], port: 2310, reset: true });
    const arrived = () =>
      receiver.kernel.maps.hopArrived.keys().some(({ clientPort }) => clientPort === 2310);
    await until(arrived, 'the first is there');
    sends.setPeers([]);
    const second = await dial({ to: [[TO.v4, AFTER]], port: 2310 });
    t.same([second.ended, second.option, second.source], [['connected'], null, first.source]);
    t.equal(receives.takeArrived(second.source, second.destination), null);
    sends.setPeers(peers);
    const third = await dial({ to: [[TO.v4, AFTER]] });
    receives.setPeers([]);
    receives.setPeers([{ addresses: [FROM.v4], key: BACK }]);
    t.equal(
      receives.takeArrived(third.source, third.destination),
      null,
      'nor kept where nobody looks any more',
    );
  });

  await t.test(
    'an option by another key arrives, and is not what its sender would have signed',
    async (t) => {
      sends.setPeers([{ addresses: ['10.99.0.0/24'], key: Buffer.alloc(16, 7) }]);
      const { source, destination } = await dial({ to: [[TO.v4, AFTER]] });
      const arrived = receives.takeArrived(source, destination);
      if (!arrived) return t.fail('nothing arrived');
      t.notSame(arrived.mac, macOf(KEY, arrived.handle));
      sends.setPeers(peers);
    },
  );

  await t.test('peers are replaced; bad ones change nothing', async (t) => {
    const handleTo = async (address: string) => {
      const { option } = await dial({ to: [[address, AFTER]] });
      return option && (option.mac.equals(macOf(KEY, option.handle)) ? 'key' : 'another');
    };
    const other = Buffer.alloc(16, 9);
    sends.setPeers([
      { addresses: [TO.v4], key: KEY },
      { addresses: ['10.99.0.0/24', `${OTHER.v4}/32`], key: other },
    ]);
    t.same([await handleTo(TO.v4), await handleTo(OTHER.v4)], ['key', 'another'], 'the longest prefix');
    const bad: [string[], Buffer][] = [
      [['10.0.0.0/33'], KEY],
      [['10.0.0.0/-1'], KEY],
      [['10.0.0.0/'], KEY],
      [['10.0.0.0/8/8'], KEY],
      [['bastion2'], KEY],
      [['fd99::/129'], KEY],
      [[TO.v4], KEY.subarray(1)],
    ];
    for (const [addresses, key] of bad)
      t.throws(() => sends.setPeers([{ addresses, key }]), RangeError, addresses[0] ?? '');
    const two = [
      { addresses: ['10.99.0.7/24'], key: KEY },
      { addresses: ['10.99.0.0/24'], key: other },
    ];
    t.throws(() => sends.setPeers(two), { message: 'two peers have the address 10.99.0.0/24' });
    t.equal(await handleTo(OTHER.v4), 'another', 'as before');
    const many = Array.from({ length: 4097 }, (_, n) => `10.${n >> 8}.${n & 255}.1`);
    t.throws(() => sends.setPeers([{ addresses: [TO.v4, ...many], key: KEY }]), { code: 'map_full' });
    t.equal(await handleTo(TO.v4), 'key', 'with too many, those that there is room for');
    sends.setPeers([]);
    t.same([await handleTo(TO.v4), maps.hopPeers.keys(), maps.hopTallies.get(0)], [null, [], 0n]);
    sends.setPeers(peers);
    t.equal(await handleTo(TO.v4), 'key');
  });

  await t.test(
    'what waits is forgotten from the oldest on where it is too much, and swept by age',
    async (t) => {
      const end = {
        source: addressBytes(FROM.v4),
        destination: addressBytes(TO.v4),
        sourcePort: 1,
        destinationPort: 22,
      };
      for (let n = 1n; n <= 20_000n; n++) maps.hopOffered.set(n, { ...end, atNs: n });
      const { source, destination, option } = await dial({ to: [[TO.v4, AFTER]] });
      t.match(option && sends.takeOffered(option.handle), { source, destination }, 'what is new is there');
      t.ok(receives.takeArrived(source, destination));
      t.ok(maps.hopOffered.keys().length <= 16_384);
      const all = maps.hopOffered.keys().length;
      const began = performance.now();
      const swept = sends.sweep(20_001n);
      t.comment(`swept ${swept} in ${Math.round(performance.now() - began)} ms`);
      t.ok(swept > 10_000, `${swept} were older`);
      const left = all - swept;
      t.equal(sends.sweep(1n << 62n), left);
      t.same(maps.hopOffered.keys(), []);
      await dial({ to: [[TO.v4, AFTER]] });
      t.equal(receives.sweep(1n), 0, 'nothing is that old');
      t.ok(receives.sweep(1n << 62n) > 0);
      t.same(receiver.kernel.maps.hopArrived.keys(), []);
      t.equal(sends.takeOffered(Buffer.alloc(7)), null);
    },
  );

  await t.test('a listener that cannot be reached is said, with what to do', async (t) => {
    t.equal(saveSyns(0x3fffff), 0, 'a process that has gone has none');
    const stranger = await hosts.caller(receiver);
    t.equal(saveSyns(stranger.pid), 0, 'nor has one that does not listen');
    await hosts.listen(stranger, '0.0.0.0', 2207);
    t.equal(saveSyns(stranger.pid), 1);
    const code = `import(${JSON.stringify(SAVE_SYN)}).then(({ saveSyns }) => saveSyns(${stranger.pid}))`;
    const without = [
      '--bounding-set',
      '-sys_ptrace,-dac_read_search,-dac_override',
      process.execPath,
      '-e',
      code,
    ];
    const { stderr } = spawnSync('setpriv', without, { encoding: 'utf8' });
    t.match(stderr, /Error: \/proc\/\d+: EACCES/, 'without CAP_SYS_PTRACE');
    const unable = new HopOption(receiver.kernel.maps, () => {
      throw new Error('pidfd_getfd: EPERM');
    });
    unable.setPeers(peers);
    t.equal(unable.missing.length, 2, 'of both sshd');
    t.match(unable.missing[0], /process \d+ listened .*\(pidfd_getfd: EPERM\).*systemctl restart ssh$/);
    unable.setPeers([]);
    t.same(unable.missing, [], 'which matters to nobody without peers');
  });
});
