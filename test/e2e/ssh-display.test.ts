// A display at the other end: `ssh -X`, where policy lets it through. Where it does not: ssh-denied.test.ts.
import t from 'tap';
import { compared, exec } from './compared.ts';
import { attempt } from './ssh-record.ts';
import { labUp, listensBy, mark, programs, service, ssh } from './support.ts';

t.setTimeout(1_200_000);

const PORT = 2306;
const DIRECTORY = '/run/display';
const WEB1 = '10.77.0.30';

let key = '';
t.before(async () => {
  await labUp();
  const { code, err, out } = await service(
    'web1',
    `mkdir -p ${DIRECTORY} && /usr/sbin/sshd -E ${DIRECTORY}/log -o Port=${PORT} -o X11Forwarding=yes -o PidFile=${DIRECTORY}/pid &&
     { ${listensBy(`${DIRECTORY}/pid`)}; } &&
     cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub`,
  );
  if (code !== 0) throw new Error(err);
  key = out.trim();
});
t.teardown(() => service('web1', `kill "$(cat ${DIRECTORY}/pid)"; rm -r ${DIRECTORY}`));

t.test('a program on the host greets the display here', async (t) => {
  await ssh('alice', 'bastion1', 'mkdir -p ~/.ssh; cat >>~/.ssh/known_hosts', {
    input: `[${WEB1}]:${PORT} ${key}\n`,
  });
  t.teardown(() => ssh('alice', 'bastion1', `sed -i '/:${PORT} /d' ~/.ssh/known_hosts`));
  // Debian's ssh trusts what -X lets in, unless it is told otherwise.
  const word = mark();
  const shown = `/tmp/${word}-display`;
  const one = await attempt(
    word,
    `python3 ${programs}/display.py serve 77 >${shown} & for i in $(seq 600); do grep -qs listening ${shown} && break; sleep 0.1; done; ` +
      `DISPLAY=:77 ssh -X -o ForwardX11Trusted=yes -p ${PORT} alice@${WEB1} 'echo $DISPLAY; python3 ${programs}/display.py ask'; wait; cat ${shown}`,
  );
  t.match(one, { code: 0, out: /^localhost:1\d\.\d\nanswered 1 11 0 0\nlistening\nasked l 11\n$/ }, one.err);
  t.match(
    one.actions.map(({ kind, subject, decision, result }) => [kind, subject, decision.outcome, result]),
    [
      ['forward', 'remote x11', 'allow', {}],
      ['exec', /display\.py ask$/, 'allow', { exitStatus: 0 }],
      ['forward', 'remote x11', 'allow', { bytesUp: 8, bytesDown: Number }],
    ],
  );
  t.match(one.hop, { target: 'odd-ssh', protocol: 'ssh' });
});

t.test('what the display lets a program have that is not trusted (X.Org, SECURITY)', async (t) => {
  for (const host of ['laptop', 'bastion1'] as const)
    await service(host, 'mkdir -p /tmp/.X11-unix && chmod 1777 /tmp/.X11-unix');
  const ask = `python3 ${programs}/extensions.py`;
  await compared(t, {
    name: 'X11',
    command: `: W; export DISPLAY=:78 XAUTHORITY=/tmp/W-x; xauth -q add :78 . $(mcookie) 2>&1; Xvfb :78 -noreset -screen 0 64x64x24 -auth $XAUTHORITY -nolisten tcp >/dev/null 2>&1 & trap "kill $!" EXIT;
      until [ -e /tmp/.X11-unix/X78 ]; do sleep 0.1; done; ${ask}; for trusted in no yes; do ssh -X -o ForwardX11Trusted=$trusted -o HostKeyAlias=web1 -p ${PORT} alice@${WEB1} 'xauth list | wc -l; ${ask}' 2>/dev/null; echo code $?; done`,
    says: /True True\nsees 4 bytes\n1\nFalse False\nBadAccess\ncode 0\n1\nTrue True\nsees 4 bytes\ncode 0\n$/,
    actions: [{ kind: 'forward', subject: 'remote x11', result: { bytesUp: Number } }, exec(/^xauth list/)],
    by: /^bash › ssh$/,
    hops: 2,
    fewest: 6,
    target: 'odd-ssh',
  });
});
