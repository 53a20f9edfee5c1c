import t from 'tap';
import { bytes, clock, duration, endpoint } from '../../src/cli/format.ts';
import { sinceOption } from '../../src/cli/since.ts';
import { styleFor } from '../../src/cli/style.ts';

t.test('bytes and durations as people read them', async (t) => {
  const sizes: [number, string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [1234, '1.2 kB'],
    [9960, '10 kB'],
    [999_499, '999 kB'],
    [999_999, '1 MB'],
    [8e12, '8 TB'],
  ];
  for (const [count, text] of sizes) t.equal(bytes(count), text);
  const times: [number, string][] = [
    [-5, '0 ms'],
    [800, '800 ms'],
    [1000, '1 s'],
    [59_940, '59.9 s'],
    [61_000, '1 min 1 s'],
    [3_660_000, '1 h 1 min'],
    [200_000_000, '2 d 7 h'],
  ];
  for (const [millis, text] of times) t.equal(duration(millis), text);
  t.equal(endpoint({ address: '2001:db8::1', port: 22 }), '[2001:db8::1]:22');
});

t.test('times are local', async (t) => {
  const now = new Date('2026-01-02T23:30:00Z');
  process.env.TZ = 'Asia/Kolkata';
  t.equal(clock('2026-01-02T20:00:00.000Z', now), '01:30:00', 'the same day there');
  t.equal(clock('2026-01-02T12:00:00.000Z', now), '2026-01-02 17:30:00');
  process.env.TZ = 'UTC';
  t.equal(clock('2026-01-02T12:00:00.000Z', now), '12:00:00');
});

t.test('--since', async (t) => {
  const now = new Date('2026-01-02T12:00:00Z');
  t.equal(sinceOption('2h', now), '2026-01-02T10:00:00.000Z');
  t.equal(sinceOption('7d', now), '2025-12-26T12:00:00.000Z');
  t.equal(sinceOption('2026-01-01T00:00:00Z', now), '2026-01-01T00:00:00.000Z');
  t.equal(sinceOption(undefined, now), undefined);
  t.throws(() => sinceOption('yesterday', now), { name: 'UsageError' });
});

t.test('colour only where somebody sees it and wants it', async (t) => {
  const base = {
    tty: true,
    columns: 100,
    color: true,
    ascii: false,
    env: { TERM: 'xterm', LANG: 'en_GB.UTF-8' },
  };
  const coloured = (over: object) => styleFor({ ...base, ...over }).colors.isColorSupported;
  t.equal(coloured({}), true);
  t.equal(coloured({ tty: false }), false);
  t.equal(coloured({ color: false }), false);
  t.equal(coloured({ env: { TERM: 'dumb' } }), false);
  t.equal(coloured({ env: { TERM: 'xterm', NO_COLOR: '1' } }), false);
  t.equal(coloured({ env: { TERM: 'xterm', NO_COLOR: '' } }), true, 'no-color.org: when not empty');
  const branch = (over: object) => styleFor({ ...base, ...over }).glyphs.branch;
  t.equal(branch({}), '├─ ');
  t.equal(branch({ tty: false }), '├─ ');
  t.equal(branch({ ascii: true, tty: false }), '|- ');
  t.equal(branch({ env: { TERM: 'xterm', LC_ALL: 'C', LANG: 'en_GB.UTF-8' } }), '|- ');
  t.equal(styleFor({ ...base, tty: false }).columns, null);
});
