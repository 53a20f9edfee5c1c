/**
 * What people do over SSH from a bastion with tools of their own: each is run on the laptop, which has no Hopline, and on
 * bastion1, says the same, and is found in the record as what it was.
 */
import type { Test } from 'tap';
import type { ActionJson } from '../../src/api/json.ts';
import { isLoginOf } from './assertions.ts';
import { hopline, IPV4, lab, mark, type Said, ssh, until, waitForLogin } from './support.ts';

const PATIENCE = { timeoutMs: 300_000 };

export interface Tool {
  readonly name: string;
  /** Shell. W is a word of this run alone, PORT a free port; db1 is reached as alice. */
  readonly command: string;
  /** Besides that it says what it says without Hopline. */
  readonly says: RegExp;
  /** Each is of some action. */
  readonly actions: readonly object[];
  /** By which programs what connects is started. */
  readonly by: RegExp;
  /** Connections to the target. */
  readonly hops: number;
  readonly fewest?: number;
  /** db1-ssh, where none is given. */
  readonly target?: string;
  /** How a connection ended that was none, for some of them. */
  readonly refused?: RegExp;
}

/** Shell: until something listens on PORT. */
export const LISTENS =
  'for i in $(seq 600); do ss -Hltn "sport = :PORT" | grep -q . && break; sleep 0.1; done';
export const exec = (subject: string | RegExp, exitStatus = 0) => ({
  kind: 'exec',
  subject,
  result: { exitStatus, error: undefined },
});
export const moved = (tool: string, direction: string, path: string | RegExp) => ({
  kind: 'transfer',
  detail: { tool, direction, path },
});

const portOf = (word: string) => 20_000 + (Number.parseInt(word.slice(1, 5), 16) % 10_000);
const filled = (text: string, word: string) =>
  text.replaceAll(/\bW(?=\b|-)/g, word).replaceAll('PORT', `${portOf(word)}`);
/** As it was before it was {@link filled}. */
const plain = (text: string, word: string) =>
  text.replaceAll(word, 'W').replaceAll(new RegExp(`\\b${portOf(word)}\\b`, 'g'), 'PORT');
/** What two runs have to have in common. */
export const told = ({ code, out }: Said, word: string) => ({ code, out: plain(out, word) });

/** The same on a host without Hopline. */
export function without(command: string): Promise<Said> {
  return lab(['exec', 'laptop', '--user', 'alice', '--', 'bash', '-c', `cd; ${command}`], PATIENCE);
}

/** What of bastion1 is recorded of the login with `word`, when all of it is over. */
async function recorded(t: Test, word: string, hops: number, target: string) {
  const login = await waitForLogin(
    'bastion1',
    word,
    (one) => one.ended !== null && one.hops.length >= hops && one.hops.every(({ ended }) => ended !== null),
    60_000,
  );
  isLoginOf(t, login, { user: 'alice', client: IPV4.address('laptop') });
  const over = login.hops.filter((hop) => hop.target === target);
  const actions = await until(async () => {
    const all: ActionJson[] = [];
    for (const { id } of over) {
      const { out } = await hopline('bastion1', ['actions', '--hop', id, '-n', '1000', '--json']);
      all.push(...(JSON.parse(out) as ActionJson[]));
    }
    return all.every(({ ended }) => ended !== null) ? all : null;
  }, `the ends of what ${word} did`);
  return {
    login,
    hops: over,
    actions: JSON.parse(JSON.stringify(actions).replaceAll(word, 'W')) as ActionJson[],
  };
}

export async function compared(t: Test, tool: Tool): Promise<void> {
  const { command, says, actions: expected, by, hops: count, fewest = 1, target = 'db1-ssh', refused } = tool;
  const [there, here] = [mark(), mark()];
  const alone = await without(filled(command, there));
  const said = await ssh('alice', 'bastion1', filled(command, here), PATIENCE);
  t.match(told(said, here).out, says, said.err);
  t.same(told(said, here), told(alone, there), 'as it is without Hopline');
  const { login, hops, actions } = await recorded(t, here, count, target);
  t.equal(hops.length, count, `connections to ${target}`);
  for (const hop of hops) {
    t.match(hop, { protocol: 'ssh', mode: 'inspect', decision: { outcome: 'allow' } });
    if (refused === undefined || hop.endReason === null) t.equal(hop.endReason, null);
    else t.match(hop.endReason, refused);
    t.match(hop.chain.join(' › '), by);
    t.ok(login.processes.some(({ id }) => id === hop.process));
  }
  t.ok(actions.length >= fewest, `${actions.length} actions`);
  t.ok(actions.every(({ decision }) => decision.outcome === 'allow'));
  for (const one of expected) {
    t.ok(
      actions.some((action) => matches(action, one)),
      JSON.stringify(one),
      { actions: actions.map(({ kind, subject, result, detail }) => ({ kind, subject, result, detail })) },
    );
  }
}

/** As tap's `match`, of one of many. */
function matches(value: unknown, wanted: unknown): boolean {
  if (wanted instanceof RegExp) return typeof value === 'string' && wanted.test(value);
  if (wanted === Number) return typeof value === 'number';
  if (typeof wanted !== 'object' || wanted === null) return value === wanted;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(wanted).every(([key, each]) =>
    matches((value as Record<string, unknown>)[key], each),
  );
}
