import { createHash, randomBytes, randomInt } from 'node:crypto';
import t from 'tap';
import { WireWriter } from '../../../src/core/ssh-wire.ts';
import type { FilterEnds } from '../../../src/protocols/ssh/connection/watch.ts';
import { SftpFilter } from '../../../src/protocols/ssh/sftp/filter.ts';
import { Fxp } from '../../../src/protocols/ssh/sftp/numbers.ts';

const packet = (type: number, id: number, body: WireWriter = new WireWriter()): Buffer =>
  new WireWriter().string(new WireWriter().byte(type).uint32(id).raw(body.bytes()).bytes()).bytes();
const w = () => new WireWriter();
const open = (id: number, path: string, flags: number) =>
  packet(Fxp.OPEN, id, w().string(path).uint32(flags).uint32(0));
const status = (id: number, code: number) =>
  packet(Fxp.STATUS, id, w().uint32(code).string('said').string(''));
const handle = (id: number, name: string) => packet(Fxp.HANDLE, id, w().string(name));
const write = (id: number, name: string, at: number, data: Buffer) =>
  packet(Fxp.WRITE, id, w().string(name).uint64(BigInt(at)).string(data));

function rig(deny: (path: string) => string | null = () => null) {
  const [toHost, toClient]: [Buffer[], Buffer[]] = [[], []];
  const waiting: { data: Buffer; ready: () => boolean }[] = [];
  const ended: [number, Readonly<Record<string, unknown>>][] = [];
  const said: string[] = [];
  let [begun, credit] = [0, 0];
  const ends: FilterEnds = {
    toHost: (data) => void toHost.push(Buffer.from(data)),
    interject(data, ready) {
      waiting.push({ data, ready });
      this.flush();
    },
    stderr: (text) => void said.push(text),
    flush() {
      while (waiting[0]?.ready()) toClient.push(waiting.shift()?.data ?? Buffer.alloc(0));
    },
    broken: (error) => {
      throw error;
    },
    credit: (bytes) => {
      credit += bytes;
    },
  };
  const made = new SftpFilter(ends, {
    decide(operations) {
      for (const { path } of operations) {
        const reason = deny(path);
        if (reason !== null) return reason;
      }
      return operations.map(() => ++begun);
    },
    end: (action, result) => void ended.push([action, result]),
  });
  const filter = {
    fromClient: (data: Buffer) => made.fromClient(data),
    /** As the relay does. */
    fromHost(data: Buffer) {
      toClient.push(Buffer.from(data));
      made.fromHost(data);
    },
    end: () => made.end(),
  };
  const pieces = (feed: (data: Buffer) => void, data: Buffer, size: () => number) => {
    for (let at = 0, n = size(); at < data.length; at += n, n = size()) feed(data.subarray(at, at + n));
  };
  return {
    ...{ filter, toHost, toClient, ended, said, pieces },
    credit: () => credit,
    host: () => Buffer.concat(toHost),
    client: () => Buffer.concat(toClient),
  };
}

const content = Buffer.from('0123456789'.repeat(3000));
const session = Buffer.concat([
  new WireWriter().string(w().byte(Fxp.INIT).uint32(3).bytes()).bytes(),
  open(1, '/a', 0x1a),
  open(2, '/denied', 1),
]);

t.test('the same in whatever pieces it comes', async (t) => {
  const sizes: (() => number)[] = [() => 1, () => 2, () => 7, () => 1_000_000, () => randomInt(1, 5000)];
  for (const size of sizes) {
    const { filter, pieces, host, client, ended, said, credit } = rig((path) =>
      path === '/denied' ? 'no' : null,
    );
    pieces((data) => filter.fromClient(data), session, size);
    const answers = Buffer.concat([
      new WireWriter().string(w().byte(Fxp.VERSION).uint32(3).bytes()).bytes(),
      handle(1, 'h'),
    ]);
    pieces((data) => filter.fromHost(data), answers, size);
    const more = Buffer.concat([
      write(3, 'h', 0, content),
      write(4, 'h', content.length, content),
      packet(Fxp.CLOSE, 5, w().string('h')),
    ]);
    pieces((data) => filter.fromClient(data), more, size);
    pieces((data) => filter.fromHost(data), Buffer.concat([status(3, 0), status(4, 0), status(5, 0)]), size);
    filter.end();
    const denied = open(2, '/denied', 1);
    t.ok(
      host().equals(Buffer.concat([session.subarray(0, session.length - denied.length), more])),
      'the host gets all but what is refused',
    );
    t.equal(credit(), denied.length);
    t.match(client().toString('latin1'), /Hopline: no/);
    t.strictSame(said, ['Hopline: no\n']);
    const sha256 = createHash('sha256').update(content).update(content).digest('hex');
    t.strictSame(ended, [[1, { bytes: 2 * content.length, sha256 }]]);
  }
});

