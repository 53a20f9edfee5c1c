import t from 'tap';
import { BUILT_IN } from '../../src/masking/detectors/built-in.ts';
import { Detectors, SCAN_LIMIT, TOO_LONG } from '../../src/masking/detectors/detectors.ts';
import { FULL, NULL, parseMaskForm } from '../../src/masking/forms.ts';
import { Random } from '../core/random.ts';
import { ALL, found, KEY, only, randomText } from './support.ts';

const NAMES = [...BUILT_IN.keys()];

t.test('several kinds in one text', async (t) => {
  const text = 'Pay 4111 1111 1111 1111 to DE89370400440532013000, call +49 30 901820 or mail a@b.c';
  t.strictSame(found(ALL, text), [
    'card:4111 1111 1111 1111',
    'iban:DE89370400440532013000',
    'phone:+49 30 901820',
    'email:a@b.c',
  ]);
  t.equal(ALL.maskIn(text, FULL), 'Pay *** to ***, call *** or mail ***');
  t.equal(ALL.maskIn(text, parseMaskForm('last4', KEY)), 'Pay ***1111 to ***3000, call ***1820 or mail ***');
  t.equal(ALL.maskIn('mail alice@example.com!', parseMaskForm('email', KEY)), 'mail a***@example.com!');
  t.equal(ALL.maskIn(text, NULL), ALL.maskIn(text, FULL), 'there is no NULL within a text');
  t.equal(ALL.maskIn('nothing here', FULL), 'nothing here');
  t.strictSame(ALL.find('nothing here'), []);
  t.strictSame(found(only('email'), text), ['email:a@b.c'], 'only what is enabled');
});

t.test('no detector at all', async (t) => {
  const none = new Detectors({ enabled: [], patterns: [] });
  t.ok(none.empty);
  t.notOk(ALL.empty);
  t.notOk(none.mayContain(Buffer.from('4111111111111111')));
  t.strictSame(none.find('4111111111111111'), []);
});

t.test('names that there are not', async (t) => {
  const enabled = (...names: string[]) => new Detectors({ enabled: names, patterns: [] });
  t.throws(() => enabled('cards'), {
    name: 'DetectorError',
    message: /^"cards": no such detector; there are card, iban/,
  });
  t.throws(() => enabled('constructor'), { name: 'DetectorError' });
  t.throws(() => enabled('card', 'card'), /two detectors of this name/);
});

t.test('hits that overlap are one, masked in full', async (t) => {
  const patterns = [
    { name: 'left', pattern: 'abcdefgh', form: parseMaskForm('last4', KEY) },
    { name: 'right', pattern: 'ghijklmn', form: parseMaskForm('last4', KEY) },
    { name: 'inner', pattern: 'cd', form: FULL },
  ];
  const detectors = new Detectors({ enabled: [], patterns });
  t.strictSame(detectors.find('xabcdefghx'), [{ detector: 'left', start: 1, end: 9, merged: false }]);
  t.strictSame(detectors.find('abcdefghijklmn'), [{ detector: 'left', start: 0, end: 14, merged: true }]);
  t.equal(detectors.maskIn('-abcdefghijklmn-', FULL), '-***-');
  t.equal(detectors.maskIn('-abcdefgh-ghijklmn-', FULL), '-***efgh-***klmn-');
});

t.test('hits are in order, apart, and within the text', async (t) => {
  const random = new Random(21);
  let hits = 0;
  for (let round = 0; round < 5000; round++) {
    const text = randomText(random, 14);
    let last = 0;
    for (const { start, end } of ALL.find(text)) {
      if (start < last || end <= start || end > text.length)
        t.fail(`${JSON.stringify(text)}: ${start} to ${end}`);
      last = end;
      hits += 1;
    }
  }
  t.ok(hits > 1000, `${hits} hits`);
});

