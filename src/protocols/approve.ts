/** What rooms do with an action that waits for a person: the same in every protocol. */
import type { Decision, Lifted } from '../core/types.ts';
import type { Actions, Answer, HoldOptions, Waiting } from './room.ts';

export interface Approved {
  /** In force, and recorded: never `approve` where that is enforced. */
  readonly decision: Decision;
  /** The last one. Where it is a yes and the decision none, policies forbid it by now. */
  readonly answer: Answer;
  /** What was lifted on the way: to decide with once more. */
  readonly approved: readonly Lifted[];
}

/**
 * Waits until nobody has to be asked any more. After each yes the action is decided again, by the policies that are in
 * force then: where one of another group still forbids it, that group is asked too, under a number of its own.
 * @param action its number, begun with `held`
 * @param decide by the policies in force, with these approvals
 */
export async function approve(
  actions: Actions,
  action: number,
  held: Decision,
  decide: (approved: readonly Lifted[]) => Decision,
  options: HoldOptions,
): Promise<Approved> {
  const approved: Lifted[] = [];
  for (let asked = held; ; ) {
    const answer = await actions.hold(action, asked, options);
    const said = sentenceOf(answer);
    approved.push(...answer.approved);
    const again: Decision =
      answer.outcome === 'approved'
        ? decide(approved)
        : { ...asked, outcome: 'deny', reason: `${said} (${asked.reason})` };
    if (again.outcome === 'approve' && !again.observed) {
      asked = again;
      continue;
    }
    const decision = answer.outcome === 'approved' ? { ...again, reason: `${again.reason}; ${said}` } : again;
    actions.decided(action, decision);
    return { decision, answer, approved };
  }
}

/** What the person is told who waits. @returns the news, and for how long it waits for whom */
export function wordsOf({ approval, who, expires }: Waiting, { reason }: Decision): [string, string] {
  const minutes = Math.max(0, (expires / 1000 - Date.now()) / 60_000);
  const time = minutes < 2 ? `${Math.round(minutes * 60)} s` : `${Math.round(minutes)} min`;
  return [
    `Hopline: held for approval ${approval}: ${reason}; hopline approve ${approval}`,
    `It waits ${time} for ${who} to answer.`,
  ];
}

const VERBS: Readonly<Record<Answer['outcome'], string>> = {
  approved: 'was given',
  denied: 'was denied',
  withdrawn: 'was withdrawn',
  expired: 'ran out',
};

/** As `approval 17 was denied by bob: not on a Friday`. */
export function sentenceOf({ outcome, approval, by, reason }: Answer): string {
  const what = approval === null ? 'nobody could be asked' : `approval ${approval} ${VERBS[outcome]}`;
  return `${what}${by === null ? '' : ` by ${by}`}${reason === '' ? '' : `: ${reason}`}`;
}
