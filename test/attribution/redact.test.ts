import t from 'tap';
import { redactArgv } from '../../src/attribution/redact.ts';

const HIDDEN = '‹hidden›';

t.test('secrets in their usual places are hidden', async (t) => {
  const cases: [string[], string[]][] = [
    [
      ['x', '--password=p', '--user=u'],
      ['x', `--password=${HIDDEN}`, '--user=u'],
    ],
    [
      ['env', 'PGPASSWORD=p', 'A=b'],
      ['env', `PGPASSWORD=${HIDDEN}`, 'A=b'],
    ],
    [
      ['x', 'a', '--db-token', 'p'],
      ['x', 'a', '--db-token', HIDDEN],
    ],
    [
      ['mysql', '-pp', 'db'],
      ['mysql', `-p${HIDDEN}`, 'db'],
    ],
    [
      ['curl', '-s', '-u', 'me:p'],
      ['curl', '-s', '-u', `me:${HIDDEN}`],
    ],
    [
      ['psql', 'postgres://me:p@db/x'],
      ['psql', `postgres://me:${HIDDEN}@db/x`],
    ],
    [
      ['curl', 'Authorization: Bearer abcdefghij'],
      ['curl', `Authorization: ${HIDDEN}`],
    ],
    [
      ['sh', '-c', 'A=1 PASSWORD=p run; B="x; TOKEN=q y"'],
      ['sh', '-c', `A=1 PASSWORD=${HIDDEN} run; B="x; TOKEN=${HIDDEN} y"`],
    ],
    [
      ['sh', '-c', 'mysql -h db -pp && curl -u me:p h'],
      ['sh', '-c', `mysql -h db -p${HIDDEN} && curl -u me:${HIDDEN} h`],
    ],
  ];
  for (const [argv, expected] of cases) t.same(redactArgv(argv), expected, argv.join(' '));
  const plain = ['tar', '-xf', 'a=b.tar', '--passive'];
  t.equal(redactArgv(plain), plain, 'nothing to hide: the same array');
});

t.test('text made to take long does not', async (t) => {
  const parts = [
    'x',
    'pass',
    'pass ',
    'eyJaaaaaaaaaa-',
    'mysql ',
    'curl -u ',
    'a://',
    'a=" ',
    'a=\'b=" ',
    '--pass',
    'x-key',
  ];
  const began = performance.now();
  for (const part of parts) for (let n = 0; n < 100; n++) redactArgv(['x', part.repeat(4096 / part.length)]);
  // Quadratic patterns took 20 ms for one of these 1,100.
  t.ok(performance.now() - began < 5_000);
});
