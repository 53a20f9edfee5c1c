/**
 * By which key ssh knows a host on a bastion: one that Hopline terminates by Hopline's, whatever known_hosts has of it;
 * every other as it would without Hopline.
 */
import t from 'tap';
import { labUp, mark, type Said, ssh } from './support.ts';

t.before(labUp);
t.jobs = 3;

const TERMINATED = '10.77.0.20';
/** The bastion itself, and an address of web1's that no target lists. */
const OTHERS = ['127.0.0.1', '10.77.0.66'];
const KEYS: Readonly<Record<string, string>> = { '127.0.0.1': 'bastion1', '10.77.0.66': 'web1' };
const CHANGED = /REMOTE HOST IDENTIFICATION HAS CHANGED/;

/** Shell: a public key that nobody has. */
const made = (type: string, file: string) =>
  `ssh-keygen -q -N '' -t ${type} -f ${file} && cut -d' ' -f1,2 ${file}.pub`;

interface Attempt {
  /** Shell: writes the keys that known_hosts has of the host; FILE is a name that is free. */
  readonly known: string;
  readonly options?: string;
  /** What the person answers where ssh asks. */
  readonly answer?: string;
}

/** `ssh ADDRESS` of alice's on bastion1 with a known_hosts of its own, which the command leaves in `/tmp/WORD`. */
function attempt(address: string, { known, options = '', answer = 'no' }: Attempt): Promise<Said> {
  const word = mark();
  const askpass = `printf '#!/bin/sh\\necho ${answer}\\n' >/tmp/${word}-ask && chmod 700 /tmp/${word}-ask`;
  const to = `-o UserKnownHostsFile=/tmp/${word} ${options} alice@${address} hostname`;
  return ssh(
    'alice',
    'bastion1',
    `{ ${known.replaceAll('FILE', `/tmp/${word}-key`)}; } | sed 's/^/${address} /' >/tmp/${word}; ${askpass}; ` +
      `SSH_ASKPASS=/tmp/${word}-ask SSH_ASKPASS_REQUIRE=force ssh ${to}`,
  );
}

t.test('a terminated host, whatever is known of it', { buffered: true }, async (t) => {
  const cases: Attempt[] = [
    ...[{ known: 'true' }, { known: made('ed25519', 'FILE') }, { known: made('ecdsa -b 521', 'FILE') }],
    { known: 'true', options: '-o CheckHostIP=yes -o HashKnownHosts=yes' },
    { known: 'true', options: '-o HostKeyAlias=another -p 22' },
    { known: 'true', options: '-o FingerprintHash=md5' },
  ];
  for (const one of cases) {
    const said = await attempt(TERMINATED, one);
    t.match(said, { code: 0, out: 'db1\n' }, JSON.stringify(one));
    t.notMatch(said.err, /WARNING|authenticity|added/i);
  }
});

t.test('who has another command of their own does not know it', { buffered: true }, async (t) => {
  const said = await attempt(TERMINATED, { known: 'true', options: '-o KnownHostsCommand=none' });
  t.match(said, { code: 255, err: CHANGED });
  const also = await attempt(TERMINATED, {
    known: 'true',
    options: `-o KnownHostsCommand='/bin/sh -c "/usr/lib/hopline/known-hosts $0; exit 0" %f'`,
  });
  t.match(also, { code: 0, out: 'db1\n' });
});

for (const address of OTHERS)
  t.test(`${address}, which is not terminated, is as it would be`, { buffered: true }, async (t) => {
    const host = KEYS[address] ?? '';
    const real = (type: string) => `grep '^${host},.* ${type} ' /etc/ssh/ssh_known_hosts | cut -d' ' -f2,3`;
    const both = async (one: Attempt, expected: object) => {
      for (const options of [one.options ?? '', `${one.options ?? ''} -o KnownHostsCommand=none`])
        t.match(await attempt(address, { ...one, options }), expected, JSON.stringify({ ...one, options }));
    };
    const ask = '-o StrictHostKeyChecking=ask';
    await both({ known: 'true' }, { code: 255, err: /No ED25519 host key is known for/ });
    await both({ known: 'true', options: ask }, { code: 255, err: /Host key verification failed/ });
    await both(
      { known: 'true', options: ask, answer: 'yes' },
      { code: 0, out: `${host}\n`, err: /Permanently added '\S+' \(ED25519\)/ },
    );
    for (const type of ['ssh-ed25519', 'ecdsa-sha2-nistp256'])
      await both({ known: real(type) }, { code: 0, out: `${host}\n`, err: '' });
    // Also one of a type that the host does not have at all.
    for (const type of ['ed25519', 'ecdsa -b 256', 'ecdsa -b 521'])
      await both({ known: made(type, 'FILE') }, { code: 255, out: '', err: CHANGED });
  });
