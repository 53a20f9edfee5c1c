// A session that is to be recorded and can't be: by policy its hop ends, before the command has run, or goes on; both are told.
import t from 'tap';
import type { ActionJson, RecordingJson } from '../../src/api/json.ts';
import { exclusively, hopline, labUp, mark, notices, service, ssh, until, waitForHop } from './support.ts';
import { HOST, under } from './under.ts';

t.before(labUp);
t.setTimeout(1_200_000);

const PLACE = '/var/lib/hopline/recordings';
const root = async (command: string): Promise<void> => {
  const { code, err } = await service(HOST, command);
  if (code !== 0) throw new Error(`${command}: ${err}`);
};
/** @param broken what is done to the place of recordings, and how that is mended */
async function broken(
  [breaks, mends]: readonly [string, string],
  action: () => Promise<void>,
): Promise<void> {
  await root(breaks);
  try {
    await action();
  } finally {
    await root(mends);
  }
}
const GONE = [
  `mv ${PLACE} ${PLACE}.away && touch ${PLACE}`,
  `rm ${PLACE} && mv ${PLACE}.away ${PLACE}`,
] as const;
const FULL = [`mount -t tmpfs -o size=32k,mode=700 none ${PLACE}`, `umount -l ${PLACE}`] as const;
const terms = (onFailure: string) => ({
  'hopline.yaml': (text: string) => `${text}\nrecording: {on_failure: ${onFailure}}\n`,
});

async function attempt(word: string, command: string) {
  const said = await ssh('alice', HOST, `: ${word}; ssh alice@10.77.0.20 '${command}'`);
  const { hop } = await waitForHop(HOST, word, ({ ended }) => ended !== null);
  const json = async <T>(what: string): Promise<T> =>
    JSON.parse((await hopline(HOST, [what, '--hop', hop.id, '--json'])).out) as T;
  return {
    ...said,
    hop,
    actions: await json<ActionJson[]>('actions'),
    recordings: await json<RecordingJson[]>('recordings'),
  };
}
const told = (hop: string) =>
  until(
    async () => (await notices(HOST, ['--kind', 'recording'])).find(({ detail }) => detail.includes(hop)),
    'a notice',
  );
const WHY = /this session is to be recorded, and that cannot be done: /;
const exists = async (path: string) => (await service('db1', `test -e ${path}`)).code === 0;

t.test('recordings that cannot be', async (t) =>
  exclusively(HOST, async () => {
    t.match(await attempt(mark(), 'echo first'), { code: 0, recordings: [{ kind: 'terminal' }] });
    await t.test('the directory is gone, and the hop ends: nothing has run', async (t) =>
      under(t, terms('end'), async () =>
        broken(GONE, async () => {
          const word = mark();
          const one = await attempt(word, `touch /tmp/${word}; echo seen`);
          t.match(one, { code: 255, out: '' });
          t.match(
            one.err,
            /from 10\.77\.0\.20 port 22:11: Hopline: this session is to be recorded, and that cannot/,
          );
          t.match(one.hop, { target: 'db1-ssh', endReason: WHY });
          t.match(one.actions, [{ kind: 'exec', decision: { outcome: 'allow' }, result: { error: WHY } }]);
          t.notOk(await exists(`/tmp/${word}`), 'the host has not heard of it');
          t.ok(await told(one.hop.id));
        }),
      ),
    );
    await t.test('the directory is gone, and the hop goes on', async (t) =>
      under(t, terms('continue'), async () =>
        broken(GONE, async () => {
          const one = await attempt(mark(), 'echo seen');
          t.match(one, { code: 0, out: 'seen\n', hop: { endReason: null } });
          t.match(one.actions, [{ result: { exitStatus: 0 } }]);
          t.ok(await told(one.hop.id));
        }),
      ),
    );
    await t.test('the disk is full in the middle, and the hop ends', async (t) =>
      under(t, terms('end'), async () =>
        broken(FULL, async () => {
          const one = await attempt(
            mark(),
            'echo begun; head -c 3000000 /dev/urandom | base64 -w0; sleep 20; echo over',
          );
          t.equal(one.code, 255);
          t.match(one.out, /^begun\n/);
          t.notMatch(one.out, /over\n$/);
          t.match(one.err, WHY);
          t.match(one.hop.endReason, WHY);
          t.ok(await told(one.hop.id));
        }),
      ),
    );
    await t.test('the disk is full in the middle, and the hop goes on', async (t) =>
      under(t, terms('continue'), async () =>
        broken(FULL, async () => {
          const one = await attempt(mark(), 'head -c 3000000 /dev/urandom | base64 -w0; echo over');
          t.match(one, { code: 0, out: /over\n$/, hop: { endReason: null } });
          t.ok(await told(one.hop.id));
        }),
      ),
    );
    const again = await attempt(mark(), 'echo mended');
    t.match(again, { code: 0, out: 'mended\n', recordings: [{ kind: 'terminal', reason: null }] });
  }),
);
