// Files and forwardings that wait for a person's yes: asked from bastion1, answered by bob.
import { join } from 'node:path';
import t from 'tap';
import type { ApprovalJson } from '../../src/api/json.ts';
import { REPO } from './lab.ts';
import { actionsOf, attempt } from './ssh-record.ts';
import {
  gate,
  hopline,
  labUp,
  mark,
  openGate,
  service,
  ssh,
  sshArgs,
  start,
  until,
  waitForHop,
} from './support.ts';

t.before(labUp);
t.jobs = 3;
t.setTimeout(1_200_000);

const COMMAND = `${process.execPath} --disable-warning=ExperimentalWarning ${join(REPO, 'src/hopline.ts')} --no-color`;

const question = (word: string, kind: string): Promise<ApprovalJson> =>
  until(async () => {
    const { out } = await hopline('bastion1', ['approvals', '--all', '--json']);
    const all = JSON.parse(out) as ApprovalJson[];
    return all.find((one) => one.subject.includes(word) && one.kind === kind && one.answer === null);
  }, `a question about ${word}`);

async function answer(verb: 'approve' | 'deny', { id }: ApprovalJson): Promise<void> {
  const { code, err } = await ssh('bob', 'bastion1', `${COMMAND} ${verb} ${id} --reason OPS-7`);
  if (code !== 0) throw new Error(err);
}
const isThere = async (path: string) => (await service('db1', `test -e ${path}`)).code === 0;

t.test('files by sftp: a yes, then a no', { buffered: true }, async (t) => {
  const word = mark();
  const path = `/tmp/${word}-to-be-held`;
  const lines = `put /etc/hostname ${path}\nput /etc/hostname /tmp/${word}-free\n-rm ${path}\n`;
  const going = attempt(word, `printf '${lines.replaceAll('\n', '\\n')}' | sftp -b - alice@db1`);
  const first = await question(word, 'transfer');
  t.match(first, {
    ...{ subject: `write ${path}`, requester: 'alice', target: 'db1-ssh', chain: ['bash', 'sftp', 'ssh'] },
    asks: [{ policy: 'files-are-held', group: 'dba' }],
  });
  t.notOk(await isThere(path));
  t.notOk(await isThere(`/tmp/${word}-free`), 'what is behind it waits with it');
  await answer('approve', first);
  const second = await question(word, 'transfer');
  t.equal(second.subject, `remove ${path}`);
  await answer('deny', second);
  const one = await going;
  t.equal(one.code, 0, one.err);
  t.match(
    one.err,
    `Hopline: held for approval ${first.id}: write of ${path} on db1-ssh for alice needs approval by dba`,
  );
  t.match(one.err, `Hopline: approval ${second.id} was denied by bob: OPS-7`);
  t.match(
    one.actions.map(({ subject, decision, result }) => [subject, decision.outcome, decision.reason, result]),
    [
      ['sftp', 'allow', String, {}],
      [`write ${path}`, 'allow', new RegExp(`; approval ${first.id} was given by bob: OPS-7$`), { bytes: 9 }],
      [`write /tmp/${word}-free`, 'allow', String, { bytes: 9 }],
      [`remove ${path}`, 'deny', String, { error: 'denied' }],
    ],
  );
  t.ok(await isThere(path));
});

t.test('files by scp -O and rsync', { buffered: true }, async (t) => {
  for (const tool of ['scp -qO /etc/hostname alice@db1:PATH', 'rsync /etc/hostname alice@db1:PATH']) {
    const word = mark();
    const path = `/tmp/${word}-to-be-held`;
    const going = attempt(word, tool.replace('PATH', path));
    const asked = await question(word, 'transfer');
    t.notOk(await isThere(path));
    await answer('approve', asked);
    const one = await going;
    t.match(
      one,
      { code: 0, actions: [{ kind: 'exec' }, { kind: 'transfer', decision: { outcome: 'allow' } }] },
      tool,
    );
    t.match(one.err, `Hopline: held for approval ${asked.id}`);
    t.ok(await isThere(path));
  }
});

t.test('nobody answers, and nobody waits', { buffered: true }, async (t) => {
  const word = mark();
  const late = await attempt(word, `echo put /etc/hostname /tmp/${word}-briefly-held | sftp -b - alice@db1`);
  t.match(late, { code: 1, err: /Hopline: approval \d+ ran out/ });
  t.match(late.actions.at(-1), {
    kind: 'transfer',
    decision: { outcome: 'deny' },
    result: { error: 'denied' },
  });
  const other = mark();
  const going = start(
    t,
    sshArgs(
      'alice',
      'bastion1',
      `: ${other}; echo put /etc/hostname /tmp/${other}-to-be-held | setsid sftp -b - alice@db1 & ${gate(other)}; kill -KILL -$!; wait`,
    ),
  );
  const asked = await question(other, 'transfer');
  openGate('bastion1', other);
  await going.ended;
  const { hop } = await waitForHop('bastion1', other, ({ ended }) => ended !== null);
  t.match((await actionsOf(hop.id)).at(-1), {
    ...{ decision: { outcome: 'deny' }, result: { error: /^withdrawn: / } },
    approvals: [{ id: asked.id, outcome: 'withdrawn' }],
  });
});

t.test('a connection for the client, and a port to listen on', { buffered: true }, async (t) => {
  const word = mark();
  const going = attempt(word, 'ssh -v -W localhost:2390 alice@db1 </dev/null');
  const asked = await question('local tcp localhost:2390', 'forward');
  t.match(asked, { asks: [{ policy: 'some-ports-are-held', group: 'dba' }], chain: ['bash', 'ssh'] });
  await answer('deny', asked);
  const no = await going;
  t.match(no, {
    code: 255,
    actions: [{ kind: 'forward', decision: { outcome: 'deny' }, result: { error: 'denied' } }],
  });
  t.match(no.err, `Remote: Hopline: held for approval ${asked.id}: forwarding to localhost`);
  t.match(
    no.err,
    `open failed: administratively prohibited: Hopline: approval ${asked.id} was denied by bob: OPS-7`,
  );

  const other = mark();
  const listening = attempt(
    other,
    `ssh -o ExitOnForwardFailure=yes -R 2391:127.0.0.1:22 alice@db1 'sleep 3; echo over'`,
  );
  await answer('approve', await question('remote tcp localhost:2391', 'forward'));
  const yes = await listening;
  t.match(yes, { code: 0, out: 'over\n' });
  t.match(yes.actions, [
    { kind: 'forward', decision: { outcome: 'allow', reason: /was given by bob/ } },
    { kind: 'exec' },
  ]);
});
