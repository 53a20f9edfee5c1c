/** A label goes to chains, the log and terminals: of the arguments nothing comes with it but a script's name. */
import t from 'tap';
import { chainOf } from '../../src/attribution/chain.ts';
import { Images } from '../../src/attribution/images.ts';
import { labelOf } from '../../src/attribution/label.ts';
import { redactArgv } from '../../src/attribution/redact.ts';
import { idFromBigInt } from '../../src/core/ids.ts';
import { Random } from '../core/random.ts';
import { exec, LAUNCHER, ROOT } from './events.ts';

const no = () => false;

t.test('env, its assignments, and the program after them', async (t) => {
  const argv = ['env', 'AWS_SECRET_ACCESS_KEY=wJalr/K7MDENG/bPx', 'aws', 's3', 'ls'];
  const at = new Images({ plumbing: new Set(), launcher: LAUNCHER, argvBytes: 4096, recorded: () => [] });
  const image = at.exec(exec(0, { name: 'env', argv }), idFromBigInt(ROOT), 0, no);
  t.same(chainOf(image), ['env']);
  t.notMatch(image.argv.join(' '), /wJalr|bPx/);
});

/** `§` is a secret; the words are separated by two spaces. */
const LINES: [label: string, name: string, line: string][] = [
  ['env', 'env', 'env  A=/x/§  aws'],
  ['env', 'env', 'env  A=/x/§=y  --  B=/§  aws'],
  ['env', 'env', 'env  -u  /x/§  -C  /y/§  aws'],
  ['env', 'env', 'env  -S  python3 -c "x/§"'],
  ['env', 'env', 'env  -iS  A=b x/§'],
  ['env', 'env', 'env  --split-string=x/§  y/§'],
  ['env curl', 'env', 'env  -i  TOKEN=/§  /usr/bin/curl  -u  me:/§'],
  ['env run', 'env', 'env  --unset=X  ./a/run  x/§'],
  ['bash', 'bash', 'bash  -c  curl https://h/§'],
  ['bash', 'bash', 'bash  -cx  curl https://h/§'],
  ['bash', 'bash', 'bash  -xec  ./§'],
  ['bash', 'bash', 'bash  -O  extglob  -c  ./§'],
  ['bash', 'bash', 'bash  --norc  -c  ./§'],
  ['dash', 'dash', 'sh  -s  a/§'],
  ['dash', 'dash', 'sh  -es  --  a/§'],
  ['bash', 'bash', 'bash  A=/x/§'],
  ['bash', 'bash', 'bash  x; mysql -p§'],
  ['fish', 'fish', 'fish  -C  set x a/§'],
  ['fish', 'fish', 'fish  --init-command=x/§  -c  a/§'],
  ['fish', 'fish', 'fish  --command=a/§  b/§'],
  ['python3.11', 'python3.11', 'python3  -c  open("/x/§")'],
  ['python3.11', 'python3.11', 'python3  -Bc  a/§'],
  ['python3.11', 'python3.11', 'python3  -cimport/x  a/§'],
  ['python3.11', 'python3.11', 'python3  -W  ignore  -c  a/§'],
  ['python3.11', 'python3.11', 'python3  -m  tool  a/§'],
  ['python3.11', 'python3.11', 'python3  -  a/§'],
  ['node', 'node', 'node  -e  a/§'],
  ['node', 'node', 'node  -pe  a/§'],
  ['node', 'node', 'node  --eval=a/b  a/§'],
  ['node', 'node', 'node  --print  a/§'],
  ['node', 'node', 'node  -r  ./hook.js  -e  a/§'],
  ['node', 'node', 'node  -  a/§'],
  ['ruby', 'ruby', 'ruby  -ne  a/§'],
  ['perl', 'perl', 'perl  -e  a/§'],
  ['perl', 'perl', 'perl  -ne  a/§  x/§'],
  ['perl', 'perl', 'perl  -I  lib/x  -E  a/§'],
  ['perl', 'perl', 'perl  -eprint/x  a/§'],
  ['php8.2', 'php8.2', 'php  -r  a/§'],
  ['php8.2', 'php8.2', 'php  -d  a=b/c  -r  a/§'],
  ['php8.2', 'php8.2', 'php  --run  a/§'],
  ['java', 'java', 'java  -cp  /a:/b'],
  ['node', 'node', 'node  https://me:§@h/x.js'],
  ['sudo', 'sudo', 'sudo  PASSWORD=a/§  cmd'],
  ['mysql', 'mysql', 'mysql  -pa/§'],
  ['bash x.sh', 'bash', 'bash  -eo  pipefail  ./x.sh  a/§'],
  ['bash x.sh', 'bash', 'bash  --  x.sh  a/§'],
  ['bash x.sh', 'bash', 'bash  -x  +e  --rcfile  r/§  x.sh'],
  ['python3.11 etl.py', 'python3.11', 'python3  -X  dev/§  -u  etl.py  a/§'],
  ['node app.js', 'node', 'node  --require  ./a/§.js  app.js'],
  ['perl x.pl', 'perl', 'perl  -w  x.pl  a/§'],
  ['php8.2 x.php', 'php8.2', 'php  -f  x.php  a/§'],
  ['java app.jar', 'java', 'java  -cp  /a/§  -jar  app.jar'],
];

t.test('no secret comes into a label, and a script does', async (t) => {
  const random = new Random(12);
  const letters = [...'ABCDEFGHJKLMNPQRSTUVWXYZ23456789_.+/%'];
  for (const [label, name, line] of LINES) {
    const secret = Array.from({ length: 12 }, () => random.pick(letters)).join('');
    const argv = redactArgv(line.replaceAll('§', secret).split('  '));
    t.equal(labelOf(name, `/usr/bin/${name}`, argv), label, line);
    t.equal(labelOf(name, '', argv), label, `${line}, as the record has it`);
  }
});

t.test('a script chosen by its own first line', async (t) => {
  t.equal(labelOf('bash', '/srv/my report', ['/bin/bash', '/srv/my report', 'x']), 'bash my report');
  t.equal(labelOf('bash', '/srv/report', ['/bin/bash', '-e', '/srv/report', 'x']), 'bash report');
  const long = `/srv/${'x'.repeat(300)}`;
  t.equal(labelOf('bash', long, ['/bin/bash', long]), 'bash');
});
