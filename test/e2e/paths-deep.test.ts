// A program that executes itself again and again: what is kept of its chain, and that its connection is recorded.
import { writeFileSync } from 'node:fs';
import t from 'tap';
import { IPV4, labUp, mark, notices, rootOf, service, ssh, until, waitForHop } from './support.ts';

t.before(labUp);
t.jobs = 2;

const HOST = 'bastion1';
const TIMES = 400;
/** As many as src/attribution/chain.ts holds, and a line and a name for the rest. */
const MOST = 82;

/** A script that executes itself so many times, and then connects. */
function script(word: string): string {
  const url = IPV4.url('web1', 80, word);
  const text = `#!/bin/sh\n[ "$1" -gt 0 ] && exec "$0" $(($1 - 1)) ${word}\nexec curl -s ${url}\n`;
  writeFileSync(`${rootOf(HOST)}/tmp/${word}`, text, { mode: 0o755 });
  return `/tmp/${word}`;
}

const omitted = (chain: readonly string[]) =>
  Number(/^… (\d+) programs left out, by name$/.exec(chain.find((name) => name.startsWith('…')) ?? '')?.[1]);

t.test('in a login', { buffered: true }, async (t) => {
  const word = mark();
  const path = script(word);
  t.equal((await ssh('alice', HOST, `${path} ${TIMES}; :`)).code, 0);
  const { login, hop } = await waitForHop(HOST, word);
  t.equal(hop.chain[0], 'bash');
  t.equal(hop.chain.at(-1), 'curl');
  t.ok(hop.chain.length <= MOST, `${hop.chain.length} names`);
  t.equal(omitted(hop.chain) + hop.chain.length - 2, TIMES + 3, 'every program is counted');
  const runs = login.processes.filter(({ argv }) => argv.includes(path));
  t.ok(runs.length > TIMES, 'the tree has each of them');
  t.equal(hop.decision.outcome, 'allow');
});

t.test('in a job', { buffered: true }, async (t) => {
  const word = mark();
  const path = script(word);
  t.equal((await service(HOST, `${path} ${TIMES}; :`, 'alice')).code, 0);
  const { login, hop } = await waitForHop(HOST, word);
  t.ok(hop.chain.length <= MOST, `${hop.chain.length} names`);
  t.ok(omitted(hop.chain) > TIMES - MOST);
  t.ok(login.processes.length <= MOST, 'the tree lacks those');
  const said = async () => {
    const told = (await notices(HOST)).find((notice) => notice.login === login.id && notice.kind === 'loss');
    return told ?? null;
  };
  const told = await until(said, 'a notice of what the tree lacks');
  t.equal(told.count, omitted(hop.chain), told.detail);
});
