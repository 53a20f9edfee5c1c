// A display at the other end: `ssh -X`, where policy lets it through. Where it does not: ssh-denied.test.ts.
import t from 'tap';
import { attempt } from './ssh-record.ts';
import { labUp, listensBy, mark, programs, service, ssh } from './support.ts';

t.before(labUp);

const PORT = 2306;
const DIRECTORY = '/run/display';
const WEB1 = '10.77.0.30';

t.test('a program on the host greets the display here', async (t) => {
  const { code, err, out } = await service(
    'web1',
    `mkdir -p ${DIRECTORY} && /usr/sbin/sshd -E ${DIRECTORY}/log -o Port=${PORT} -o X11Forwarding=yes -o PidFile=${DIRECTORY}/pid &&
     { ${listensBy(`${DIRECTORY}/pid`)}; } &&
     cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub`,
  );
  t.equal(code, 0, err);
  t.teardown(() => service('web1', `kill "$(cat ${DIRECTORY}/pid)"; rm -r ${DIRECTORY}`));
  await ssh('alice', 'bastion1', 'mkdir -p ~/.ssh; cat >>~/.ssh/known_hosts', {
    input: `[${WEB1}]:${PORT} ${out.trim()}\n`,
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
