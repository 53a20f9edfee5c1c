import t from 'tap';
import { AddressError, isLoopback, parseAddress, parsePrefix } from '../../src/config/address.ts';

const PREFIXES: readonly [string, string][] = [
  ['10.0.3.5', '10.0.3.5/32'],
  ['10.0.0.0/8', '10.0.0.0/8'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['::/0', '::/0'],
  ['FD00:0:0::5', 'fd00::5/128'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1/128'],
  ['fd77::/64', 'fd77::/64'],
  ['::ffff:10.1.2.3', '10.1.2.3/32'],
  ['::ffff:a01:203', '10.1.2.3/32'],
  ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
  ['::ffff:0:0/96', '0.0.0.0/0'],
  ['::/64', '::/64'],
  ['10.77.0.6/31', '10.77.0.6/31'],
];

t.test('prefixes become canonical, mapped ones the IPv4 they map', async (t) => {
  for (const [written, expected] of PREFIXES) t.equal(parsePrefix(written), expected, written);
});

const WRONG: readonly [string, RegExp][] = [
  ['', /no IP address/],
  ['10.1', /no IP address/],
  ['010.0.0.1', /no IP address/],
  ['0x0a000001', /no IP address/],
  ['167772161', /no IP address/],
  ['10.0.0.256', /no IP address/],
  ['10.0.0.1 ', /no IP address/],
  ['10.0.0.1\n', /no IP address/],
  ['10.0.0.0/33', /no prefix length/],
  ['10.0.0.0/', /no prefix length/],
  ['10.0.0.0/08', /no prefix length/],
  ['10.0.0.0/8/8', /no prefix length/],
  ['10.0.0.0/-1', /no prefix length/],
  ['fd00::/129', /no prefix length/],
  ['10.0.0.5/8', /bits set after/],
  ['fd00::1/64', /bits set after/],
  ['::ffff:10.0.0.1/104', /bits set after/],
  ['fe80::1%eth0', /zone/],
  ['db.example.com', /no IP address/],
  [':', /no IP address/],
  [`${'1:'.repeat(50_000)}`, /no IP address/],
];

t.test('what is no prefix is refused with a way to mend it', async (t) => {
  for (const [written, expected] of WRONG)
    t.throws(() => parsePrefix(written), { message: expected }, written.slice(0, 40));
  t.match(hintOf('10.0.0.5/8'), 'write 10.0.0.0/8 for the network, or 10.0.0.5/32 for the one address');
  t.match(
    hintOf('::ffff:10.0.0.1/104'),
    'write 10.0.0.0/8 for the network, or 10.0.0.1/32 for the one address',
  );
  t.match(hintOf('db.example.com'), /names are not resolved/);
});

t.test('loopback', async (t) => {
  for (const yes of ['127.0.0.1', '127.255.0.9', '::1', '::ffff:127.0.0.1']) t.ok(isLoopback(yes), yes);
  for (const no of ['128.0.0.1', '::2', '0.0.0.0', 'localhost', '']) t.notOk(isLoopback(no), no);
  t.equal(parseAddress('::FFFF:192.0.2.1'), '192.0.2.1');
  t.throws(() => parseAddress('10.0.0.0/8'), AddressError);
});

function hintOf(text: string): string | null {
  try {
    parsePrefix(text);
  } catch (error) {
    if (error instanceof AddressError) return error.hint;
  }
  return null;
}
