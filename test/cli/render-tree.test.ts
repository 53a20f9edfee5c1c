import t from 'tap';
import { renderForest, renderTree } from '../../src/cli/render-tree.ts';
import { textWidth } from '../../src/core/text.ts';
import { hop, id, process as image, login, T0 } from '../store/seed.ts';
import { example, forest, SECOND, style, tree } from './forest.ts';

process.env.TZ = 'UTC';

t.test('the whole of a login, line by line', async (t) => {
  t.strictSame(renderTree(example(), style()), [
    `alice  ssh from 10.77.0.2:53120  pts/3  14:13:20 – 14:15:03  publickey SHA256:abcdef  [L ${id(0)}]`,
    `├─ ⇠ handoff loopback – from login ${id(-60)}  127.0.0.1:8080`,
    '└─ -bash',
    '   ├─ /bin/bash ./report.sh',
    '   │  ├─ psql -h orders-db  exit 2     → orders-db 10.77.0.20:5432 postgres  allow  ↑1.2 kB ↓8 kB  800 ms',
    '   │  └─ curl http://vault/            → vault [2001:db8::7]:443 tcp  deny  denied by policy "no-vault": ask the security team',
    '   ├─ vim  (/home/alice/nc)',
    '   └─ tmux attach',
    `      └─ ⇢ handoff tmux → login ${id(-50)} (pid 99)  /tmp/tmux-0/default`,
  ]);
});

t.test('in ASCII, and in colour', async (t) => {
  const ascii = renderTree(example(), style({ ascii: true }));
  t.equal(
    ascii[4],
    '   |  |- psql -h orders-db  exit 2     -> orders-db 10.77.0.20:5432 postgres  allow  up 1.2 kB down 8 kB  800 ms',
  );
  t.match(ascii.join('\n'), /^[\x20-\x7e\n]*$/);
  const coloured = renderTree(example(), style({ color: true }));
  t.match(coloured[0], '\u001b[1malice\u001b[22m');
  t.match(coloured[4], '\u001b[32mallow\u001b[39m');
  t.match(coloured[5], '\u001b[31mdeny\u001b[39m');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours
  const stripped = coloured.map((line) => line.replace(/\u001b\[\d+m/g, ''));
  t.strictSame(stripped, renderTree(example(), style({ columns: 200 })), 'colour changes nothing else');
});

t.test('what is out of the ordinary is marked', async (t) => {
  const line = (over: Parameters<typeof login>[0]) => renderTree(tree(login(over), []), style())[0] ?? '';
  t.match(line({ lingering: true, ended: T0 + SECOND }), '14:13:20 – 14:13:21  unverified  lingering');
  t.match(line({ recovered: true }), '14:13:20 – now  unverified  recovered');
  t.match(line({ revoked: T0 + 5 * SECOND }), 'revoked 14:13:25');
  t.match(
    line({ kind: 'unattended', source: 'cron', user: 'root', client: null }),
    /^root {2}unattended \(cron\) {2}14:13:20/,
  );
  t.match(line({ parentHop: id(-3) }), `⇠ hop ${id(-3)}`);
  const link = { evidence: 'four-tuple', host: 'bastion2', hop: id(-3), depth: 1, reason: null } as const;
  t.match(line({ parentHop: id(-3), link }), `⇠ bastion2 hop ${id(-3)} (four-tuple)`);
  const unlinked = {
    evidence: null,
    host: 'bastion2',
    hop: null,
    depth: 0,
    reason: 'it does not answer',
  } as const;
  t.match(line({ link: unlinked }), 'unlinked from bastion2: it does not answer');
  t.match(line({ user: null, uid: 1004 }), /^uid 1004/);
  t.match(line({ started: T0 - 86_400 * SECOND }), '2026-09-20 14:13:20 – now');
  const marked = renderTree(
    tree(login(), [image({ recovered: true, signal: 9, exited: T0, exeVerified: false })]),
    style(),
  );
  t.equal(marked[1], '└─ bash  (bash?)  recovered  SIGKILL');
});

t.test('hops: open, direct, observed, into another host, ended by force', async (t) => {
  const line = (over: Parameters<typeof hop>[0]) =>
    renderTree(tree(login(), [image()], [hop(over)]), style())[1]?.replace(/^.*→ orders/, '→ orders');
  const at = 'orders-db 10.77.0.20:5432 postgres';
  t.equal(line({}), `→ ${at}  allow  open 9 min 55 s`);
  t.equal(line({ mode: 'direct' }), `→ ${at}  direct  allow  open 9 min 55 s`);
  t.equal(line({ ended: T0 + 6 * SECOND, endReason: 'revoked' }), `→ ${at}  allow  1 s  revoked`);
  const childLogin = id(-1);
  t.match(renderTree(tree(login(), [image()], [hop({ childLogin })]), style())[1], `→ [L ${childLogin}]`);
  const decision = { ...hop().decision, outcome: 'deny' as const, reason: 'why', observed: true };
  t.equal(line({ decision }), `→ ${at}  deny (observed, let pass)  why  open 9 min 55 s`);
});

t.test('hostile text never reaches the terminal as it is', async (t) => {
  const evil = '\u001b[2J\n└─ root  all is well\u202e\u0007\u009b1m\ud800';
  const lines = renderForest(
    {
      ...forest(
        tree(
          login({ user: evil, tty: evil, client: { address: evil, port: 1 } }),
          [image({ exe: `/tmp/${evil}`, argv: [evil, evil], exited: T0 })],
          [
            hop({
              target: evil,
              protocol: evil,
              decision: { ...hop().decision, outcome: 'deny', reason: evil },
              endReason: evil,
            }),
            hop({ id: id(9), process: 77, name: evil, chain: [evil] }),
          ],
          [{ id: 1, kind: 'tmux', login: id(0), process: 1, toLogin: null, toPid: 1, via: evil, at: T0 }],
        ),
      ),
      unattributed: [{ ...forest(tree(login(), [], [hop({ chain: [evil] })])).logins[0]?.hops[0] } as never],
    },
    style(),
  );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the test
  const raw = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\ud800-\udfff]/u;
  for (const line of lines) t.notMatch(line, raw);
  t.equal(lines.length, 7, 'and adds no line');
});

