import type { ForestJson } from '../api/json.ts';
import type { Daemon } from './daemon.ts';

/** A forest of this host's, with what the others have of the same trees. */
export async function wholeTree(daemon: Daemon, own: ForestJson): Promise<ForestJson> {
  const { host } = daemon.policy.config;
  const { parts, absent } = await daemon.fleet.trees.beyond({ up: own.logins, down: own.logins }, [host]);
  return { ...own, parts, absent };
}
