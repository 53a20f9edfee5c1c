/** What a person has to say yes to: the decision that takes the place of the one with which an action was begun. */
import type { Decision, Lifted } from '../../core/types.ts';
import { approve, wordsOf } from '../approve.ts';
import type { Actions } from '../room.ts';
import type { Deed } from './facts.ts';

/** An action that goes on, or waits. */
export interface Begun {
  readonly action: number;
  readonly deed: Deed;
  readonly decision: Decision;
}

export const passes = ({ outcome, observed }: Decision): boolean => outcome === 'allow' || observed;

/** Why nobody can be asked about it; null where somebody can. */
export function unaskable({ detail }: Deed): string | null {
  return 'cut' in detail ? 'it is too long to be shown' : null;
}

/**
 * Waits until nobody has to be asked any more. Where one is not to be, all of them have ended.
 * @param begun all of them, or none, go on
 * @param tell for the person who waits
 * @param signal aborted, with why, when nobody waits any more
 * @returns them as they are decided, or the reason of a refusal
 */
export async function ask(
  actions: Actions,
  begun: readonly Begun[],
  tell: (text: string) => void,
  signal: AbortSignal,
): Promise<readonly Begun[] | string> {
  const decided: Begun[] = [];
  const refuse = (error: string, { reason }: Decision): string => {
    for (const { action } of begun) actions.end(action, { error });
    return reason;
  };
  for (const { action, deed, decision: held } of begun) {
    const again = (approved: readonly Lifted[] = []) => actions.decide(deed.action, deed.facts, approved);
    if (passes(held)) {
      // Beside what had to wait: by policies that may be others by then.
      const decision = again();
      decided.push({ action, deed, decision });
      if (passes(decision)) continue;
      actions.decided(action, { ...decision, outcome: 'deny' });
      return refuse('denied', decision);
    }
    const { decision, answer } = await approve(actions, action, held, again, {
      onWaiting: (waiting) => {
        const [news, time] = wordsOf(waiting, held);
        tell(`${news}\n${time} To end this ssh withdraws it.\n`);
      },
      signal,
    });
    if (!passes(decision))
      return refuse(answer.outcome === 'withdrawn' ? `withdrawn: ${answer.reason}` : 'denied', decision);
    decided.push({ action, deed, decision });
  }
  return decided;
}