t.test('the same many times is one line with a count; --full shows every one', async (t) => {
  const curl = (n: number, over = {}) =>
    image({ id: n, parent: 1, exe: '/usr/bin/curl', argv: ['curl', 'http://web1/'], ...over });
  const processes = [image()];
  const hops = [];
  for (let n = 2; n <= 413; n++) {
    processes.push(curl(n));
    hops.push(
      hop({ id: id(n), process: n, target: 'web1', bytesUp: 1000, bytesDown: 2000, ended: T0 + 9 * SECOND }),
    );
  }
  processes.push(curl(500, { argv: ['curl', 'http://other/'] }));
  const lines = renderTree(tree(login(), processes, hops), style());
  t.strictSame(lines.slice(2), [
    '   ├─ curl http://web1/  × 412      → web1 10.77.0.20:5432 postgres  allow  ↑412 kB ↓824 kB',
    '   └─ curl http://other/',
  ]);
  t.equal(renderTree(tree(login(), processes, hops), style({ full: true })).length, 415);
});

t.test('the same subtree many times; what is below is counted too', async (t) => {
  const processes = [image()];
  const hops = [];
  for (let n = 0; n < 10; n++) {
    processes.push(
      image({ id: 100 + n, parent: 1, argv: ['sh', '-c', 'curl web1 | jq'], exe: '/usr/bin/sh' }),
    );
    processes.push(image({ id: 200 + n, parent: 100 + n, argv: ['curl', 'web1'], exe: '/usr/bin/curl' }));
    hops.push(hop({ id: id(n), process: 200 + n, ended: T0 + 9 * SECOND, bytesUp: 1 }));
  }
  const lines = renderTree(tree(login(), processes, hops), style());
  t.equal(lines.length, 4);
  t.match(lines[2], "sh -c 'curl web1 | jq'  × 10");
  t.match(lines[3], /curl web1 {2}× 10 +→ .*↑10 B$/);
});

