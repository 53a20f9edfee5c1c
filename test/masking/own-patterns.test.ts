import t from 'tap';
import { Detectors } from '../../src/masking/detectors/detectors.ts';
import { FULL, parseMaskForm } from '../../src/masking/forms.ts';
import { Random } from '../core/random.ts';
import { found, KEY } from './support.ts';

const LAST4 = parseMaskForm('last4', KEY);
const own = (pattern: string, form = FULL, name = 'own'): Detectors =>
  new Detectors({ enabled: [], patterns: [{ name, pattern, form }] });

t.test('a pattern finds, with its own form', async (t) => {
  const detectors = new Detectors({
    enabled: ['email'],
    patterns: [{ name: 'employee', pattern: 'EMP-\\d{6}', form: LAST4 }],
  });
  t.strictSame(found(detectors, 'EMP-123456 is a@b.c'), ['employee:EMP-123456', 'email:a@b.c']);
  t.equal(detectors.maskIn('EMP-123456 is a@b.c', FULL), '***3456 is ***');
  t.ok(detectors.hasPatterns);
  t.notOk(detectors.mayContain(Buffer.from('EMQ-123456')), 'a fixed beginning is looked for');
  t.ok(detectors.mayContain(Buffer.from('xEMP-')));
  t.notOk(detectors.mayContain(Buffer.from('xEMP-'), 0, 4), 'within the value');
  t.ok(own('[A-Z]{3}-\\d+').mayContain(Buffer.from('x')), 'without one nothing is ruled out');
});

t.test('leftmost and longest, in UTF-16 code units', async (t) => {
  t.strictSame(found(own('a|ab|abc'), 'xabcab'), ['own:abc', 'own:ab']);
  t.strictSame(own('漢字').find('🙂漢字'), [{ detector: 'own', start: 2, end: 4, merged: false }]);
  t.strictSame(found(own('(?i)straße'), 'STRAßE'), ['own:STRAßE']);
  t.strictSame(found(own('^\\d{4}$'), '1234'), ['own:1234']);
  t.strictSame(found(own('\\bx\\b|y'), 'x xy y'), ['own:x', 'own:y', 'own:y']);
});

t.test('a mistake is told with its place', async (t) => {
  const cases: [pattern: string, message: RegExp, position: number | null][] = [
    ['ab(c', /missing closing \) at character 3 of ab\(c/, 2],
    ['(a)(b(c)', /missing closing \)/, 3],
    ['abc)', /unexpected \)/, 3],
    ['a[b', /missing closing \]/, 1],
    ['x[z-a]', /invalid character class range/, 2],
    ['a**', /invalid nested repetition operator/, 1],
    ['(a)\\1', /invalid escape sequence/, 3],
    ['a(?=b)', /invalid or unsupported Perl syntax/, 1],
    ['a(?<=b)c', /invalid named capture/, 1],
    ['a{2,1}', /invalid repeat count/, 1],
    ['a{1001}', /invalid repeat count/, 1],
    ['*a', /missing argument to repetition operator/, 0],
    ['a\\', /trailing backslash/, 1],
    ['🙂漢(', /missing closing \)/, 2],
    ['x*', /matches the empty text/, null],
    ['', /matches the empty text/, null],
    ['a'.repeat(1001), /a pattern of 1001 characters, where 1000/, null],
    ['(a{30}){30}(b{30}){30}(c{30}){30}', /too large|invalid repeat count/, null],
  ];
  for (const [pattern, message, position] of cases) {
    t.throws(
      () => own(pattern),
      { name: 'DetectorError', detector: 'own', message, position },
      pattern.slice(0, 40),
    );
  }
  for (const name of ['card', 'too-long', '']) t.throws(() => own('x', FULL, name), /it is taken/, name);
  t.throws(
    () =>
      new Detectors({
        enabled: [],
        patterns: [
          { name: 'x', pattern: 'a', form: FULL },
          { name: 'x', pattern: 'b', form: FULL },
        ],
      }),
    /two detectors of this name/,
  );
});

t.test('patterns that hold a backtracking engine up', async (t) => {
  const text = `${'a'.repeat(20_000)}!`;
  for (const pattern of ['(a+)+b', '(a|aa)+b', '(a*)*b', '(.*)x(.*)y', 'a(.*b)?']) {
    const detectors = own(pattern);
    const before = process.cpuUsage();
    const hits = detectors.find(text);
    const { user } = process.cpuUsage(before);
    t.ok(user < 5_000_000, `${pattern}: ${user / 1000} ms`);
    if (pattern === 'a(.*b)?')
      t.equal(detectors.maskIn(text, FULL), '***', `${hits.length} hits: in doubt all of it`);
  }
});

t.test('random patterns: refused or compiled, and the prefilter agrees', async (t) => {
  const random = new Random(31);
  const parts = [
    'a',
    'b',
    'EMP',
    '\\d',
    '[a-c]',
    '(',
    ')',
    '|',
    '*',
    '+',
    '?',
    '{2}',
    '^',
    '$',
    '\\b',
    '.',
    '(?i)',
    'é',
    '\\',
    '[',
  ];
  const tally = { refused: 0, compiled: 0, found: 0 };
  for (let round = 0; round < 3000; round++) {
    let pattern = '';
    for (let n = 1 + random.below(6); n > 0; n--) pattern += random.pick(parts);
    let detectors: Detectors;
    try {
      detectors = own(pattern);
      tally.compiled += 1;
    } catch (error) {
      t.match(error, { name: 'DetectorError' });
      tally.refused += 1;
      continue;
    }
    for (let n = 0; n < 5; n++) {
      let text = '';
      for (let m = random.below(8); m > 0; m--)
        text += random.pick(['a', 'b', 'EMP', '1', 'é', 'emp', ' ', '\n', '🙂']);
      const hits = detectors.find(text);
      tally.found += hits.length > 0 ? 1 : 0;
      if (hits.length > 0 && !detectors.mayContain(Buffer.from(text)))
        t.fail(`${pattern} in ${JSON.stringify(text)}`);
    }
  }
  t.ok(tally.refused > 500 && tally.compiled > 500 && tally.found > 500, JSON.stringify(tally));
});
