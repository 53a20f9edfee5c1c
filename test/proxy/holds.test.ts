/** Actions that wait for a person, from the room to the supervisor and back, and what neither side believes of the other. */
import t from 'tap';
import type { Answer, HoldOptions, Waiting } from '../../src/protocols/room.ts';
import {
  HELD_OF_HOP,
  HELD_OF_WORKER,
  type HoldToSupervisor,
  type HoldToWorker,
} from '../../src/proxy/hold-messages.ts';
import { type Hold, Holds } from '../../src/proxy/holds.ts';
import { fromSupervisor, fromWorker } from '../../src/proxy/messages.ts';
import { WaitingActions } from '../../src/proxy/waiting.ts';

const KEY = 'ab'.repeat(32);
const hold = {
  type: 'hold',
  seq: 4,
  hop: 'H',
  action: 2,
  policies: ['drops-are-held'],
  reason: 'ask',
  cancelKey: KEY,
};
const withdraw = { type: 'withdraw', seq: 4, reason: 'gone' };
const cancel = { type: 'cancel', seq: 5, cancelKey: KEY };
const held = { type: 'held', seq: 4, approval: 17, who: 'a member of dba', expires: 1_790_000_000_000_000 };
const answer = {
  type: 'answer',
  seq: 4,
  outcome: 'approved',
  approval: 17,
  by: 'bob',
  reason: '',
  approved: [{ policy: 'drops-are-held', group: 'dba' }],
};
const cancelled = { type: 'cancelled', seq: 5, found: true };

t.test('good messages pass, without fields of their own invention', async (t) => {
  for (const message of [hold, { ...hold, cancelKey: null }, withdraw, cancel]) {
    t.same(fromWorker({ ...message, extra: 1 }), message);
    t.equal(fromSupervisor(message), null);
  }
  const unasked = { ...answer, approval: null, by: null, approved: [{ policy: 'p', group: null }] };
  for (const message of [held, answer, unasked, cancelled]) {
    t.same(fromSupervisor({ ...message, extra: 1 }), message);
    t.equal(fromWorker(message), null);
  }
});

t.test('anything else does not', async (t) => {
  const wrong: Readonly<Record<string, unknown[]>> = {
    seq: [-1, 'x', null],
    hop: [null, 'x'.repeat(1025)],
    action: [-1, null],
    policies: [null, [], [1], Array(65).fill('p'), ['x'.repeat(1025)]],
    reason: [null, 5, 'x'.repeat(4097)],
    cancelKey: ['', 5, KEY.toUpperCase(), `${KEY}0`],
    approval: [-1, 'x'],
    who: [null, 5],
    expires: [null, -1],
    outcome: ['approve', null],
    by: [5],
    approved: [null, [1], [{ policy: 'p' }], [{ policy: 1, group: null }], Array(65).fill({})],
    found: [1, null],
  };
  for (const [field, values] of Object.entries(wrong))
    for (const value of values) {
      for (const message of [hold, withdraw, cancel])
        if (field in message)
          t.equal(fromWorker({ ...message, [field]: value }), null, `${message.type} ${field}`);
      for (const message of [held, answer, cancelled])
        if (field in message)
          t.equal(fromSupervisor({ ...message, [field]: value }), null, `${message.type} ${field}`);
    }
});

/** Both ends, joined through the checks. */
class Line {
  readonly held: Hold[] = [];
  readonly withdrawn: [number, string][] = [];
  readonly keys: string[] = [];
  fault: string | null = null;
  found = false;
  #seq = 0;
  readonly worker = new WaitingActions(
    (message) => this.#up(message),
    () => ++this.#seq,
  );
  readonly supervisor = new Holds(
    {
      onHold: (one) => this.held.push(one),
      onWithdraw: (one, reason) => this.withdrawn.push([one.action, reason]),
      onCancel: (key) => this.keys.push(key) > 0 && this.found,
    },
    (message) => this.#down(message),
  );

  #up(message: HoldToSupervisor): void {
    const checked = fromWorker(JSON.parse(JSON.stringify(message))) as HoldToSupervisor | null;
    if (checked === null) throw new Error('not believed');
    this.fault ??= this.supervisor.take(checked, (hop) => hop.startsWith('H'));
  }

  #down(message: HoldToWorker): void {
    const checked = fromSupervisor(JSON.parse(JSON.stringify(message))) as HoldToWorker | null;
    if (checked === null) throw new Error('not believed');
    this.worker.take(checked);
  }

  ask(action: number, over: Partial<HoldOptions> & { hop?: string } = {}) {
    const told: Waiting[] = [];
    const { hop = 'H', signal = new AbortController().signal, ...rest } = over;
    const asked = { hop, action, policies: ['p'], reason: 'r' };
    const answer = this.worker.hold(asked, { signal, onWaiting: (waiting) => told.push(waiting), ...rest });
    return { told, answer };
  }
}

