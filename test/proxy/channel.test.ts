/** What is done in hops reaches the supervisor before it goes on, in order, and in few messages. */
import t from 'tap';
import type { Decision } from '../../src/core/types.ts';
import { Channel } from '../../src/proxy/channel.ts';
import type { ToSupervisor } from '../../src/proxy/messages.ts';
import { until } from '../until.ts';

const decision: Decision = {
  ...{ outcome: 'allow', policies: ['p'], reason: 'may', observed: false, errors: [], version: '1' },
};

function channel() {
  const sent: string[] = [];
  const tell = (message: ToSupervisor) =>
    sent.push(
      message.type === 'actions'
        ? message.actions.map(({ type, hop, action }) => `${type} ${hop}${action}`).join(', ')
        : message.type,
    );
  const it = new Channel(tell);
  const begin = (hop: string, action: number, decided = decision) =>
    it.begun({ type: 'action', hop, action, kind: 'query', subject: 's', detail: {} }, decided);
  const end = (hop: string, action: number) => it.over({ type: 'action-end', hop, action, detail: {} });
  return { it, sent, begin, end };
}

t.test('by itself what begins is sent at once, and what ends a moment later', async (t) => {
  const { sent, begin, end } = channel();
  begin('A', 1);
  t.same(sent, ['action A1']);
  end('A', 1);
  t.same(sent, ['action A1']);
  await until(() => sent.length === 2, 'the end');
  t.equal(sent[1], 'action-end A1');
});

t.test('what several connections begin in a turn is one message, before any of it goes on', async (t) => {
  const { it, sent, begin, end } = channel();
  end('A', 1);
  it.together(
    () => begin('A', 2),
    () => sent.push('A goes on'),
  );
  it.together(
    () => {
      begin('B', 1);
      begin('B', 2);
    },
    () => sent.push('B goes on'),
  );
  t.same(sent, []);
  await new Promise((resolve) => setImmediate(resolve));
  t.same(sent, ['action-end A1, action A2, action B1, action B2', 'A goes on', 'B goes on']);
});

t.test('where nothing began it goes on at once; behind what waits it waits', async (t) => {
  const { it, sent, begin } = channel();
  it.together(
    () => {},
    () => sent.push('goes on'),
  );
  t.same(sent, ['goes on']);
  it.together(
    () => begin('A', 1),
    () => sent.push('first'),
  );
  it.together(
    () => {},
    () => sent.push('second'),
  );
  t.same(sent, ['goes on']);
  await new Promise((resolve) => setImmediate(resolve));
  t.same(sent, ['goes on', 'action A1', 'first', 'second']);
});

t.test('other messages come after what was done before them', async (t) => {
  const { it, sent, begin, end } = channel();
  it.together(
    () => begin('A', 1),
    () => sent.push('goes on'),
  );
  end('A', 1);
  it.ended('A', 0, 0, null);
  t.same(sent, ['action A1, action-end A1', 'goes on', 'ended']);
});

t.test('what throws is on record, and does not go on', async (t) => {
  const { it, sent, begin } = channel();
  const failing = () =>
    it.together(
      () => {
        begin('A', 1);
        throw new Error('broken');
      },
      () => sent.push('goes on'),
    );
  t.throws(failing, /broken/);
  t.same(sent, ['action A1']);
  begin('A', 2);
  t.same(sent, ['action A1', 'action A2']);
});

t.test('a message is no longer than the supervisor takes it, and says a decision once', async (t) => {
  const messages: ToSupervisor[] = [];
  const it = new Channel((message) => messages.push(message));
  const other = { ...decision, outcome: 'deny' } as const;
  it.together(
    () => {
      for (let action = 1; action <= 100; action += 1)
        it.begun(
          { type: 'action', hop: 'A', action, kind: 'query', subject: 's', detail: {} },
          action % 2 === 0 ? decision : other,
        );
    },
    () => {},
  );
  it.handOver();
  const sizes = messages.map((message) =>
    message.type === 'actions' ? [message.actions.length, message.decisions.length] : null,
  );
  t.same(sizes, [
    [64, 2],
    [36, 2],
  ]);
});
