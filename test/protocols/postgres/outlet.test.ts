/** What is held goes out in one piece where it lies together, in its order, and never before its time. */

import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import t from 'tap';
import { Outlet } from '../../../src/protocols/postgres/outlet.ts';

function outlet() {
  const written: string[] = [];
  const to = new Writable({
    write(chunk, _, done) {
      written.push(String(chunk));
      done();
    },
    writev(chunks, done) {
      written.push(chunks.map(({ chunk }) => String(chunk)).join('|'));
      done();
    },
    final(done) {
      written.push('end');
      done();
    },
  });
  return { out: new Outlet(to as unknown as Socket), to, written };
}

const text = Buffer.from('abcdefgh');

t.test('not held it goes at once', async (t) => {
  const { out, written } = outlet();
  out.write(text.subarray(0, 2));
  out.write(text.subarray(2, 4));
  t.same(written, ['ab', 'cd']);
});

t.test('held: neighbours in memory are one piece, others go in one call', async (t) => {
  const { out, written } = outlet();
  out.hold();
  for (let at = 0; at < 6; at += 2) out.write(text.subarray(at, at + 2));
  out.write(Buffer.from('X'));
  out.write(text.subarray(6));
  t.same(written, []);
  out.release();
  t.same(written, ['abcdef|X|gh']);
  out.write(text.subarray(0, 1));
  t.equal(written[1], 'a');
});

t.test('held twice, released twice', async (t) => {
  const { out, written } = outlet();
  out.hold();
  out.write(text.subarray(0, 2));
  out.hold();
  out.write(text.subarray(2, 4));
  out.release();
  t.same(written, []);
  out.release();
  t.same(written, ['abcd']);
});

t.test('an end waits for what is held', async (t) => {
  const { out, written } = outlet();
  out.hold();
  out.write(text);
  out.end();
  t.same(written, []);
  out.release();
  await new Promise((resolve) => setImmediate(resolve));
  t.same(written, ['abcdefgh', 'end']);
  out.end();
});

t.test('a socket that was closed meanwhile is left alone', async (t) => {
  const { out, to, written } = outlet();
  out.hold();
  out.write(text.subarray(0, 2));
  out.write(Buffer.from('X'));
  to.destroy();
  out.release();
  t.same(written, []);
});
