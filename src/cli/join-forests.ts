/** The trees of several hosts as one: a login hangs below the hop by which it came, wherever either is recorded. */
import type { ForestJson, TreeLoginJson } from '../api/json.ts';

/** By the hop above them: what is drawn below it. */
export type Joined = ReadonlyMap<string, readonly TreeLoginJson[]>;

export interface JoinedForest {
  readonly forest: ForestJson;
  readonly below: Joined;
}

/**
 * @param others of other hosts; a login that is there twice is taken once
 * @returns the logins that hang below none of the others', and those that do
 */
export function joinForests(forest: ForestJson, others: readonly (readonly TreeLoginJson[])[]): JoinedForest {
  const all = new Map<string, TreeLoginJson>();
  for (const login of [...forest.logins, ...others.flat()]) if (!all.has(login.id)) all.set(login.id, login);
  const loginOf = new Map<string, string>();
  for (const login of all.values()) for (const hop of login.hops) loginOf.set(hop.id, login.id);
  const below = new Map<string, TreeLoginJson[]>();
  const tops: TreeLoginJson[] = [];
  for (const login of all.values()) {
    const { parentHop } = login;
    if (parentHop === null || !hangs(login, all, loginOf)) tops.push(login);
    else below.set(parentHop, [...(below.get(parentHop) ?? []), login]);
  }
  const told = (login: TreeLoginJson): TreeLoginJson => ({
    ...login,
    hops: login.hops.map((hop) => ({
      ...hop,
      childLogin: hop.childLogin ?? below.get(hop.id)?.[0]?.id ?? null,
    })),
  });
  return {
    forest: { ...forest, logins: tops.map(told) },
    below: new Map([...below].map(([hop, logins]) => [hop, logins.map(told)])),
  };
}

/** Whether the way up from a login ends at one that hangs below none: what says otherwise is no tree. */
function hangs(
  login: TreeLoginJson,
  all: ReadonlyMap<string, TreeLoginJson>,
  loginOf: ReadonlyMap<string, string>,
): boolean {
  const seen = new Set<string>();
  let above = false;
  for (let at: TreeLoginJson | undefined = login; at !== undefined; ) {
    if (seen.has(at.id)) return false;
    seen.add(at.id);
    const next: string | undefined = at.parentHop === null ? undefined : loginOf.get(at.parentHop);
    if (at === login) above = next !== undefined;
    at = next === undefined ? undefined : all.get(next);
  }
  return above;
}