t.test('what was found is not found again once it is masked', async (t) => {
  const random = new Random(22);
  for (let round = 0; round < 3000; round++) {
    const text = randomText(random, 6);
    const masked = ALL.maskIn(text, FULL);
    for (const { start, end } of ALL.find(text)) {
      if (masked.includes(text.slice(start, end)) && text.split(text.slice(start, end)).length === 2)
        t.fail(`${JSON.stringify(text)} became ${JSON.stringify(masked)}`);
    }
  }
  t.pass('3,000 texts');
});

t.test('the prefilter never says no where something is found', async (t) => {
  const random = new Random(23);
  const each = NAMES.map((name) => [name, only(name)] as const);
  const tally = { no: 0, found: 0 };
  for (let round = 0; round < 12_000; round++) {
    const text = randomText(random, 7);
    const bytes = Buffer.from(text);
    const padded = Buffer.concat([Buffer.from('DE1'), bytes, Buffer.from('1@+')]);
    for (const [name, detectors] of round % 3 === 0
      ? [...each, ['all', ALL] as const]
      : [['all', ALL] as const]) {
      const may = detectors.mayContain(bytes);
      const hits = detectors.find(bytes.toString()).length;
      if (!may && hits > 0) t.fail(`${name}: ${JSON.stringify(text)}`);
      if (may !== detectors.mayContain(padded, 3, padded.length - 3))
        t.fail(`${name}: bytes around ${JSON.stringify(text)}`);
      tally.no += may ? 0 : 1;
      tally.found += hits > 0 ? 1 : 0;
    }
  }
  t.ok(tally.no > 3000, `${tally.no} times no`);
  t.ok(tally.found > 3000, `${tally.found} times found`);
});

t.test('the prefilter says no to what most values are', async (t) => {
  const plain = [
    'delivered',
    'Alice Example',
    '2024-01-31 12:34:56.123456+00',
    '10.0.0.1',
    '12.50',
    'Jörg Müller, Königstraße 5',
  ];
  const ids = [
    '550e8400-e29b-41d4-a716-446655440000',
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  ];
  const prose = 'The parcel left on 12 March 2024 in 2 boxes, and was handed over at 14:05.';
  for (const text of [
    ...plain,
    ...ids,
    prose,
    '東京都千代田区丸の内一丁目',
    'true',
    '',
    'SKU-12345',
    '{"a": [1, 2, 3]}',
  ])
    t.notOk(ALL.mayContain(Buffer.from(text)), text);
  t.ok(ALL.mayContain(Buffer.from('Müller', 'latin1')), 'but not to bytes that are no UTF-8');
});

t.test('a text that is too long is one hit, or none', async (t) => {
  const long = 'x'.repeat(SCAN_LIMIT + 1);
  t.strictSame(ALL.find(long), []);
  const end = long.length + 'a@b.c'.length;
  t.strictSame(ALL.find(`${long}a@b.c`), [{ detector: TOO_LONG, start: 0, end, merged: true }]);
  t.equal(ALL.maskIn(`${long}a@b.c`, parseMaskForm('last4', KEY)), '***');
  t.equal(
    ALL.maskIn(`${'x '.repeat(SCAN_LIMIT / 2 - 10)}a@b.c`, FULL).slice(-5),
    'x ***',
    'up to the limit it is searched',
  );
});

t.test('texts made to hold the search up do not', async (t) => {
  const parts = [
    '4111 ',
    '4 ',
    '1-',
    'DE89 ',
    'a@',
    'a.',
    '@a.',
    '+1 ',
    '+1234567 ',
    '123-45-',
    'AB12 ',
    'bsn ',
    'bsn1',
    '"@',
    '""@',
  ];
  for (const part of [
    ...parts,
    '1.1.1@1.',
    '\u200b',
    '４',
    '4111111111111111 ',
    'x@[',
    '86 095 742 ',
    '2A',
    '.@.',
    'a@a.a1.',
  ]) {
    const text = part.repeat(SCAN_LIMIT / part.length);
    const before = process.cpuUsage();
    ALL.find(text);
    const { user } = process.cpuUsage(before);
    t.ok(user < 1_500_000, `${JSON.stringify(part)}: ${user / 1000} ms`);
  }
});