t.test('an answer of ours waits for the end of the packet that the host is in', async (t) => {
  const { filter, toClient, client } = rig((path) => (path === '/denied' ? 'no' : null));
  filter.fromClient(open(1, '/a', 1));
  filter.fromHost(handle(1, 'h'));
  filter.fromClient(packet(Fxp.READ, 2, w().string('h').uint64(0n).uint32(100)));
  const data = packet(Fxp.DATA, 2, w().string('x'.repeat(100)));
  filter.fromHost(data.subarray(0, 50));
  const before = toClient.length;
  filter.fromClient(open(3, '/denied', 1));
  t.equal(toClient.length, before, 'it waits');
  filter.fromHost(data.subarray(50));
  t.ok(client().indexOf(data) >= 0, 'the packet is whole');
  t.match(
    client()
      .subarray(client().indexOf(data) + data.length)
      .toString('latin1'),
    /Hopline: no/,
  );
});

t.test(
  'pieces out of their order, and packets longer than their data: the digest is of the content',
  async (t) => {
    const content = randomBytes(300_000);
    const sha256 = createHash('sha256').update(content).digest('hex');
    const SIZE = 10_000;
    const pieces = Array.from({ length: 30 }, (_, n) => content.subarray(n * SIZE, (n + 1) * SIZE));
    const orders = [
      pieces.map((_, n) => n),
      pieces.map((_, n) => 29 - n),
      pieces.map((_, n) => (n * 7) % 30),
      pieces.map((_, n) => n ^ 1),
    ];
    for (const order of orders) {
      const { filter, ended } = rig();
      filter.fromClient(open(1, '/a', 2));
      filter.fromHost(handle(1, 'h'));
      const body = (n: number, data: Buffer) =>
        w()
          .string('h')
          .uint64(BigInt(n * SIZE))
          .string(data);
      for (const n of order) {
        const longer = Buffer.concat([body(n, pieces[n] as Buffer).bytes(), randomBytes(n * 100)]);
        const whole = packet(Fxp.WRITE, n + 2, w().raw(longer));
        // In two, so that what is behind the data comes by itself.
        filter.fromClient(whole.subarray(0, 10_100));
        filter.fromClient(whole.subarray(10_100));
        filter.fromHost(status(n + 2, 0));
      }
      filter.fromClient(packet(Fxp.CLOSE, 99, w().string('h')));
      filter.fromHost(status(99, 0));
      t.strictSame(ended, [[1, { bytes: content.length, sha256 }]], `${order}`);
    }
  },
);

t.test('what is read is as long as its own length says', async (t) => {
  const { filter, ended } = rig();
  filter.fromClient(open(1, '/a', 1));
  filter.fromHost(handle(1, 'h'));
  filter.fromClient(packet(Fxp.READ, 2, w().string('h').uint64(0n).uint32(5)));
  const data = w().string('hello').raw(Buffer.from('and more'));
  filter.fromHost(packet(Fxp.DATA, 2, data));
  filter.fromClient(packet(Fxp.CLOSE, 3, w().string('h')));
  filter.fromHost(status(3, 0));
  const sha256 = createHash('sha256').update('hello').digest('hex');
  t.strictSame(ended, [[1, { bytes: 5, sha256 }]]);
});

t.test('what is ahead of its turn is kept up to a bound', async (t) => {
  const { filter, ended } = rig();
  const files = 5;
  const data = Buffer.alloc(32_768, 'x');
  for (let n = 0; n < files; n += 1) {
    filter.fromClient(open(1, `/${n}`, 2));
    filter.fromHost(handle(1, `h${n}`));
    // Of each all but the first: 2 MB, of which 8 MB fit.
    for (let at = 1; at <= 62; at += 1) {
      const offset = BigInt(at * data.length);
      filter.fromClient(packet(Fxp.WRITE, 2, w().string(`h${n}`).uint64(offset).string(data)));
      filter.fromHost(status(2, 0));
    }
  }
  for (let n = 0; n < files; n += 1) {
    filter.fromClient(packet(Fxp.WRITE, 2, w().string(`h${n}`).uint64(0n).string(data)));
    filter.fromHost(status(2, 0));
    filter.fromClient(packet(Fxp.CLOSE, 3, w().string(`h${n}`)));
    filter.fromHost(status(3, 0));
  }
  const told = ended.map(([, result]) => 'sha256' in result);
  t.strictSame(told, [true, true, true, true, false]);
});

