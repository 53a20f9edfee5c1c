// SSH by jobs that a person has left with at and cron: theirs is the key, the job's the hop.
import t from 'tap';
import {
  exclusively,
  hopline,
  labUp,
  mark,
  service,
  ssh,
  until,
  waitForHop,
  waitForLogin,
} from './support.ts';
import { HOST, under } from './under.ts';

t.before(labUp);
t.setTimeout(1_200_000);

const JOBS = ['at', 'cron'] as const;

/** What a job of alice's on bastion2 says and does: `ssh db1` and `scp` to there. */
async function left(by: (typeof JOBS)[number]) {
  const [word, login] = [mark(), mark()];
  const said = `/tmp/${word}`;
  const job = `{ ssh -o BatchMode=yes db1 "echo in-${word}; exit 3"; echo code $?; scp -q /etc/hostname db1:/tmp/${word}; echo code $?; } >${said} 2>&1; mv ${said} ${said}-done`;
  const [command, input] =
    by === 'at' ? ['at now', `${job}\n`] : ['crontab -', `* * * * * [ -e ${said}-done ] || { ${job}; }\n`];
  const { code, err } = await ssh('alice', HOST, `: ${login}; ${command}`, { input });
  if (code !== 0) throw new Error(err);
  const out = await until(
    async () => {
      const told = await service(HOST, `cat ${said}-done`);
      return told.code === 0 ? told.out.replaceAll(word, 'W') : null;
    },
    `the job of ${by}`,
    150_000,
  );
  if (by === 'cron') await service(HOST, 'crontab -u alice -r');
  const { hop, login: origin } = await waitForHop(
    HOST,
    word,
    ({ ended, chain }) => ended !== null && !chain.includes('scp'),
  );
  const actions = JSON.parse((await hopline(HOST, ['--json', 'actions', '--hop', hop.id])).out);
  return { word, out, hop, origin, actions, person: await waitForLogin(HOST, login) };
}

t.test('jobs', (t) =>
  exclusively(HOST, async () => {
    const daemons = service(
      HOST,
      `/usr/sbin/atd -f & atd=$!; /usr/sbin/cron -f & cron=$!; echo $atd $cron >/tmp/jobs; wait`,
      'root',
      {
        timeoutMs: 1_200_000,
      },
    );
    t.teardown(async () => {
      await service(HOST, 'kill $(cat /tmp/jobs); rm /tmp/jobs');
      await daemons;
    });
    for (const by of JOBS) {
      const mine = { kind: 'unattended', source: by, user: 'alice', identity: null, client: null };
      await t.test(`${by}: nobody has permitted it`, async (t) => {
        const one = await left(by);
        const why = `Hopline: no policy permits connect to db1-ssh for an unattended ${by} of alice`;
        t.match(one.out, new RegExp(`${why}[\\s\\S]*code 255\\n[\\s\\S]*code 255\\n$`));
        t.match(one.origin, mine);
        t.match(one.hop, { target: 'db1-ssh', mode: 'denied', decision: { outcome: 'deny' }, actions: 0 });
        t.same(one.person.hops, [], 'the login that left it connected nowhere');
      });
      await t.test(`${by}: permitted by its name`, async (t) =>
        under(
          t,
          {
            'policies/hosts.cedar': (text) =>
              `${text}\n@id("jobs-may")\npermit (principal == User::"unattended:${by}:alice", action in [Action::"connect", Action::"exec"], resource == Target::"db1-ssh");\n`,
          },
          async () => {
            const one = await left(by);
            t.match(one.out, /^in-W\ncode 3\n[\s\S]*Hopline: no policy permits [^\n]*\n[\s\S]*code \d+\n$/);
            t.match(one.origin, mine);
            t.match(one.hop, { target: 'db1-ssh', protocol: 'ssh', mode: 'inspect', endReason: null });
            t.match(one.actions, [
              {
                kind: 'exec',
                subject: `echo in-${one.word}; exit 3`,
                detail: { account: 'alice', authentication: 'key file id_ed25519' },
                result: { exitStatus: 3 },
                decision: { outcome: 'allow', policies: ['jobs-may'] },
              },
            ]);
            t.same(one.person.hops, []);
          },
        ),
      );
    }
  }),
);
