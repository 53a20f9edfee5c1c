/** Trees of several hosts as one. */
import t from 'tap';
import type { TreeLoginJson } from '../../src/api/json.ts';
import { joinForests } from '../../src/cli/join-forests.ts';
import { renderForest } from '../../src/cli/render-tree.ts';
import { hop, id, login, process } from '../store/seed.ts';
import { forest, style, tree } from './forest.ts';

t.before(() => {
  globalThis.process.env.TZ = 'UTC';
});

/** A login with one hop, by the hop of another. @param n its number */
const arrived = (n: number, host: string, parentHop: string | null): TreeLoginJson =>
  tree(
    login({ id: id(n), host, parentHop }),
    [process({ id: n, login: id(n), argv: ['ssh', `to-${n}`] })],
    [hop({ id: id(1000 + n), login: id(n), process: n })],
  );

const drawn = (own: TreeLoginJson[], ...others: TreeLoginJson[][]) => {
  const { forest: joined, below } = joinForests(forest(...own), others);
  return renderForest(joined, { ...style(), below }).map((line) =>
    line.replace(/ {2}(?:ssh from|→ orders).*(?=\[L)|→ .*/, ' '),
  );
};

t.test('a login hangs below the hop by which it came, however many hosts there are', async (t) => {
  const [first, second, third] = [
    arrived(1, 'bastion1', null),
    arrived(2, 'bastion2', id(1001)),
    arrived(3, 'db1', id(1002)),
  ];
  const lines = drawn([second], [first], [third]);
  t.equal(lines.filter((line) => /alice.*\[L/.test(line)).length, 3);
  t.match(lines[0], new RegExp(`^alice.*\\[L ${id(1)}\\]$`));
  t.match(lines[1], /^└─ ssh to-1/);
  t.match(lines[2], new RegExp(`^   └─ bastion2  alice.*\\[L ${id(2)}\\]$`));
  t.match(lines[3], /^ {6}└─ ssh to-2/);
  t.match(lines[4], new RegExp(`^ {9}└─ db1  alice.*\\[L ${id(3)}\\]$`));
  t.match(lines[5], /^ {12}└─ ssh to-3/);
});

t.test('one whose hop is in none of them stands by itself, and says whence', async (t) => {
  const lines = drawn([arrived(1, 'bastion1', null), arrived(2, 'bastion2', id(7))]);
  t.equal(lines.filter((line) => /^alice/.test(line)).length, 2);
});

t.test('a login that is told of twice is one; and what goes in a circle is drawn, once', async (t) => {
  const [first, second] = [arrived(1, 'bastion1', null), arrived(2, 'bastion2', id(1001))];
  t.equal(drawn([first, second], [second], [first]).filter((line) => /alice.*\[L/.test(line)).length, 2);
  const circle = drawn([arrived(1, 'a', id(1002)), arrived(2, 'b', id(1001)), arrived(3, 'c', id(1002))]);
  t.equal(circle.filter((line) => /alice.*\[L/.test(line)).length, 3);
  t.equal(drawn([arrived(1, 'a', id(1001))]).length, 2, 'of its own hop');
});
