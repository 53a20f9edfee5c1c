/** What is kept of a channel that waits: bounded, and never without its end. */
import t from 'tap';
import { Holding, waitsWithChannel } from '../../../src/protocols/ssh/connection/holding.ts';
import { encodeChannel, encodeData } from '../../../src/protocols/ssh/connection/messages.ts';
import { Message } from '../../../src/protocols/ssh/numbers.ts';

t.test('in order, and copied', async (t) => {
  const holding = new Holding();
  const data = encodeData(3, Buffer.from('one'));
  holding.keep(data);
  data.fill(0);
  holding.keep(encodeChannel(Message.CHANNEL_EOF, 3));
  t.notOk(holding.signal.aborted);
  t.same(holding.take(), [encodeData(3, Buffer.from('one')), encodeChannel(Message.CHANNEL_EOF, 3)]);
  t.same(holding.take(), []);
});

t.test('more than is kept withdraws it; its end is kept all the same', async (t) => {
  const holding = new Holding();
  for (let n = 0; n < 100; n += 1) holding.keep(encodeData(3, Buffer.alloc(32_000)));
  t.match(String(holding.signal.reason), /more was sent/);
  const close = encodeChannel(Message.CHANNEL_CLOSE, 3);
  holding.keep(close);
  const kept = holding.take();
  t.ok(kept.length < 12, `${kept.length} of 101`);
  t.same(kept.at(-1), close);
});

t.test('what belongs to no single channel, or gives room, is not kept', async (t) => {
  for (const type of [Message.CHANNEL_WINDOW_ADJUST, Message.GLOBAL_REQUEST, Message.CHANNEL_OPEN])
    t.notOk(waitsWithChannel(Buffer.of(type, 0, 0, 0, 3)));
});
