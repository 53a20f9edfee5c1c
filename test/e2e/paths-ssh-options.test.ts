/**
 * Options of ssh that people have in their commands and configuration: each says the same on the laptop, which has no
 * Hopline, and on bastion1.
 */
import { existsSync } from 'node:fs';
import t from 'tap';
import { compared, exec, type Tool } from './compared.ts';
import { attempt } from './ssh-record.ts';
import { labUp, mark, programs, service, ssh } from './support.ts';

t.before(labUp);
t.jobs = 3;
t.setTimeout(1_200_000);

/** Shell: a key of this run alone, which db1 takes until FORGET. */
const KEY = `mkdir /tmp/W; cd /tmp/W; ssh-keygen -q -t ed25519 -N '' -f key -C of-W; ssh db1 'cat >>.ssh/authorized_keys' <key.pub;
  OWN="-o IdentitiesOnly=yes -o BatchMode=yes";`;
const FORGET = `ssh db1 'sed -i /of-W/d .ssh/authorized_keys'`;

const tools: readonly Tool[] = [
  {
    name: 'ProxyCommand and ProxyUseFdpass: the key is that of the ssh which they connect for',
    command: `${KEY} P='python3 ${programs}/connect.py'; ssh $OWN -i key -o ProxyCommand="$P copy %h %p" db1 echo copied;
      ssh $OWN -i key -o ProxyUseFdpass=yes -o ProxyCommand="$P pass %h %p" db1 'echo passed; exit 4'; echo code $?; ${FORGET}`,
    says: /^copied\npassed\ncode 4\n$/,
    actions: [
      { ...exec('echo copied'), detail: { authentication: 'key file key' } },
      { ...exec('echo passed; exit 4', 4), detail: { authentication: 'key file key' } },
    ],
    by: /^bash › (ssh-agent › \S+ › )?ssh( › bash)?( › python\S* connect\.py)?$/,
    hops: 4,
  },
  {
    name: 'IdentityAgent',
    command: `${KEY} ssh-agent sh -c 'ssh-add -q key; ln -s $SSH_AUTH_SOCK named; unset SSH_AUTH_SOCK; A="-o BatchMode=yes -i /dev/null -o IdentityAgent=/tmp/W/named";
      ssh $A db1 echo named; ssh -A $A db1 "ssh-add -l | wc -l"; ssh $A -o ProxyCommand="python3 ${programs}/connect.py copy %h %p" db1 echo proxied'; ${FORGET}`,
    says: /^named\n1\nproxied\n$/,
    actions: [
      { ...exec('echo named'), detail: { authentication: 'agent' } },
      { ...exec('echo proxied'), detail: { authentication: 'agent' } },
    ],
    by: /^bash › (ssh-agent › \S+ › )?ssh( › bash)?( › python\S* connect\.py)?$/,
    hops: 5,
  },
  {
    name: 'what goes to the host and back, with new keys, compressed, in sessions beside each other',
    command: `head -c 50000000 /dev/urandom >/tmp/W; for o in RekeyLimit=1M 'RekeyLimit=default 1' Compression=yes; do ssh -o "$o" db1 cat </tmp/W | cmp - /tmp/W && echo same; done;
      ssh -o RekeyLimit=1M -M -S /tmp/W-m -fN db1; for i in 1 2 3 4; do ssh -S /tmp/W-m db1 cat </tmp/W | cmp - /tmp/W && echo same & done; wait; ssh -S /tmp/W-m -O exit x 2>&1; rm /tmp/W`,
    says: /^(same\n){7}Exit request sent/,
    actions: [{ ...exec('cat'), result: { exitStatus: 0, bytesUp: 50_000_000, bytesDown: 50_000_000 } }],
    by: /^bash › ssh$/,
    hops: 4,
    fewest: 7,
  },
  {
    name: 'environment, subsystems that are not there, tunnels',
    command: `export LC_GIVEN=3 OTHER=2; ssh -o SetEnv='LC_SET=1 OTHER=2' -o SendEnv='LC_* OTHER' db1 'env | grep -E "^(LC_GIVEN|LC_SET|OTHER)" | sort';
      ssh -s db1 none 2>&1; echo code $?; ssh -w 0:0 db1 hostname 2>&1; ssh -o ExitOnForwardFailure=yes -w any:any db1 true 2>&1; echo code $?; ssh -G db1 | grep '^port'; : W`,
    says: /^LC_GIVEN=3\nLC_SET=1\nsubsystem request failed on channel 0\s+code 255\nTunnel device open failed[\s\S]*\ndb1\n[\s\S]*code 255\nport 22\n$/,
    actions: [exec('hostname'), { kind: 'exec', subject: 'none', result: { error: 'the host refused' } }],
    by: /^bash › ssh$/,
    hops: 4,
  },
  {
    name: 'in the background, with nothing to read, with a command of this host',
    command: `: W; ssh -f db1 'until [ -e /tmp/W-go ]; do sleep 0.1; done; echo later' >/tmp/W-f; echo at once; echo given | ssh -n db1 'cat; touch /tmp/W-go; exit 3'; echo code $?; until grep later /tmp/W-f; do sleep 0.1; done;
      ssh -o ForkAfterAuthentication=yes -o StdinNull=yes db1 'echo forked' >/tmp/W-f; until grep forked /tmp/W-f; do sleep 0.1; done; ssh -o PermitLocalCommand=yes -o LocalCommand='echo for %r at %n' db1 hostname`,
    says: /^at once\ncode 3\nlater\nforked\nfor alice at db1\ndb1\n$/,
    actions: [exec(/echo later$/), exec('cat; touch /tmp/W-go; exit 3', 3), exec('hostname')],
    by: /^bash › ssh$/,
    hops: 4,
  },
  {
    name: 'forwarded Unix sockets, ports that the host chooses, SOCKS at the host',
    command: `python3 ${programs}/answer.py /tmp/W-here & trap "kill $!" EXIT; A='python3 ${programs}/answer.py'; until [ -e /tmp/W-here ]; do sleep 0.1; done; ask() { echo "python3 ${programs}/answer.py ask $1"; };
      for i in 1 2; do ssh -o ExitOnForwardFailure=yes -R /tmp/W-there:/tmp/W-here db1 "$(ask /tmp/W-there)" 2>&1; echo code $?; done; ssh db1 rm /tmp/W-there; touch /tmp/W-back;
      ssh -M -S /tmp/W-m -fN -o StreamLocalBindUnlink=yes -o StreamLocalBindMask=0117 -L /tmp/W-back:/tmp/W-there -R /tmp/W-there:/tmp/W-here db1; stat -c %a /tmp/W-back; $(ask /tmp/W-back); ssh -S /tmp/W-m -O exit x 2>&1;
      ssh -R 0:web1:80 db1 hostname 2>&1 | sed 's/[0-9]* for/N for/'; ssh -R PORT db1 'curl -sS --socks5-hostname 127.0.0.1:PORT http://web1/';
      ssh -o PermitRemoteOpen=none -R PORT db1 'curl -sS --socks5-hostname 127.0.0.1:PORT http://web1/ 2>&1; echo code $?'; ssh db1 rm /tmp/W-there`,
    says: /^answered\ncode 0\nError: remote port forwarding failed[^\n]*\ncode 255\n660\nanswered\nExit request sent\.[\s\S]*Allocated port N for remote forward to web1:80\s+db1\nhello from web1\n[\s\S]*code 97\n$/,
    actions: [
      { kind: 'forward', subject: 'remote unix /tmp/W-there' },
      { kind: 'forward', subject: 'local unix /tmp/W-there' },
      { kind: 'forward', subject: /^remote tcp / },
    ],
    by: /^bash › ssh$/,
    hops: 8,
  },
  {
    name: 'configuration of their own: -F, Match exec, CanonicalizeHostname, HashKnownHosts, UpdateHostKeys',
    command: `: W; grep '^db1.* ssh-ed25519 ' /etc/ssh/ssh_known_hosts >/tmp/W-known; cp /tmp/W-known /tmp/W-before;
      printf '%s\\n' 'Include /etc/ssh/ssh_config.d/*.conf' 'Match exec true' 'SetEnv LC_MATCHED=yes' 'Host *' 'User alice' 'CanonicalizeHostname yes' 'CanonicalDomains lab' 'UserKnownHostsFile /tmp/W-known' >/tmp/W-config;
      for option in HashKnownHosts=yes UpdateHostKeys=yes CheckHostIP=yes VerifyHostKeyDNS=yes; do ssh -F /tmp/W-config -o $option -o BatchMode=yes db1 'echo $LC_MATCHED; sleep 0.3' 2>&1; done; cmp /tmp/W-known /tmp/W-before && echo as before`,
    says: /^(yes\n){4}as before\n$/,
    actions: [exec('echo $LC_MATCHED; sleep 0.3')],
    by: /^bash › ssh$/,
    hops: 4,
  },
  {
    name: 'clients that are none: nothing after the version, another version, another protocol',
    command: `: W; ask() { exec 3<>/dev/tcp/db1/22; printf "$1\\r\\n" >&3; timeout 3 cat <&3 | head -c 8 | tr -d '\\0'; echo; exec 3>&-; }; ask SSH-2.0-audit; ask SSH-1.5-old; ask 'GET / HTTP/1.0\\r\\n'; ssh-keyscan db1 2>&1 | head -n 1 | cut -c1-20`,
    says: /^(SSH-2\.0-\n){3}# db1:22 SSH-2\.0-/,
    actions: [],
    by: /^bash( › (bash|ssh-keyscan))?$/,
    hops: 8,
    fewest: 0,
    refused:
      /^the client( left before the login was done|: not understood: .+|: no matching host key type .+)$/,
  },
];

