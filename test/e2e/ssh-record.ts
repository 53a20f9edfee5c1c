/** A command of a login on bastion1, with the hop that it made and what was done there. */
import type { ActionJson, HopJson } from '../../src/api/json.ts';
import { hopline, type Options, type Said, ssh, until, waitForHop } from './support.ts';

export interface Attempt extends Said {
  readonly hop: HopJson;
  /** In their order. */
  readonly actions: readonly ActionJson[];
}

/** All of a hop's, when each has ended. */
export async function actionsOf(hop: string): Promise<ActionJson[]> {
  return until(async () => {
    const { out } = await hopline('bastion1', ['actions', '--hop', hop, '--json']);
    const found = (JSON.parse(out) as ActionJson[]).reverse();
    return found.every(({ ended }) => ended !== null) ? found : null;
  }, `the actions of ${hop}`);
}

/**
 * Waits for the end of both.
 * @param word a mark of this attempt alone
 * @param of the hop, where the command makes several
 */
export async function attempt(
  word: string,
  command: string,
  of: (hop: HopJson) => boolean = () => true,
  options: Options = {},
): Promise<Attempt> {
  const said = await ssh('alice', 'bastion1', `: ${word}; ${command}`, options);
  const { hop } = await waitForHop('bastion1', word, (one) => one.ended !== null && of(one));
  return { ...said, hop, actions: await actionsOf(hop.id) };
}
