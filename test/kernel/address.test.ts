/** Addresses, names and generated layouts: bytes that cross between the kernel and TypeScript. */
import { isIPv6 } from 'node:net';
import t from 'tap';
import { addressBytes, addressText, flowKey } from '../../src/kernel/address.ts';
import { nameLayout } from '../../src/kernel/bpf-map.ts';
import * as layouts from '../../src/kernel/layouts.generated.ts';
import { Random } from '../core/random.ts';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

t.test('text and bytes of an address', async (t) => {
  /** Text as RFC 5952 wants it, and its 16 bytes. */
  const canonical: [string, string][] = [
    ['::', '00000000 00000000 00000000 00000000'],
    ['::1', '00000000 00000000 00000000 00000001'],
    ['2001:db8::1', '20010db8 00000000 00000000 00000001'],
    ['2001:db8:0:1:1:1:1:1', '20010db8 00000001 00010001 00010001'],
    ['2001:0:0:1::1', '20010000 00000001 00000000 00000001'],
    ['2001:db8::1:0:0:1', '20010db8 00000000 00010000 00000001'],
    ['2001:db8:aaaa:bbbb:cccc:dddd:eeee:1', '20010db8 aaaabbbb ccccdddd eeee0001'],
    ['1::', '00010000 00000000 00000000 00000000'],
    ['0:1:2:3:4:5:6:7', '00000001 00020003 00040005 00060007'],
    ['fe80::f:0:abcd', 'fe800000 00000000 0000000f 0000abcd'],
    ['::102:304', '00000000 00000000 00000000 01020304'],
    ['0.0.0.0', '00000000 00000000 0000ffff 00000000'],
    ['10.77.0.20', '00000000 00000000 0000ffff 0a4d0014'],
    ['255.255.255.255', '00000000 00000000 0000ffff ffffffff'],
  ];
  for (const [text, hex] of canonical) {
    t.equal(addressText(bytes(hex)), text);
    t.same(addressBytes(text), bytes(hex), text);
  }
  /** Other ways to write one, and the one that is written. */
  const other: [string, string][] = [
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::FFFF:0a00:1', '10.0.0.1'],
    ['0:0:0:0:0:ffff:1.2.3.4', '1.2.3.4'],
    ['::1.2.3.4', '::102:304'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['2001:DB8:0:0:8:800:200C:417A', '2001:db8::8:800:200c:417a'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
  ];
  for (const [text, written] of other) t.equal(addressText(addressBytes(text)), written, text);
  t.same(flowKey({ address: '10.0.0.1', port: 65_535 }), { addr: addressBytes('10.0.0.1'), port: 65_535 });
});

t.test('what is no address is refused', async (t) => {
  const none = ['', ' ', 'localhost', '1.2.3', '1.2.3.4.5', '300.1.1.1', '01.2.3.4', '1.2.3.4 ', ':', ':::'];
  none.push(
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    '1x::',
    'g::',
    '-1::',
    '+1::',
    '::1%lo',
  );
  none.push('::ffff:1.2.3.256', '::1.2.3', '1.2.3.4::', '[::1]', '::1/128', '0x7f.1', `${'1:'.repeat(9000)}`);
  for (const text of none) t.throws(() => addressBytes(text), RangeError, text.slice(0, 40));
});

t.test('any 16 bytes: text that says the same, short, without zeros that could be left out', async (t) => {
  const random = new Random(2);
  let wrong = 0;
  for (let n = 0; n < 3000; n++) {
    const address = random.bytes(16);
    for (let zero = random.below(9); zero > 0; zero--) {
      const at = random.below(8) * 2;
      address.fill(0, at, at + 2);
    }
    const text = addressText(address);
    const same = Buffer.compare(addressBytes(text), address) === 0;
    const short = text.length <= 39 && !/(?:^|:)0[0-9a-f]/.test(text) && !/[A-Z]/.test(text);
    const left = /(?:^|:)0:0(?::|$)/.test(text) && !text.includes('::');
    if (!same || !short || left || !isIPv6(text)) {
      wrong++;
      t.fail(text);
    }
  }
  t.equal(wrong, 0);
  for (const length of [0, 1, 15, 17, 4096])
    t.ok(addressText(random.bytes(length)).length <= 39, `${length} bytes`);
});

t.test('a name is cut to its field and padded', async (t) => {
  const layout = nameLayout(16);
  const view = new DataView(new ArrayBuffer(24));
  const through = (name: string) => {
    new Uint8Array(view.buffer).fill(0xff);
    layout.write(view, 4, name);
    t.equal(view.getUint32(0), 0xffffffff, 'nothing before it');
    t.equal(view.getUint32(20), 0xffffffff, 'nor after');
    return layout.read(view, 4);
  };
  t.equal(through('sshd'), 'sshd');
  t.equal(through(''), '');
  t.equal(through('fifteen-letters'), 'fifteen-letters');
  t.equal(through('sixteen-letters!'), 'sixteen-letters');
  t.equal(through('before\0after'), 'before');
});

interface Struct {
  readonly name: string;
  readonly size: number;
  read(view: DataView, at: number): Record<string, unknown>;
  write(view: DataView, at: number, value: Record<string, unknown>): void;
}

const all = layouts as unknown as Record<string, unknown>;
const structs = Object.keys(all)
  .filter((key) => key.startsWith('readHl'))
  .map((key) => {
    const name = key.slice('read'.length);
    const size = all[`${name.charAt(0).toLowerCase()}${name.slice(1)}Size`];
    return { name, size, read: all[key], write: all[`write${name}`] } as Struct;
  });

t.test('each generated layout writes what it reads, within its size', async (t) => {
  t.ok(structs.length >= 20, `${structs.length} structs`);
  const random = new Random(3);
  for (const { name, size, read, write } of structs) {
    t.equal(size % 4, 0, `${name}: ${size} bytes`);
    const from = new DataView(random.bytes(size).buffer as ArrayBuffer);
    const value = read(from, 0);
    const into = new DataView(new ArrayBuffer(size));
    write(into, 0, value);
    t.same(read(into, 0), value, `${name}: the same after writing and reading`);
    const outside = new DataView(new ArrayBuffer(size + 16));
    write(outside, 8, value);
    t.same(Buffer.from(outside.buffer, 8, size), Buffer.from(into.buffer), `${name}: at any offset`);
    t.same([outside.getBigUint64(0), outside.getBigUint64(size + 8)], [0n, 0n], `${name}: within its size`);
  }
});

t.test('an event that ends before its room does is read as far as it goes', async (t) => {
  const { readHlExecEvent, hlExecEventSize, HL_ARGV_MAX, HL_FILENAME_MAX } = layouts;
  const cut = hlExecEventSize - HL_ARGV_MAX - HL_FILENAME_MAX + 5;
  const event = readHlExecEvent(new DataView(new ArrayBuffer(cut)), 0);
  t.equal(event.data.length, 5);
});
