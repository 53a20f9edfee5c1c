/** `hopline approvals`, `approve` and `deny`: what somebody sees before they answer, and what is said of the answer. */
import t from 'tap';
import { approvalJson } from '../../src/api/json.ts';
import { ControlError } from '../../src/api/protocol.ts';
import { allow, answer, approval, hop, id, login, T0, temporaryStore } from '../store/seed.ts';
import { run, serving } from './serving.ts';

t.setTimeout(60_000);

const STATEMENT = 'drop table orders -- \u001b[2J\n  cascade';

function held() {
  const s = temporaryStore();
  const { writer, reader } = s.store;
  writer.insertLogin(login());
  writer.insertHop(hop());
  const detail = JSON.stringify({ statement: STATEMENT, parameters: ['7', null], cut: 12 });
  writer.insertAction({
    ...{ hop: id(5), seq: 1, kind: 'query', at: T0, subject: 'drop orders', detail },
    decision: { ...allow, outcome: 'approve', policies: ['drops-are-held'] },
  });
  writer.insertApproval(approval());
  return {
    writer,
    one: () => approvalJson(reader.approval(17)),
    [Symbol.dispose]: () => s[Symbol.dispose](),
  };
}

t.test('all that is known of it, and nothing that could deceive', async (t) => {
  using s = held();
  const asked: unknown[] = [];
  const { path } = await serving(t, {
    approvals: (params) => {
      asked.push(params);
      return [s.one()];
    },
  });
  const { code, out } = await run(path, ['approvals', '--limit', '5']);
  t.equal(code, 0);
  t.strictSame(asked, [{ all: false, limit: 5 }]);
  t.strictSame(out.trimEnd().split('\n'), [
    `17  2026-09-21 14:13:26  alice  [L ${id(0)}]  orders-db  drop orders  waits`,
    '    drop table orders -- \\e[2J',
    '      cascade',
    '      … and 12 characters more',
    '    $1 = "7"',
    '    $2 = null',
    '    bash › psql -h orders-db',
    '    drops-are-held asks a member of dba: Say why.',
  ]);
  const [json] = JSON.parse((await run(path, ['approvals', '--all', '--json'])).out);
  t.match(json, {
    ...{ id: 17, requester: 'alice', user: 'alice', login: id(0), target: 'orders-db', answer: null },
    ...{
      detail: { statement: STATEMENT },
      at: '2026-09-21T14:13:26.000Z',
      expires: '2026-09-21T14:28:26.000Z',
    },
  });
});

t.test('nothing waits', async (t) => {
  const { path } = await serving(t, { approvals: () => [] });
  t.match(await run(path, ['approvals']), { code: 0, out: 'nothing waits for an approval (--all)\n' });
  t.match(await run(path, ['approvals', '--all']), { code: 0, out: 'no approvals\n' });
});

t.test('answers, and what each exit code means', async (t) => {
  using s = held();
  const said: unknown[] = [];
  const done =
    (outcome: 'approved' | 'denied') => (params: { approval: number; reason?: string | undefined }) => {
      said.push([outcome, params.approval, params.reason ?? null]);
      if (params.approval === 18)
        throw new ControlError('refused', '18 is your own: somebody else has to answer it');
      if (params.approval === 99) throw new ControlError('not_found', 'no approval has the number 99');
      s.writer.insertApprovalAnswer(17, answer({ outcome }));
      return s.one();
    };
  const { path } = await serving(t, { approve: done('approved'), deny: done('denied') });
  const yes = await run(path, ['approve', '17', '--reason', 'as agreed']);
  t.equal(yes.code, 0);
  t.match(yes.out, /^17 .*drop orders {2}approved by bob .*: as agreed\n/);
  t.match(await run(path, ['approve', '18']), {
    code: 1,
    err: 'hopline: 18 is your own: somebody else has to answer it\n',
  });
  t.match(await run(path, ['approve', '99']), { code: 4, err: 'hopline: no approval has the number 99\n' });
  t.match(
    await run(path, ['deny', '17', '--reason', 'no', '--json']),
    { code: 0, out: /"outcome":"approved"/ },
    'as it is',
  );
  t.strictSame(said, [
    ['approved', 17, 'as agreed'],
    ['approved', 18, null],
    ['approved', 99, null],
    ['denied', 17, 'no'],
  ]);
  t.match(await run(path, ['deny', '17']), { code: 2, err: /--reason/ });
  t.match(await run(path, ['deny', '17', '--reason', ' ']), { code: 2, err: /--reason/ });
  for (const wrong of ['x', '0', '-1', '1.5', '1e3'])
    t.match(
      await run(path, ['approve', '--', wrong]),
      { code: 2, err: /is no number of an approval/ },
      wrong,
    );
  t.equal(said.length, 4);
  t.match((await run(path, ['deny', '--help'])).out, /\$ hopline deny 17 --reason "not on a Friday"/);
});
