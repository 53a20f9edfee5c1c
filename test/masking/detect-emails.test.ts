import t from 'tap';
import { found, only } from './support.ts';

const emails = only('email');

t.test('addresses of RFC 5322, RFC 6531 and RFC 2606, alone and in a text', async (t) => {
  const addresses = [
    // RFC 5322, appendix A
    ...[
      'john.q.public@example.com',
      'mary@x.test',
      'jdoe@example.org',
      'one@y.test',
      'sysservices@example.net',
    ],
    ...['pete@silly.test', 'jdoe@machine.example', 'smith@home.example', '1234@local.machine.example'],
    ...[
      'boss@nil.test',
      'a@b.c',
      'x@example.com',
      'user.name+tag+sorting@example.com',
      'name/surname@example.com',
    ],
    ...["o'brien@example.com", "!#$%&'*+-/=?^_`{|}~@example.com", 'mailhost!username@example.org'],
    ...['user%example.com@example.org', 'user-@example.org', 'long@and.very.many.sub-domains.example.com'],
    ...[
      '"john..doe"@example.org',
      '" "@example.org',
      '"very.unusual.@.unusual.com"@example.com',
      '"a\\"b"@example.com',
    ],
    ...[
      'postmaster@[123.123.123.123]',
      'x@[IPv6:2001:0db8:85a3:0000:0000:8a2e:0370:7334]',
      'A.B@EXAMPLE.COM',
    ],
    ...['x@xn--bcher-kva.example', 'x@example.xn--p1ai', 'Pelé@example.com', 'δοκιμή@παράδειγμα.δοκιμή'],
    ...[
      '我買@屋企.香港',
      '二ノ宮@黒川.日本',
      'медведь@с-балалайкой.рф',
      'संपर्क@डाटामेल.भारत',
      'jörg@müller.de',
    ],
  ];
  for (const address of addresses) {
    t.strictSame(found(emails, address), [`email:${address}`], address);
    for (const [before, after] of [
      ['mail ', ' or call'],
      ['<', '>'],
      ['(', ')'],
      ['"', '"'],
      ['mailto:', '?x'],
      ['', '.'],
      ['', ', b'],
    ])
      if (before !== '"' || !address.startsWith('"'))
        t.strictSame(
          found(emails, `${before}${address}${after}`),
          [`email:${address}`],
          `${before}${address}${after}`,
        );
  }
});

t.test('where an address begins and ends', async (t) => {
  const cases: [string, string[]][] = [
    [
      'a@example.com,b@example.com;c@example.org',
      ['email:a@example.com', 'email:b@example.com', 'email:c@example.org'],
    ],
    ['a@example.com b@example.com', ['email:a@example.com', 'email:b@example.com']],
    ['请联系alice@example.com谢谢', ['email:alice@example.com']],
    ['alice@example.com-', ['email:alice@example.com']],
    ['alice@example.com..', ['email:alice@example.com']],
    ['...alice@example.com', ['email:alice@example.com']],
    ['alice@example.com/path', ['email:alice@example.com']],
    ['git@github.com:owner/repo.git', ['email:git@github.com']],
    ['postgres://user:pass@db.example.com:5432/x', ['email:pass@db.example.com']],
    ['alice＠example.com', ['email:alice＠example.com']],
    ['ali\u200bce@example.com', ['email:ali\u200bce@example.com']],
    ['alice@sub.1.example.com', ['email:alice@sub.1.example.com']],
    ['alice@example.com.1', ['email:alice@example.com']],
    ['c@(Chris’s host.)public.example', []],
    [`${'a'.repeat(400)}@example.com`, [`email:${'a'.repeat(320)}@example.com`]],
  ];
  for (const [text, hits] of cases) t.strictSame(found(emails, text), hits, text.slice(0, 60));
});

t.test('what is none', async (t) => {
  const none = [
    ...[
      '@',
      'a@',
      '@b',
      'user@host',
      'root@localhost',
      '@example.com',
      '.@example.com',
      'a@.com',
      'a@-b.com',
      'a@b.-',
    ],
    ...[
      'react@18.2.0',
      'react@18.x',
      '@types/node@24.19.2',
      'pkg@v1.x',
      'a@1.2.3.4',
      'a@b.1',
      'user@host:5432',
    ],
    ...[
      '12 apples @ 0.5',
      'meet @noon',
      'a @ b.com',
      'a@ b.com',
      'sha256@e3b0c442',
      '""@example.com',
      'x@[300]',
    ],
    ...['@@@@', 'a@@b.com', '@media (max-width:1px)', 'image@sha256:0123', ''],
  ];
  for (const text of none) t.strictSame(found(emails, text), [], text);
});
