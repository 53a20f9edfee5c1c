import t from 'tap';
import { redactArgv } from '../../src/attribution/redact.ts';
import { Random } from '../core/random.ts';

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

/** `§` is what must be hidden. */
const LINES = [
  'mysql -p§ db',
  '/usr/bin/mysqldump -u root -p§ db',
  'mariadb --password=§',
  'mysql --password §',
  'curl -sSu me:§ https://h/',
  'curl -ume:§ h',
  'curl --user=me:§ h',
  'curl https://me:§@h/x',
  'curl https://h/x?token=§&page=2',
  'curl https://h/x?page=2&api_key=§',
  'curl -d user=me&password=§',
  'curl -d {"user":"me","password":"§"}',
  'curl -H Authorization:§',
  'curl -H X-Api-Key:§',
  'curl -H Cookie:§',
  'env -i PGPASSWORD=§ psql',
  'env AWS_SECRET_ACCESS_KEY=§ aws s3 ls',
  'docker run -e DB_PASSWORD=§ x',
  'docker run -eDB_PASSWORD=§ x',
  'docker run --env=DB_PASSWORD=§ x',
  'docker login -u me -p § registry',
  'sshpass -p § ssh h',
  'sshpass -p§ ssh h',
  'redis-cli -h h -a § ping',
  'redis-cli -u redis://:§@h:6379',
  'mongosh -u me -p § db',
  'mongosh mongodb://me:§@h',
  'psql postgresql://me:§@h/db',
  'psql postgresql://h/db?user=me&password=§',
  'java -Djavax.net.ssl.keyStorePassword=§ Main',
  'vault -token § read x',
  'x --db-token §',
  'x --credentials §',
  'x --passphrase §',
  'openssl rsa -passin § -in k',
  'ssh-keygen -N § -f k',
  'zip -P § a.zip b',
  'http -a § h',
  'smbclient -U me%§ //h/s',
  'sudo mysql -p§ db',
  'sudo -u bob PGPASSWORD=§ psql',
  'env -i A=b /usr/bin/curl -u me:§ h',
  'timeout 5 nice docker login -u me -p § registry',
  'ssh h mysqldump -u root -p§ db',
];
const COMMANDS = [
  'mysql -h h -p§ && curl -u me:§ h',
  'curl --user me:§ h | sh',
  'curl -H "Authorization: §" h',
  "PGPASSWORD='§' psql -h h",
  'export PGPASSWORD="§ §"; psql',
  'sshpass -p § ssh h',
  'redis-cli -a § ping',
  'deploy --api-token § --to prod',
  'psql "host=h password=§ user=x"',
  `psql 'host=h password=§' -c 'select 1'`,
  'A=1 B="TOKEN=§ x" run',
];
const MARKED = [
  'AKIAIOSFODNN7EXAMPLE',
  'ASIAIOSFODNN7EXAMPLE',
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_DEF-123',
  'ghp_0123456789abcdefghijABCDEFGHIJ012345',
  'github_pat_11ABCDEFG0123456789_abcdefghij',
  'glpat-0123456789abcdefghij',
  'hvs.CAESIJ0123456789abcdef',
  'xoxb-1234567890-abcdef',
  '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----',
];

t.test('whatever the secret, nothing of it is left, and all else is', async (t) => {
  const random = new Random(10);
  const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789_.+/%!';
  for (const line of LINES) {
    const secret = Array.from({ length: 12 }, () => random.pick([...letters])).join('');
    const told = redactArgv(line.replaceAll('§', secret).split(' '));
    t.equal(told.join(' '), line.replaceAll('§', HIDDEN), line);
  }
  for (const command of COMMANDS) {
    const [, , told = ''] = redactArgv(['sh', '-c', command.replaceAll('§', 'hunter2xyz')]);
    t.notMatch(told, /hunter2/, command);
    t.match(told, HIDDEN);
    const kept = command.split(/["']?[^\s"']*§.*/)[0] ?? '';
    t.ok(told.startsWith(kept), `${told} begins with ${kept}`);
  }
  for (const token of MARKED) {
    t.same(redactArgv(['x', token]), ['x', HIDDEN]);
    t.same(redactArgv(['x', `--header=${token}`, 'y']), ['x', `--header=${HIDDEN}`, 'y']);
  }
});

t.test('what is no secret is not touched', async (t) => {
  const lines = [
    'ssh -p 2222 -o PasswordAuthentication=no -o PreferredAuthentications=publickey h',
    'env SSH_AUTH_SOCK=/tmp/ssh-x/agent.1 ssh-add -l',
    'git log --author=alice --grep=token',
    'git log --author alice',
    'git commit -m add_password_check',
    'docker run -p 80:80 -v /srv:/srv nginx',
    'psql -h db -p 5432 -U app',
    'mysql -p db',
    'mkdir -p a/b',
    'cp -p a b',
    'grep -p password /etc/passwd',
    'cat /var/log/auth.log token.txt',
    'ansible --vault-password-file /etc/key x',
    'x --token-file=/run/token --auth-type=none',
    'curl https://h:8080/p@th?page=2&sort=name',
    'scp me@h:/x .',
    'rsync -e ssh://git@h/x y',
    'kubectl get secret db-password',
    'npm run auth:test',
    'tar --passive -xf a=b.tar',
    'x --password',
    'awk {print$1}',
    'sudo ssh -p 2222 h',
    'ssh -p 22 h cp -p a b',
    'env A=b aws s3 ls',
  ];
  for (const line of lines) {
    const argv = line.split(' ');
    t.equal(redactArgv(argv), argv, line);
  }
  for (const command of [
    'make -j2 && ls "a b" | sort',
    'for f in *; do echo $f; done',
    'echo a password is asked for, no token',
  ])
    t.same(redactArgv(['sh', '-c', command]), ['sh', '-c', command]);
  const secretive = ['/opt/password=hunter2/mysql', '-x'];
  t.equal(redactArgv(secretive), secretive, 'the program itself');
  t.same(redactArgv([]), []);
});

t.test('any bytes: never thrown at, as many arguments as before, none of them much longer', async (t) => {
  const random = new Random(11);
  const pieces = [
    'password',
    '=',
    ' ',
    '"',
    "'",
    '--token',
    'curl',
    '-u',
    'a:b',
    '://',
    '@',
    '\n',
    '§',
    '\0',
    '{',
    ':',
  ];
  for (let n = 0; n < 400; n++) {
    const argv = Array.from({ length: random.below(8) }, () =>
      random.below(2)
        ? Buffer.from(random.bytes(random.below(60))).toString('utf8')
        : Array.from({ length: random.below(12) }, () => random.pick(pieces)).join(''),
    );
    const told = redactArgv(argv);
    const before = argv.join('').length;
    if (told.length !== argv.length || told[0] !== argv[0] || told.join('').length > before * HIDDEN.length)
      t.fail(JSON.stringify(argv));
    if (n % 40 === 0) t.same(redactArgv(argv), told, 'the same for the same');
  }
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
    'a=',
    '"pass',
    '?token',
    'redis-cli ',
    '" : "',
  ];
  const began = performance.now();
  for (const part of parts) for (let n = 0; n < 100; n++) redactArgv(['x', part.repeat(4096 / part.length)]);
  // Quadratic patterns took 20 ms for one of these 1,100.
  t.ok(performance.now() - began < 5_000);
});
