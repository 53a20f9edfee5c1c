import { getCountries, getExampleNumber } from 'libphonenumber-js/min';
import examples from 'libphonenumber-js/mobile/examples';
import t from 'tap';
import { found, only } from './support.ts';

const phones = only('phone');

t.test('libphonenumber’s example of every country, as people write it', async (t) => {
  for (const country of getCountries()) {
    const number = getExampleNumber(country, examples);
    if (number === undefined) continue;
    const international = number.formatInternational();
    const forms = [
      number.number,
      international,
      international.replace(/ /g, '-'),
      international.replace(/ /g, '.'),
    ];
    for (const shown of [
      ...forms,
      international.replace(/ /g, '\u00a0'),
      international.replace(/^(\S+) (\S+)(?= )/, '$1 ($2)'),
    ]) {
      t.strictSame(found(phones, shown), [`phone:${shown}`], `${country} ${shown}`);
      t.strictSame(found(phones, `call ${shown}, please`), [`phone:${shown}`]);
    }
  }
});

t.test('in a text', async (t) => {
  const cases: [string, string[]][] = [
    ['call +49 30 901820 or mail a@b.c', ['phone:+49 30 901820']],
    ['tel:+442079460958', ['phone:+442079460958']],
    ['+44 (0)20 7946 0958', ['phone:+44 (0)20 7946 0958']],
    ['+49/30/901820', ['phone:+49/30/901820']],
    ['＋４９ ３０ ９０１８２０', ['phone:＋４９ ３０ ９０１８２０']],
    ['+1 202-555-0123 ext. 5', ['phone:+1 202-555-0123']],
    ['+12025550123,+12025550124', ['phone:+12025550123', 'phone:+12025550124']],
    ['++49 30 901820', ['phone:+49 30 901820']],
    ['+12025550123x', []],
    ['+49 30 901820abc', []],
  ];
  for (const [text, hits] of cases) t.strictSame(found(phones, text), hits, text);
});

t.test('what is none', async (t) => {
  const none = [
    ...[
      '030 901820',
      '0049 30 901820',
      '(202) 555-0123',
      '202-555-0123',
      '4930901820',
      '+',
      '+1',
      '+49',
      '+0123456789',
    ],
    ...[
      '2024-01-31T12:00:00+01:00',
      '2024-01-31 12:00:00+0100',
      '1+2025550123',
      'x+12025550123',
      '1.5e+12025550123',
    ],
    ...[
      '+15550100',
      '+99912345678',
      '+111111111',
      '+123',
      'C++ 2023 1234567',
      '+ 49 30 901820',
      '+4411111111111111111111',
      'a+b',
      '',
    ],
  ];
  for (const text of none) t.strictSame(found(phones, text), [], text);
});

t.test('a text made of them costs no more than a thousand look-ups', async (t) => {
  const text = '+1 2 3 4 5 6 7 8 9 0 1 2 '.repeat(5000);
  const before = process.cpuUsage();
  const hits = phones.find(text);
  const { user } = process.cpuUsage(before);
  t.ok(hits.length > 4000, 'the rest counts as found');
  t.ok(user < 2_000_000, `${user / 1000} ms`);
});