for (const tool of tools) t.test(tool.name, { buffered: true }, (t) => compared(t, tool));

const fuse = existsSync('/dev/fuse') ? false : 'this kernel has no FUSE';
t.test('sshfs: each file is decided', { skip: fuse }, async (t) => {
  const word = mark();
  const there = `/tmp/${word}-there`;
  const one = await attempt(
    word,
    `mkdir ${there}; head -c 3000000 /dev/urandom >/tmp/${word}; sudo sshfs -o allow_other,ssh_command='sudo -u alice ssh' alice@db1:/tmp ${there} && cd ${there} &&
     cp /tmp/${word} . && cmp /tmp/${word} ${word} && mv ${word} ${word}-moved && rm ${word}-moved; cat none; touch ${word}-closed; cd; sudo umount ${there}`,
  );
  t.match(one, { code: 0, err: /none: No such file[\s\S]*-closed'?: Permission denied/ }, one.err);
  t.match(one.hop, { target: 'db1-ssh', chain: ['bash', 'sudo', 'sshfs', 'sudo', 'ssh'], endReason: null });
  const done = one.actions.map(
    ({ subject, decision }) => `${subject.replace(word, 'W')} ${decision.outcome}`,
  );
  t.match(done, [
    'sftp allow',
    'write /tmp/W allow',
    'read /tmp/W allow',
    'rename /tmp/W allow',
    'rename /tmp/W-moved allow',
    'remove /tmp/W-moved allow',
    'write /tmp/W-closed deny',
  ]);
});

t.test('BindAddress: the host sees the address that was asked for', { buffered: true }, async (t) => {
  const address = '10.77.0.13';
  const { code, err } = await service('bastion1', `ip address add ${address}/32 dev lo`);
  t.equal(code, 0, err);
  t.teardown(() => service('bastion1', `ip address del ${address}/32 dev lo`));
  const said = await ssh(
    'alice',
    'bastion1',
    `ssh -b ${address} alice@10.77.0.20 'echo $SSH_CLIENT'; ssh alice@10.77.0.20 'echo $SSH_CLIENT'; curl -sS --interface ${address} http://10.77.0.30/`,
  );
  t.match(said, { out: /^10\.77\.0\.13 \d+ 22\n10\.77\.0\.11 \d+ 22\nhello from web1\n$/ }, said.err);
});
