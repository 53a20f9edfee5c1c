/**
 * Clients that are not OpenSSH's, and a host that is not: dropbear, PuTTY, paramiko, AsyncSSH, npm's ssh2, libssh2 under
 * curl, lftp, rclone. Each knows Hopline's key as README says.
 */
import t, { type Test } from 'tap';
import { compared, exec, LISTENS, moved, type Tool } from './compared.ts';
import { labUp, listensBy, programs, service } from './support.ts';

t.before(labUp);
t.jobs = 3;
t.setTimeout(1_200_000);

/** Shell: a home in which known_hosts has db1, on a bastion by Hopline's key; KEYS are plink's arguments for that. */
const HOME = `export HOME=/tmp/W-home PYTHONWARNINGS=ignore; mkdir -p $HOME/.ssh; cp ~alice/.ssh/id_* $HOME/.ssh; cd;
  own=/run/hopline/ssh_host_ecdsa_key.pub; { if [ -e $own ]; then echo "db1 $(cut -d' ' -f1,2 $own)"; else sed -n 's/^db1[^ ]*/db1/p' /etc/ssh/ssh_known_hosts; fi; } >.ssh/known_hosts;
  KEYS=$(ssh-keygen -lf .ssh/known_hosts | sed 's/^[0-9]* \\([^ ]*\\).*/-hostkey \\1/'); head -c 2000000 /dev/urandom >file;`;
const FETCHED = 'http://127.0.0.1:PORT/';
const hashed = { result: { bytes: 2_000_000, sha256: /^[0-9a-f]{64}$/, error: undefined } };
const web = { kind: 'forward', subject: 'local tcp web1:80' };

/** What ends a login by a wrong password. */
const REFUSED = /^the host refused alice: it takes publickey, password$/;

