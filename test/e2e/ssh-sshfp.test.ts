// Keys of hosts in DNS, by a resolver that validates: what is signed is believed, and nothing else.
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import {
  exclusively,
  hopline,
  labUp,
  listensBy,
  mark,
  programs,
  rootOf,
  service,
  ssh,
  until,
  waitForLogin,
} from './support.ts';
import { HOST, under } from './under.ts';

t.before(labUp);
t.setTimeout(1_200_000);

const PORT = 2311;
const WEB1 = '10.77.0.30';
const SSHD = '/run/sshfp-sshd';
const ZONES = '/run/sshfp-zones';
const RESOLV = '/etc/resolv.conf';
const ANOTHER = 'ab'.repeat(32);

/** By alice on bastion2, with what she was asked. */
async function attempt(name: string, options = '') {
  const word = mark();
  const askpass = `printf '#!/bin/sh\\necho "$1" >>/tmp/${word}-q\\necho no\\n' >/tmp/${word}-a; chmod 700 /tmp/${word}-a`;
  const { out, err } = await ssh(
    'alice',
    HOST,
    `: ${word}; ${askpass}; SSH_ASKPASS=/tmp/${word}-a SSH_ASKPASS_REQUIRE=force ssh ${options} -p ${PORT} alice@${name} hostname; echo code $?; cat /tmp/${word}-q`,
  );
  const login = await waitForLogin(HOST, word, ({ hops }) => hops.some(({ ended }) => ended !== null));
  const [hop] = login.hops;
  const { out: actions } = await hopline(HOST, ['--json', 'actions', '--hop', hop?.id ?? '']);
  return { out, err, hop, actions: JSON.parse(actions) };
}

t.test('by name', (t) =>
  exclusively(HOST, async () => {
    const sshd = await service(
      'web1',
      `mkdir -p ${SSHD} && ssh-keygen -q -N '' -t ed25519 -f ${SSHD}/key && /usr/sbin/sshd -E ${SSHD}/log -o Port=${PORT} -o HostKey=${SSHD}/key -o PidFile=${SSHD}/pid && { ${listensBy(`${SSHD}/pid`)}; } && ssh-keygen -r @ -f ${SSHD}/key.pub`,
    );
    t.equal(sshd.code, 0, sshd.err);
    t.teardown(() => service('web1', `kill "$(cat ${SSHD}/pid)"; rm -r ${SSHD}`));
    const fingerprint = /SSHFP 4 2 ([0-9a-f]{64})/.exec(sshd.out)?.[1] ?? '';
    const records = [
      `known A ${WEB1}`,
      `known SSHFP 4 2 ${fingerprint}`,
      `another A ${WEB1}`,
      `another SSHFP 4 2 ${ANOTHER}`,
      `without A ${WEB1}`,
    ];
    const resolver = await service(
      HOST,
      `bash ${programs}/signed-zones.sh ${ZONES} '${records.join("' '")}'`,
    );
    t.equal(resolver.code, 0, resolver.err);
    t.teardown(() => service(HOST, `kill "$(cat ${ZONES}/pid)"; rm -r ${ZONES}`));
    await until(
      async () =>
        /known\S+\s.*10\.77\.0\.30/.test((await service(HOST, 'drill known.plain.lab @127.0.0.1')).out),
      'the resolver answers',
    );
    const resolv = `${rootOf(HOST)}${RESOLV}`;
    const before = readFileSync(resolv, 'utf8');
    writeFileSync(resolv, 'nameserver 127.0.0.1\n');
    t.teardown(() => writeFileSync(resolv, before));

    const target = `  in-dns-ssh:\n    addresses: [${WEB1}]\n    ports: [${PORT}]\n    protocol: ssh\n    sshfp: true\n    tags: [host]\n`;
    await under(t, { 'targets.yaml': (text) => `${text}${target}` }, async () => {
      await t.test('signed, and it fits: nobody is asked', async (t) => {
        const one = await attempt('known.signed.lab', '-o BatchMode=yes');
        t.match(one.out, /^web1\ncode 0\n$/, one.err);
        t.match(one.hop, { target: 'in-dns-ssh', endReason: null });
        t.match(one.actions, [{ kind: 'exec', detail: { hostKey: 'SSHFP of known.signed.lab' } }]);
        t.equal(
          (await service(HOST, `grep ${PORT} ~alice/.ssh/known_hosts`)).out,
          '',
          'nothing is kept of it',
        );
      });
      await t.test('of anything else the person is told, and asked', async (t) => {
        const asked = async (name: string, words: RegExp) => {
          const one = await attempt(name);
          t.match(one.out, /^code 255\n/, name);
          t.match(one.out, /Are you sure you want to continue connecting/, name);
          t.match(one.err, words, name);
          t.match(one, { hop: { endReason: 'Host key verification failed.' }, actions: [] }, name);
        };
        await asked('known.plain.lab', /Matching host key fingerprint found in DNS\./);
        await asked('another.signed.lab', /No matching host key fingerprint found in DNS\./);
        await asked('another.plain.lab', /No matching host key fingerprint found in DNS\./);
        // What the resolver does not take for true it does not give.
        for (const name of ['known.bogus.lab', 'without.signed.lab']) await asked(name, /^(?![\s\S]*in DNS)/);
      });
    });
    await t.test('without the option DNS is not asked', async (t) => {
      await under(
        t,
        { 'targets.yaml': (text) => `${text}${target.replace('    sshfp: true\n', '')}` },
        async () => {
          const one = await attempt('known.signed.lab', '-o BatchMode=yes');
          t.match(one.out, /^code 255\n/);
        },
      );
    });
  }),
);
