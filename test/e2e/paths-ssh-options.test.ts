/**
 * Options of ssh that people have in their commands and configuration: each says the same on the laptop, which has no
 * Hopline, and on bastion1.
 */
import t from 'tap';
import { compared, exec, type Tool } from './compared.ts';
import { labUp, programs } from './support.ts';

t.before(labUp);
t.jobs = 3;
t.setTimeout(600_000);

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
];

for (const tool of tools) t.test(tool.name, { buffered: true }, (t) => compared(t, tool));