const clients: readonly Tool[] = [
  {
    name: 'dbclient',
    command: `${HOME} dropbearconvert openssh dropbear .ssh/id_ed25519 key 2>/dev/null; D="dbclient -i key"; echo hello | $D alice@db1 'cat; echo err >&2; exit 7' 2>&1; echo code $?;
      $D alice@db1 'head -c 5000000 /dev/zero' | md5sum; head -c 5000000 /dev/zero | $D alice@db1 md5sum; $D -s alice@db1 sftp </dev/null; echo code $?;
      $D -N -L PORT:web1:80 alice@db1 & ${LISTENS}; curl -sS ${FETCHED}; kill $!; wait $!; printf 'GET / HTTP/1.0\\r\\n\\r\\n' | $D -B web1:80 alice@db1 | tail -n 1;
      DROPBEAR_PASSWORD=alice dbclient alice@db1 'echo by password'; rsync -e "$D" file alice@db1:/tmp/W-file; echo code $?; yes | $D alice@db1 'head -n 1; exit 2'; echo code $?`,
    says: /^hello\nerr\ncode 7\n(\w+ {2}-\n){2}code 0\n(hello from web1\n){2}by password\ncode 0\ny\ncode 2\n$/,
    actions: [
      exec('cat; echo err >&2; exit 7', 7),
      exec('echo by password'),
      moved('rsync', 'upload', '/tmp/W-file'),
      web,
    ],
    by: /^bash › (rsync › )?dbclient$/,
    hops: 9,
    fewest: 9,
    // The one that forwards is killed, maybe before its channel is closed.
    refused: /^reset by the client \(ECONNRESET\)$/,
  },
  {
    name: 'PuTTY',
    command: `${HOME} puttygen -O private -o key.ppk .ssh/id_ed25519; P="-batch $KEYS"; I="$P -i key.ppk"; echo hello | plink $I alice@db1 'cat; echo err >&2; exit 9' 2>&1; echo code $?;
      plink $I -t alice@db1 'stty size; tty | tr -d 0-9' </dev/null; plink $P -pw alice -C alice@db1 'head -c 5000000 /dev/zero' | md5sum; plink $P -pw wrong alice@db1 true 2>&1;
      plink $I -N -L 127.0.0.1:PORT:web1:80 alice@db1 >/dev/null 2>&1 & ${LISTENS}; curl -sS ${FETCHED}; kill $!; wait $!;
      for way in -sftp -scp; do pscp -q $way $I file alice@db1:/tmp/W$way; pscp -q $way $I alice@db1:/tmp/W$way back; cmp file back && echo same; done; pscp -q $I alice@db1:/tmp/W-none back 2>&1; echo code $?;
      printf '%s\\n' 'put file /tmp/W-put' 'get /tmp/W-put again' 'chmod 600 /tmp/W-put' 'rm /tmp/W-put' 'mkdir /tmp/W-d' 'rmdir /tmp/W-d' >batch; psftp $I -b batch alice@db1 >/dev/null 2>&1; echo code $?; cmp file again && echo same`,
    says: /^hello\nerr\ncode 9\n24 80\r?\n\/dev\/pts\/\r?\n\w+ {2}-\n[\s\S]*not accepted\nhello from web1\nsame\nsame\n[\s\S]*code 1\ncode 0\nsame\n$/,
    actions: [
      exec('cat; echo err >&2; exit 9', 9),
      { kind: 'transfer', subject: 'sftp', result: { exitStatus: 0, error: undefined } },
      { ...moved('scp', 'upload', '/tmp/W-scp'), result: { exitStatus: 0, error: undefined } },
      { ...moved('scp', 'download', '/tmp/W-scp'), result: { exitStatus: 0, error: undefined } },
      { ...moved('sftp', 'upload', '/tmp/W-sftp'), ...hashed },
      { ...moved('sftp', 'download', '/tmp/W-put'), ...hashed },
      web,
    ],
    by: /^bash › (plink|pscp|psftp)$/,
    hops: 11,
    fewest: 20,
    // As with dbclient.
    refused: /^(the host refused alice: it takes publickey, password|reset by the client \(ECONNRESET\))$/,
  },
  {
    name: 'paramiko',
    command: `${HOME} /usr/bin/python3 ${programs}/ssh/paramiko_.py W 2>/dev/null`,
    says: /^\(b'hello', b'err\\n', 5\)\n[\s\S]*True True 3\nTrue 2000000\n[\s\S]*hello from web1[\s\S]*b'back\\n'[\s\S]*by password/,
    actions: [
      exec('cat; echo err >&2; exit 5', 5),
      { kind: 'exec', subject: 'kill -9 $$', result: { exitSignal: 'KILL' } },
      { kind: 'shell', detail: { pty: true }, result: { exitStatus: 3 } },
      { ...moved('sftp', 'upload', '/tmp/W-paramiko'), ...hashed },
      { ...exec('echo by password'), detail: { authentication: 'password' } },
      web,
    ],
    by: /^bash › python\S* paramiko_\.py$/,
    hops: 3,
    fewest: 12,
    refused: REFUSED,
  },
  {
    name: 'AsyncSSH, with new keys while data flows',
    command: `${HOME} /usr/bin/python3 ${programs}/ssh/asyncssh_.py W 2>/dev/null`,
    says: /^hello err\n 5\n-1 KILL\n[\s\S]*True\nPermissionDenied /,
    actions: [
      exec('cat; echo err >&2; exit 5', 5),
      { ...exec('sleep 1; cat'), result: { exitStatus: 0, bytesUp: 4_000_000, bytesDown: 4_000_000 } },
      { ...moved('sftp', 'download', '/tmp/W-asyncssh'), ...hashed },
      { ...moved('scp', 'upload', '/tmp/W-asyncssh-2'), result: { exitStatus: 0 } },
      web,
    ],
    by: /^bash › python\S* asyncssh_\.py$/,
    hops: 3,
    fewest: 18,
    refused: REFUSED,
  },
  {
    name: "npm's ssh2",
    command: `${HOME} ${process.execPath} --disable-warning=ExperimentalWarning ${programs}/ssh/ssh2.ts W`,
    says: /'hello'[\s\S]*'SIGKILL'[\s\S]*true\nNo such file\nhello from web1\n[\s\S]*back[\s\S]*no-such/,
    actions: [
      exec('cat; echo err >&2; exit 5', 5),
      { ...exec('stty size'), detail: { pty: true } },
      { ...moved('sftp', 'upload', '/tmp/W-ssh2'), ...hashed },
      web,
    ],
    by: /^bash › node ssh2\.ts$/,
    hops: 1,
    fewest: 11,
  },
  {
    name: 'curl (libssh2)',
    command: `${HOME} K="--key .ssh/id_ed25519 --pubkey .ssh/id_ed25519.pub"; for way in sftp scp; do curl -sS $K -T file $way://alice@db1/tmp/W-$way; curl -sS $K $way://alice@db1/tmp/W-$way | cmp - file && echo same;
      curl -sS $K $way://alice@db1/tmp/W-none 2>&1; echo code $?; done; curl -sS $K -l sftp://alice@db1/etc/ssh/ | sort; curl -sS --compressed-ssh -u alice:alice sftp://db1/tmp/W-sftp | cmp - file && echo same`,
    says: /^same\n.*\ncode 78\nsame\n.*\ncode 78\n[\s\S]*sshd_config\n[\s\S]*same\n$/,
    actions: [
      { ...moved('sftp', 'upload', '/tmp/W-sftp'), ...hashed },
      { ...moved('sftp', 'download', '/tmp/W-sftp'), ...hashed, detail: { authentication: 'password' } },
      // libssh2 does not say the last word that scp waits for, with which it would end with 0.
      { ...moved('scp', 'upload', '/tmp/W-scp'), result: { exitStatus: 1, error: undefined } },
    ],
    by: /^bash › curl$/,
    hops: 8,
    fewest: 12,
  },
  {
    name: 'lftp',
    command: `${HOME} mkdir -p tree/a/b; cp file tree/a/b; lftp -c 'open sftp://alice:@db1; mirror -R tree /tmp/W; mirror -P 3 /tmp/W tree2; cls -1 /etc/ssh; rm -r /tmp/W'; echo code $?; diff -r tree tree2 && echo same`,
    says: /\/etc\/ssh\/sshd_config\n[\s\S]*code 0\nsame\n$/,
    actions: [
      { ...moved('sftp', 'upload', '/tmp/W/a/b/file'), ...hashed },
      { ...moved('sftp', 'download', '/tmp/W/a/b/file'), ...hashed },
      { kind: 'transfer', detail: { operation: 'rmdir', path: '/tmp/W/a' } },
    ],
    by: /^bash › lftp › .*ssh$/,
    hops: 1,
    fewest: 12,
  },
  {
    name: "rclone (Go's x/crypto/ssh)",
    command: `${HOME} mkdir -p tree/a; cp file tree/a; date >tree/b; at=:sftp,host=db1,user=alice,key_file=$HOME/.ssh/id_ed25519,known_hosts_file=$HOME/.ssh/known_hosts:; R="rclone --config $HOME/none -q --transfers 1 --checkers 1";
      $R copy tree $at/tmp/W; echo code $?; $R lsf -R $at/tmp/W; $R check tree $at/tmp/W; echo code $?; $R copy $at/tmp/W tree2; diff -r tree tree2 && echo same; $R purge $at/tmp/W; $R lsf $at/tmp/W 2>&1 | grep -o 'directory not found' | head -n 1;
      $R lsf --retries 1 --low-level-retries 1 :sftp,host=db1,user=alice,pass=$(rclone obscure wrong): 2>&1 | grep -o 'unable to authenticate.*'`,
    says: /^code 0\na\/\nb\na\/file\ncode 0\nsame\ndirectory not found\nunable to authenticate/,
    actions: [
      { ...moved('sftp', 'upload', /^\/tmp\/W\/a\/file/), ...hashed },
      { ...moved('sftp', 'download', '/tmp/W/a/file'), ...hashed },
    ],
    by: /^bash › rclone$/,
    hops: 10,
    fewest: 12,
    refused: REFUSED,
  },
];