t.test('among very many, none that connected is left out', async (t) => {
  const processes = [image()];
  for (let n = 2; n < 5000; n++) processes.push(image({ id: n, parent: 1, argv: ['step', String(n)] }));
  const lines = renderTree(tree(login(), processes, [hop({ process: 2500 })]), style());
  t.ok(lines.length < 100);
  t.ok(lines.some((line) => line.includes('step 2500')));
  t.match(lines.at(-1), '4,938 more without a connection (--full)');
});

t.test('10,000 processes: side by side, one below the other, in a circle', async (t) => {
  const wide = [image()];
  const deep = [image()];
  for (let n = 2; n <= 10_000; n++) {
    wide.push(image({ id: n, parent: 1 + (n % 50), argv: ['x', String(n)] }));
    deep.push(image({ id: n, parent: n - 1, argv: ['x', String(n)] }));
  }
  t.equal(renderTree(tree(login(), wide), style({ full: true })).length, 10_001);
  const lines = renderTree(tree(login(), deep), style());
  t.equal(lines.length, 10_001);
  t.match(lines.at(-1), /\[10000\] x 10000 {2}\(bash\)$/);
  t.ok(
    lines.every((line) => line.length < 160),
    'lines do not grow with the depth',
  );
  const circle = [image({ id: 1, parent: 2 }), image({ id: 2, parent: 1 }), image({ id: 3, parent: 3 })];
  t.equal(renderTree(tree(login(), circle), style()).length, 4, 'a circle of parents hides nobody');
});

t.test('a terminal of 80 columns cuts command lines, not what was decided', async (t) => {
  const long = image({ argv: ['java', ...Array(50).fill('--option=漢字')], exe: '/usr/bin/java' });
  const [, alone] = renderTree(tree(login(), [long]), style({ columns: 80 }));
  t.equal(textWidth(alone ?? ''), 80);
  t.match(alone, /…$/);
  const [, beside] = renderTree(tree(login(), [long], [hop()]), style({ columns: 80 }));
  t.match(beside, /allow {2}open 9 min 55 s$/);
  const [, pipe] = renderTree(tree(login(), [long]), style());
  t.notMatch(pipe, '…', 'a pipe gets all of it');
});

t.test('connections of nobody, and of processes that are not known, are there all the same', async (t) => {
  const lost = tree(login(), [image()], [hop({ process: 99 }), hop({ id: id(7), process: null })]);
  const lines = renderTree(lost, style());
  t.equal(
    lines.filter((line) => line.includes('→ orders-db') && line.includes('bash › psql -h orders-db')).length,
    2,
  );
  const nobody = renderForest(
    { logins: [lost], unattributed: lost.hops, omitted: 3, parts: [], absent: [] },
    style(),
  );
  t.strictSame(nobody.slice(4, 6), ['', 'unattributed  no login is known for these']);
  t.match(nobody[6], '├─ → orders-db');
  t.equal(nobody.at(-1), '3 older logins not shown (--limit)');
});

t.test("Hopline's own part in each ssh is one line, whatever keys it was asked about", async (t) => {
  const asked = (n: number, ...argv: string[]) =>
    image({
      id: n,
      parent: 2,
      exe: '/usr/bin/sh',
      argv: ['/bin/sh', '/usr/lib/hopline/known-hosts', ...argv],
    });
  const processes = [
    image(),
    image({ id: 2, parent: 1, exe: '/usr/bin/ssh', argv: ['ssh', 'db1'] }),
    asked(3, 'NONE'),
    asked(4, 'SHA256:abc'),
    asked(5, 'SHA256:abc', 'and', 'more'),
  ];
  const lines = renderTree(tree(login(), processes), style());
  t.strictSame(lines.slice(3), [
    '      ├─ /bin/sh /usr/lib/hopline/known-hosts NONE  × 2',
    '      └─ /bin/sh /usr/lib/hopline/known-hosts SHA256:abc and more',
  ]);
  t.equal(renderTree(tree(login(), processes), style({ full: true })).length, 6);
});
