/** SASLprep against two others: Python's tables, code point by code point, and what PostgreSQL makes of passwords. */

import { execFileSync } from 'node:child_process';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import t from 'tap';
import {
  LEFT_TO_RIGHT,
  NOTHING,
  PROHIBITED,
  RIGHT_TO_LEFT,
  SPACES,
  UNASSIGNED,
} from '../../../../src/protocols/postgres/auth/saslprep.generated.ts';
import { saslprep } from '../../../../src/protocols/postgres/auth/saslprep.ts';
import { Random } from '../../../core/random.ts';
import { startPostgres } from './server.ts';

t.test('the examples of RFC 4013 section 3', async (t) => {
  const cases: [string, string][] = [
    ['I\u00adX', 'IX'],
    ['user', 'user'],
    ['USER', 'USER'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
  ];
  for (const [password, prepared] of cases) t.equal(saslprep(password).toString(), prepared);
});

t.test('what is prohibited stays as it is', async (t) => {
  for (const password of [
    '\u0007',
    '\u0627\u0031',
    '\u0007ﬁ',
    'ﬁ\u0221',
    '\u00ad',
    'ﬁ\ue000',
    '\u0627aﬁ',
    '',
  ])
    t.equal(saslprep(password).toString(), password, JSON.stringify(password));
});

const TABLES = { SPACES, NOTHING, PROHIBITED, UNASSIGNED, RIGHT_TO_LEFT, LEFT_TO_RIGHT };

const compared = (code: number): boolean =>
  code < 0x3500 ||
  (code >= 0xd7a0 && code < 0x20010) ||
  (code >= 0xe0000 && code < 0xe1010) ||
  (code & 0xffff) >= 0xfff0;

const PYTHON = `
import stringprep as s
# What lies between has no exceptions: ideographs, planes without characters, private use.
codes = [c for c in range(0x110000) if c < 0x3500 or 0xd7a0 <= c < 0x20010 or 0xe0000 <= c < 0xe1010 or c & 0xffff >= 0xfff0]
prohibited = [s.in_table_c12, s.in_table_c21_c22, s.in_table_c3, s.in_table_c4, s.in_table_c5, s.in_table_c6, s.in_table_c7, s.in_table_c8, s.in_table_c9]
tables = [s.in_table_c12, s.in_table_b1, lambda c: any(f(c) for f in prohibited), s.in_table_a1, s.in_table_d1, s.in_table_d2]
for f in tables:
    print(' '.join('%x' % code for code in codes if f(chr(code))))
`;

t.test('the tables are those of Python', async (t) => {
  const lines = execFileSync('python3', ['-c', PYTHON], { encoding: 'latin1', maxBuffer: 1 << 28 }).split(
    '\n',
  );
  for (const [index, [name, table]] of Object.entries(TABLES).entries()) {
    const edges = table.split(' ').map((word) => Number.parseInt(word, 16));
    const codes: string[] = [];
    for (let at = 0; at < edges.length; at += 2)
      for (let code = edges[at] ?? 0; code <= (edges[at + 1] ?? 0); code += 1)
        if (compared(code)) codes.push(code.toString(16));
    t.equal(codes.join(' ') === lines[index], true, name);
  }
});

t.test('the same bytes as PostgreSQL makes of a password', async (t) => {
  using server = await startPostgres();
  const random = new Random(11);
  const alphabet = [
    ...[
      'a',
      '1',
      ' ',
      'é',
      'e\u0301',
      'ﬁ',
      'Ⅸ',
      '漢',
      '\u00a0',
      '\u2003',
      '\u200b',
      '\u3000',
      '\u00ad',
      '\ufe0f',
      '\ufeff',
    ],
    ...[
      'א',
      'ب',
      '\u0661',
      '\u0221',
      '\u{1f600}',
      '\u1e9e',
      '\ue000',
      '\u200e',
      '\u0340',
      '\u{e0041}',
      '\uac00',
      'ᄀ',
      'ᅡ',
    ],
    ...[
      '\u00aa',
      '½',
      '™',
      '\u0007',
      '~',
      'ﷺ',
      '\u{1d54f}',
      'ǆ',
      '\u0344',
      '\u2126',
      '\u{2f868}',
      '\u1d2c',
      '\ufa6b',
      '\u{1ee00}',
    ],
  ];
  const passwords = alphabet.filter((char) => char !== '\u00ad');
  while (passwords.length < 250)
    passwords.push(Array.from({ length: 1 + random.below(5) }, () => random.pick(alphabet)).join(''));
  const statements = passwords.map(
    (password) =>
      `ALTER ROLE scram_user PASSWORD '${password}'; SELECT rolpassword FROM pg_authid WHERE rolname = 'scram_user';`,
  );
  const verifiers = server
    .sql(`\\encoding UTF8\n${statements.join('\n')}`)
    .trim()
    .split('\n');
  t.equal(verifiers.length, passwords.length);
  for (const [index, verifier] of verifiers.entries()) {
    const password = passwords[index] ?? '';
    const [, iterations, salt = '', storedKey] =
      /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):/.exec(verifier) ?? [];
    const salted = pbkdf2Sync(
      saslprep(password),
      Buffer.from(salt, 'base64'),
      Number(iterations),
      32,
      'sha256',
    );
    const clientKey = createHmac('sha256', salted).update('Client Key').digest();
    if (createHash('sha256').update(clientKey).digest('base64') !== storedKey)
      t.fail(`${JSON.stringify(password)} (${Buffer.from(password).toString('hex')})`);
  }
});
