import t from 'tap';
import { systemResolvers } from '../../src/config/resolvers.ts';
import { didYouMean } from '../../src/config/similar.ts';

t.test('nameservers of a resolv.conf', async (t) => {
  const directory = t.testdir({
    plain:
      '# c\nsearch example.com\nnameserver 10.0.0.53\nnameserver\t::ffff:10.0.0.54 # x\nnameserver 10.0.0.53\n',
    zone: 'nameserver fe80::1%eth0\n;nameserver 10.0.0.1\nnameservers 10.0.0.2\n',
    wrong: 'options edns0\nnameserver 10.0.0\nnameserver 127.0.0.53\n',
    none: 'search example.com\n',
  });
  const at = (name: string) => systemResolvers(`${directory}/${name}`);
  t.strictSame(at('plain'), { resolvers: ['10.0.0.53', '10.0.0.54'], warnings: [] });
  t.strictSame(at('zone').resolvers, ['fe80::1']);
  t.strictSame(at('wrong').resolvers, ['127.0.0.53']);
  t.match(at('wrong').warnings, [{ line: 2, column: 12, message: /no IP address/ }]);
  for (const name of ['none', 'missing']) {
    t.strictSame(at(name).resolvers, ['127.0.0.1']);
    t.match(at(name).warnings, [{ message: /names no resolver/ }]);
  }
});

t.test('did you mean', async (t) => {
  const known = ['addresses', 'ports', 'protocol', 'trust_account', 'v4', 'v6'];
  const cases: readonly [string, string | null][] = [
    ['adresses', 'addresses'],
    ['protcol', 'protocol'],
    ['trustAccount', 'trust_account'],
    ['Ports', 'ports'],
    ['prots', 'ports'],
    ['zebra', null],
    ['', null],
    ['v5', 'v4'],
    ['x'.repeat(100_000), null],
  ];
  for (const [written, near] of cases) {
    t.equal(
      didYouMean(written, known),
      near === null ? null : `did you mean "${near}"?`,
      written.slice(0, 20),
    );
  }
});
