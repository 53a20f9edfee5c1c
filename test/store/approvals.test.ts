import t from 'tap';
import { allow, answer, approval, hop, id, login, T0, temporaryStore } from './seed.ts';

const drop = {
  hop: id(5),
  seq: 1,
  kind: 'query',
  at: T0 + 6_000_000,
  subject: 'drop orders',
  detail: '{"statement":"drop table orders","parameters":["7"]}',
  decision: { ...allow, outcome: 'approve', policies: ['drops-are-held'] },
} as const;

function held() {
  const s = temporaryStore();
  const { writer } = s.store;
  writer.insertLogin(login());
  writer.insertHop(hop());
  writer.insertAction(drop);
  writer.insertApproval(approval());
  return s;
}

t.test('a request says what is asked, of whom, and for whom', async (t) => {
  using s = held();
  const { reader } = s.store;
  const { id: number, ...rest } = approval();
  t.strictSame(reader.approvals(), [
    {
      id: number,
      ...rest,
      login: id(0),
      chain: hop().chain,
      target: 'orders-db',
      destination: { address: '10.77.0.20', port: 5432 },
      kind: 'query',
      subject: 'drop orders',
      detail: { statement: 'drop table orders', parameters: ['7'] },
      answer: null,
    },
  ]);
  t.match(reader.actions()[0]?.approvals, [{ id: 17, outcome: null, by: null }]);
  t.equal(reader.maxApprovalId(), 17);
});

t.test('an answer closes it, and the first one counts', async (t) => {
  using s = held();
  const { writer, reader } = s.store;
  t.equal(writer.insertApprovalAnswer(17, answer()), true);
  t.equal(writer.insertApprovalAnswer(17, answer({ outcome: 'denied', by: 'carol' })), false);
  writer.insertActionDecision(id(5), 1, T0 + 7_000_001, { ...allow, reason: 'approved by bob: as agreed' });
  t.strictSame(reader.approvals(), [], 'nothing waits');
  t.strictSame(reader.approvals({ all: true })[0]?.answer, answer());
  t.strictSame(reader.approval(17).answer, answer());
  t.match(reader.actions(), [
    {
      decision: { outcome: 'allow', reason: 'approved by bob: as agreed' },
      approvals: [{ id: 17, outcome: 'approved', by: 'bob', reason: 'as agreed' }],
    },
  ]);
  t.throws(() => reader.approval(18), { code: 'not_found', message: 'no approval has the number 18' });
});

t.test('what has no place is told', async (t) => {
  using s = held();
  const { writer } = s.store;
  t.throws(() => writer.insertApproval(approval({ id: 18, hop: id(99) })), { code: 'orphan' });
  t.throws(() => writer.insertApprovalAnswer(99, answer()), { code: 'orphan' });
  t.equal(writer.insertApproval(approval({ reason: 'another' })), false, 'a number is given once');
});