const YES = {
  outcome: 'approved',
  approval: 17,
  by: 'bob',
  reason: 'as agreed',
  approved: [{ policy: 'p', group: 'dba' }],
} as const satisfies Answer;

t.test('asked, told the number, answered once', async (t) => {
  const line = new Line();
  const { told, answer } = line.ask(3, { cancelKey: KEY });
  t.match(line.held, [{ hop: 'H', action: 3, policies: ['p'], reason: 'r', cancelKey: KEY }]);
  line.held[0]?.held(17, 'a member of dba', 99);
  t.strictSame(told, [{ approval: 17, who: 'a member of dba', expires: 99 }]);
  line.held[0]?.answer(YES);
  line.held[0]?.answer({ ...YES, outcome: 'denied' });
  t.strictSame(await answer, YES);
  line.supervisor.end('H', 'over');
  t.strictSame(line.withdrawn, [], 'what is answered is not withdrawn');
});

t.test('a room that does not wait any more', async (t) => {
  const line = new Line();
  const controller = new AbortController();
  const { answer } = line.ask(1, { signal: controller.signal });
  line.held[0]?.held(17, 'w', 99);
  controller.abort('the client went away');
  t.match(await answer, { outcome: 'withdrawn', approval: 17, by: null, reason: 'the client went away' });
  t.strictSame(line.withdrawn, [[1, 'the client went away']]);
  line.held[0]?.answer(YES);
  t.match(await line.ask(2, { signal: controller.signal }).answer, { outcome: 'withdrawn', approval: null });
  t.equal(line.held.length, 1, 'nobody was asked');
});

t.test('the end of a hop, and of a worker', async (t) => {
  const line = new Line();
  line.ask(1, { hop: 'H1' });
  line.ask(2, { hop: 'H2' });
  line.supervisor.end('H1', 'closed');
  t.strictSame(line.withdrawn, [[1, 'closed']]);
  line.supervisor.end(null, 'the worker ended');
  t.strictSame(line.withdrawn.slice(1), [[2, 'the worker ended']]);
});

t.test('another connection cancels by the key', async (t) => {
  const line = new Line();
  t.equal(await line.worker.cancel(KEY), false);
  line.found = true;
  t.equal(await line.worker.cancel(KEY), true);
  t.strictSame(line.keys, [KEY, KEY]);
});

t.test('so many of a hop and of a worker, and no more', async (t) => {
  const line = new Line();
  for (let n = 0; n < HELD_OF_HOP; n += 1) line.ask(n);
  t.match(await line.ask(99).answer, { outcome: 'denied', approval: null, reason: /too many/ });
  for (let n = HELD_OF_HOP; n < HELD_OF_WORKER; n += 1) line.ask(n, { hop: `H${n}` });
  t.match(await line.ask(99, { hop: 'HX' }).answer, { outcome: 'denied', reason: /too many/ });
  t.equal(line.fault, null);
  t.equal(line.held.length, HELD_OF_WORKER);
  line.held[0]?.answer(YES);
  t.equal(line.ask(1, { hop: 'HY' }).told.length, 0);
  t.equal(line.held.length, HELD_OF_WORKER + 1, 'there is room again');
});

t.test('a worker that keeps to none of it is at fault', async (t) => {
  const take = (...messages: HoldToSupervisor[]) => {
    const holds = new Holds({ onHold() {}, onWithdraw() {}, onCancel: () => false }, () => {});
    return messages.map((message) => holds.take(message, (hop) => hop.startsWith('H'))).at(-1);
  };
  const one = (seq: number, hop = 'H'): HoldToSupervisor => ({
    ...{ type: 'hold', seq, hop, action: 1, policies: ['p'], reason: '', cancelKey: null },
  });
  t.match(take(one(1, 'X')), /does not have/);
  t.match(take(one(1), one(1)), /more than the protocol allows/);
  t.match(take(...Array.from({ length: HELD_OF_HOP + 1 }, (_, n) => one(n))), /more than/);
  t.match(take(...Array.from({ length: HELD_OF_WORKER + 1 }, (_, n) => one(n, `H${n}`))), /more than/);
  t.equal(take({ type: 'withdraw', seq: 9, reason: '' }), null, 'its answer may have been on its way');
});