t.test('what is ahead is counted with what it costs, and given back when its file is over', async (t) => {
  const { filter, ended } = rig();
  const opened = (id: number, name: string) => {
    filter.fromClient(open(id, `/${name}`, 2));
    filter.fromHost(handle(id, name));
  };
  opened(1, 'many');
  // Of one byte each, and never the first: they would cost more than a hundred times their data.
  for (let at = 1; at <= 40_000; at += 1) {
    filter.fromClient(write(2, 'many', at, Buffer.of(1)));
    filter.fromHost(status(2, 0));
  }
  filter.fromClient(write(2, 'many', 0, Buffer.of(1)));
  filter.fromHost(status(2, 0));
  filter.fromClient(packet(Fxp.CLOSE, 3, w().string('many')));
  filter.fromHost(status(3, 0));
  t.match(ended.pop(), [1, { bytes: 40_001, ordered: false }]);
  for (let n = 0; n < 20; n += 1) {
    opened(1, 'failed');
    for (let at = 1; at < 60; at += 1) {
      filter.fromClient(write(2, 'failed', at * 32_768, Buffer.alloc(32_768)));
      filter.fromHost(status(2, 0));
    }
    filter.fromClient(packet(Fxp.CLOSE, 3, w().string('failed')));
    filter.fromHost(status(3, 4));
  }
  opened(1, 'last');
  for (const at of [1, 0]) {
    filter.fromClient(write(2, 'last', at, Buffer.of(1)));
    filter.fromHost(status(2, 0));
  }
  filter.fromClient(packet(Fxp.CLOSE, 3, w().string('last')));
  filter.fromHost(status(3, 0));
  t.match(ended.at(-1)?.[1], { bytes: 2, sha256: String });
});

t.test('what leaves a gap, or is written twice, has no digest', async (t) => {
  const { filter, ended } = rig();
  filter.fromClient(open(1, '/a', 2));
  filter.fromHost(handle(1, 'h'));
  filter.fromClient(Buffer.concat([write(2, 'h', 10, Buffer.from('b')), write(3, 'h', 0, Buffer.from('a'))]));
  filter.end();
  t.strictSame(ended, [[1, { bytes: 2, ordered: false, error: 'not closed' }]]);
  const second = rig();
  second.filter.fromClient(open(1, '/a', 2));
  second.filter.fromHost(handle(1, 'h'));
  second.filter.fromClient(
    Buffer.concat([write(2, 'h', 10, Buffer.from('b')), packet(Fxp.CLOSE, 3, w().string('h'))]),
  );
  second.filter.fromHost(Buffer.concat([status(2, 0), status(3, 0)]));
  t.strictSame(second.ended, [[1, { bytes: 1, ordered: false }]]);
  const third = rig();
  third.filter.fromClient(open(1, '/a', 2));
  third.filter.fromHost(handle(1, 'h'));
  for (const letter of ['a', 'b']) third.filter.fromClient(write(2, 'h', 0, Buffer.from(letter)));
  third.filter.end();
  t.strictSame(third.ended, [[1, { bytes: 2, ordered: false, error: 'not closed' }]]);
});

t.test('both paths of a rename are decided, and what nobody knows is', async (t) => {
  const asked: string[] = [];
  const { filter } = rig((path) => {
    asked.push(path);
    return null;
  });
  filter.fromClient(packet(Fxp.RENAME, 1, w().string('/from').string('/to')));
  filter.fromClient(
    packet(Fxp.EXTENDED, 2, w().string('posix-rename@openssh.com').string('/x').string('/y')),
  );
  filter.fromClient(packet(Fxp.EXTENDED, 3, w().string('unknown@example.org').string('/z')));
  filter.fromClient(packet(Fxp.EXTENDED, 4, w().string('fsync@openssh.com').string('h')));
  t.strictSame(asked, ['/from', '/to', '/x', '/y', '']);
});

t.test('a later version is not spoken', async (t) => {
  const { filter, host } = rig();
  filter.fromClient(new WireWriter().string(w().byte(Fxp.INIT).uint32(6).bytes()).bytes());
  t.equal(host().readUInt32BE(5), 3);
});

t.test('what is no sftp ends the connection', async (t) => {
  t.throws(() => rig().filter.fromClient(Buffer.alloc(5)), /packet of 0 bytes/);
  t.throws(() => rig().filter.fromClient(Buffer.from('GET / HTTP/1.1')), /packet of \d+ bytes/);
  t.throws(
    () => rig().filter.fromClient(packet(Fxp.OPEN, 1, w().string('x'.repeat(20_000)))),
    /request of \d+ bytes/,
  );
  t.throws(() => rig().filter.fromClient(packet(Fxp.OPEN, 1, w().uint32(500))), /longer than what holds it/);
  t.throws(() => {
    const { filter } = rig();
    for (let id = 0; id < 10_000; id += 1) filter.fromClient(open(id, '/a', 1));
  }, /more requests at once/);
});