for (const tool of clients) t.test(tool.name, { buffered: true }, (t) => compared(t, tool));

/** A dropbear on web1, which the people of both hosts know. Gone at the test's end. */
async function dropbear(t: Test, port: number): Promise<void> {
  const directory = '/tmp/dropbear';
  const { code, out, err } = await service(
    'web1',
    `mkdir ${directory} && cd ${directory} && dropbearkey -t ed25519 -f key | grep ^ssh- | cut -d' ' -f1,2 && dropbear -r key -p ${port} -P ${directory}/pid -E >/dev/null 2>log && { ${listensBy(`${directory}/pid`)}; }`,
  );
  if (code !== 0) throw new Error(`dropbear on web1: ${err}`);
  t.teardown(() => service('web1', `kill "$(cat ${directory}/pid)"; rm -r ${directory}`));
  const known = `[10.77.0.30]:${port} ${out.trim()}`;
  for (const host of ['laptop', 'bastion1'] as const) {
    await service(host, `echo '${known}' >>/etc/ssh/ssh_known_hosts`);
    t.teardown(() => service(host, `sed -i '/^\\[10.77.0.30\\]:${port} /d' /etc/ssh/ssh_known_hosts`));
  }
}

t.test('dropbear as the host', { buffered: true }, async (t) => {
  await dropbear(t, 2310);
  const at = 'alice@10.77.0.30';
  await compared(t, {
    name: 'dropbear',
    command: `mkdir /tmp/W; cd /tmp/W; S="ssh -p 2310 ${at}"; echo hello | $S 'cat; echo err >&2; exit 5' 2>&1; echo code $?; $S 'kill -9 $$'; echo code $?; $S -tt tty </dev/null | tr -d 0-9;
      head -c 2000000 /dev/urandom >file; $S -o RekeyLimit=500K -C cat <file | cmp - file && echo same; for way in -s -O; do scp -q $way -P 2310 file ${at}:/tmp/W$way; scp -q $way -P 2310 ${at}:/tmp/W$way back; cmp file back && echo same; done;
      printf '%s\\n' 'put file /tmp/W-put' 'rm /tmp/W-put' | sftp -q -b - -P 2310 ${at} >/dev/null; echo code $?; ssh -M -S /tmp/W/master -fN -L PORT:web1:80 -p 2310 ${at}; curl -sS ${FETCHED}; ssh -S /tmp/W/master x 'exit 7'; echo code $?; ssh -S /tmp/W/master -O exit x 2>&1`,
    says: /^hello\nerr\ncode 5\ncode 255\n\/dev\/pts\/\r?\n(same\n){3}code 0\nhello from web1\ncode 7\nExit request sent/,
    actions: [
      exec('cat; echo err >&2; exit 5', 5),
      exec('exit 7', 7),
      { ...moved('sftp', 'upload', '/tmp/W-s'), ...hashed },
      { ...moved('scp', 'upload', '/tmp/W-O'), result: { exitStatus: 0 } },
      web,
    ],
    by: /^bash › ((scp|sftp) › )?ssh$/,
    hops: 10,
    fewest: 14,
    target: 'odd-ssh',
  });
});
