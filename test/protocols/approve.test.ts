import t from 'tap';
import type { Decision, Lifted } from '../../src/core/types.ts';
import { approve } from '../../src/protocols/approve.ts';
import type { Actions, Answer } from '../../src/protocols/room.ts';

const HELD: Decision = {
  outcome: 'approve',
  policies: ['drops'],
  reason: 'drop needs approval by dba (drops)',
  observed: false,
  errors: [],
  version: 'v1',
};
const ALLOW: Decision = { ...HELD, outcome: 'allow', policies: ['base'], reason: 'base permits drop' };
const YES: Answer = {
  outcome: 'approved',
  approval: 17,
  by: 'bob',
  reason: 'as agreed',
  approved: [{ policy: 'drops', group: 'dba' }],
};

function rig(answers: readonly Answer[], decisions: readonly Decision[]) {
  const asked: Decision[] = [];
  const given: (readonly Lifted[])[] = [];
  const recorded: [number, Decision][] = [];
  const actions = {
    hold: async (_: number, decision: Decision) => answers[asked.push(decision) - 1],
    decided: (action: number, decision: Decision) => recorded.push([action, decision]),
  } as unknown as Actions;
  const decide = (approved: readonly Lifted[]) => decisions[given.push([...approved]) - 1] as Decision;
  const options = { onWaiting() {}, signal: new AbortController().signal };
  return { asked, given, recorded, run: () => approve(actions, 4, HELD, decide, options) };
}

t.test('a yes has it decided again, and both are in the record', async (t) => {
  const made = rig([YES], [ALLOW]);
  const { decision } = await made.run();
  t.strictSame(decision, { ...ALLOW, reason: 'base permits drop; approval 17 was given by bob: as agreed' });
  t.strictSame(made.given, [YES.approved]);
  t.strictSame(made.recorded, [[4, decision]]);
});

t.test('policies that say no by then win over the yes', async (t) => {
  const made = rig([YES], [{ ...ALLOW, outcome: 'deny', policies: ['no'], reason: 'no forbids drop' }]);
  t.match(await made.run(), {
    decision: { outcome: 'deny', policies: ['no'], reason: /^no forbids drop; approval 17 was given by bob/ },
  });
});

t.test('where another group is to be asked by then, it is', async (t) => {
  const second = { ...HELD, policies: ['security'] };
  const made = rig(
    [
      YES,
      { ...YES, approval: 18, by: 'carol', reason: '', approved: [{ policy: 'security', group: 'sec' }] },
    ],
    [second, ALLOW],
  );
  const { decision, approved } = await made.run();
  t.strictSame(made.asked, [HELD, second]);
  t.strictSame(made.given[1], approved);
  t.equal(approved.length, 2);
  t.equal(decision.reason, 'base permits drop; approval 18 was given by carol');
  t.equal(made.recorded.length, 1);
});

t.test('anything but a yes denies', async (t) => {
  const none = { by: null, approved: [] };
  const cases: [Answer, string][] = [
    [
      { ...YES, outcome: 'denied', reason: 'not on a Friday' },
      'approval 17 was denied by bob: not on a Friday',
    ],
    [
      { ...YES, ...none, outcome: 'expired', reason: 'nobody answered' },
      'approval 17 ran out: nobody answered',
    ],
    [{ ...YES, ...none, outcome: 'withdrawn', reason: 'gone' }, 'approval 17 was withdrawn: gone'],
    [{ ...YES, ...none, outcome: 'denied', approval: null, reason: 'full' }, 'nobody could be asked: full'],
  ];
  for (const [answer, said] of cases) {
    const made = rig([answer], []);
    const { decision } = await made.run();
    const expected = { ...HELD, outcome: 'deny', reason: `${said} (${HELD.reason})` };
    t.strictSame(decision, expected);
    t.strictSame(made.recorded, [[4, decision]]);
  }
});
