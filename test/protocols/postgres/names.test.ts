/** What a name stands for while the server has not answered. */
import t from 'tap';
import { Answers, type Awaited } from '../../../src/protocols/postgres/awaited.ts';
import { Names } from '../../../src/protocols/postgres/names.ts';

t.test(
  'a name stands for what was put behind it last, as long as its failure takes the rest with it',
  async (t) => {
    const names = new Names<string>();
    t.same(names.behind(''), []);
    names.propose('', 'one');
    t.same(names.behind(''), ['one']);
    names.confirm('', 'one');
    t.same(names.behind(''), ['one']);
    names.propose('', 'two');
    t.same(names.behind(''), ['two'], 'a Bind that follows is of this one, or is skipped');
    names.part();
    t.same(names.behind(''), ['two', 'one'], 'after a Sync it may have failed and left the other there');
    names.propose('', 'three');
    t.same(names.behind(''), ['three']);
    names.part();
    t.same(names.behind(''), ['three', 'two', 'one']);
    names.reject('', 'two');
    names.confirm('', 'three');
    t.same(names.behind(''), ['three']);
    names.remove('');
    t.same(names.behind(''), []);
  },
);

function awaited(answers: Answers): string {
  let kinds = '';
  for (let one = answers.shift(); one !== null; one = answers.shift()) kinds += `${one.kind} `;
  return kinds.trim();
}

t.test(
  'answers that never come: those of what was sent behind an error, and of what was not sent',
  async (t) => {
    const answers = new Answers();
    t.equal(answers.shift()?.kind, 'startup');
    const skipped: string[] = [];
    const note = ({ kind }: Awaited): void => void skipped.push(kind);
    for (const kind of ['bind', 'execute', 'sync', 'parse'] as const) answers.push({ kind });
    answers.skip(note);
    t.same([skipped, answers.skips], [['bind', 'execute'], false], 'up to the Sync that is on its way');
    t.equal(answers.shift()?.kind, 'sync');
    answers.skip(note);
    t.equal(answers.skips, true);
    for (const kind of ['bind', 'query', 'sync', 'query'] as const) answers.push({ kind });
    t.same(skipped.slice(2), ['parse', 'bind', 'query'], 'and what is sent later, up to the Sync');
    t.equal(awaited(answers), 'sync query');

    answers.push({ kind: 'parse' });
    answers.skip(note);
    t.equal(answers.settles, false, 'nothing that is asked is answered before a Sync');
    answers.push({ kind: 'sync' });
    t.equal(answers.settles, true);
    t.equal(awaited(answers), 'sync');

    const denial = { report: { severity: '', code: '', message: '' }, mark: '', statement: '' };
    answers.push({ kind: 'parse', denial });
    answers.push({ kind: 'bind' });
    t.equal(answers.skips, true, 'it is about to fail');
    answers.push({ kind: 'query' });
    t.equal(answers.skips, true, 'and a simple query with it');
    answers.takeBack(answers.pushed - 1, () => {});
    answers.push({ kind: 'sync' });
    answers.push({ kind: 'bind' });
    t.equal(answers.skips, false);
    t.equal(awaited(answers), 'parse bind sync bind');

    answers.push({ kind: 'query' });
    const since = answers.pushed;
    for (const kind of ['parse', 'bind', 'describe'] as const) answers.push({ kind });
    const taken: string[] = [];
    let idle = false;
    void answers.idle().then(() => (idle = true));
    answers.takeBack(since, ({ kind }) => taken.push(kind));
    t.same(taken, ['parse', 'bind', 'describe']);
    t.equal(idle, false);
    t.equal(awaited(answers), 'query');
    await new Promise((resolve) => setImmediate(resolve));
    t.equal(idle, true);
    answers.push({ kind: 'parse' });
    answers.takeBack(since, ({ kind }) => taken.push(kind));
    t.equal(taken.length, 4);
    t.equal(answers.first, null);
  },
);

t.test('settings that may be changing', async (t) => {
  const answers = new Answers();
  t.equal(answers.unsettled, true, 'the startup packet sets some');
  answers.shift();
  answers.ready();
  t.equal(answers.unsettled, false);
  answers.push({ kind: 'query' });
  t.equal(answers.unsettled, false);
  answers.push({ kind: 'execute', unsettles: true });
  answers.shift();
  answers.ready();
  t.equal(answers.unsettled, true);
  answers.shift();
  t.equal(answers.unsettled, true, 'what it set is told of before ReadyForQuery');
  const since = answers.pushed;
  answers.push({ kind: 'bind', unsettles: true });
  answers.ready();
  t.equal(answers.unsettled, true);
  answers.takeBack(since, () => {});
  t.equal(answers.unsettled, false, 'it was never sent');
  const copies: boolean[] = [];
  answers.push({ kind: 'execute', copies: (data) => copies.push(data) });
  answers.shift();
  answers.push({ kind: 'parse' });
  answers.skip(() => {});
  answers.push({ kind: 'execute', unsettles: true, copies: (data) => copies.push(data) });
  t.same(copies, [false, false], 'over, or never begun');
  t.equal(answers.unsettled, false);
});
