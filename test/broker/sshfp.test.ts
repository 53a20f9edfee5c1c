// Fingerprints of host keys from DNS: of a real server, and of one that says that it has validated them.
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { AUTHENTIC_DATA, decode, encode, type Packet, RECURSION_AVAILABLE } from 'dns-packet';
import t, { type Test } from 'tap';
import { sshfpOf } from '../../src/broker/sshfp.ts';
import { saidOf } from '../../src/protocols/ssh/known-hosts/sshfp.ts';
import { blobOf, newKey, publicKey } from '../identity/keys.ts';
import { until } from '../until.ts';

const DNSMASQ = '/usr/sbin/dnsmasq';
const HOST = '127.0.0.1';

/** What `ssh-keygen -r` says is to be put into DNS: algorithm, hash, fingerprint. */
function recordsOf(file: string): [number, number, string][] {
  const lines = execFileSync('ssh-keygen', ['-r', 'db1.lab', '-f', file], { encoding: 'utf8' })
    .trim()
    .split('\n');
  return lines.map((line) => {
    const [, , , algorithm, hash, print = ''] = line.split(' ');
    return [Number(algorithm), Number(hash), print];
  });
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, HOST, resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

t.test(
  'records as ssh-keygen makes them, from dnsmasq',
  { skip: !existsSync(DNSMASQ) && 'dnsmasq is not installed' },
  async (t) => {
    const directory = t.testdir();
    const port = await freePort();
    const keys = [
      newKey(directory, 'ed', 'ed25519'),
      newKey(directory, 'ec', 'ecdsa'),
      newKey(directory, 'rsa', 'rsa', '2048'),
    ];
    const records = keys.flatMap((file) => recordsOf(`${file}.pub`));
    const two = (value: number) => value.toString(16).padStart(2, '0');
    const server = spawn(DNSMASQ, [
      ...['--keep-in-foreground', '--no-resolv', '--no-hosts', '--conf-file=/dev/null', '--bind-interfaces'],
      ...[`--port=${port}`, `--listen-address=${HOST}`, '--pid-file', '--local=/lab/', '--user=', '--group='],
      ...records.map(
        ([algorithm, hash, print]) => `--dns-rr=db1.lab,44,${two(algorithm)}${two(hash)}${print}`,
      ),
    ]);
    t.teardown(() => server.kill());
    const found = await until(async () => {
      const answer = await sshfpOf('db1.lab', [HOST], port);
      return answer !== null && answer.records.length > 0 ? answer : null;
    }, 'dnsmasq answers');
    t.equal(found.authentic, false, 'it has validated nothing');
    t.equal(found.records.length, 3, 'those by SHA-256');
    for (const file of keys) t.equal(saidOf(found, blobOf(publicKey(`${file}.pub`))), 'matches', file);
    const other = newKey(directory, 'other', 'ed25519');
    t.equal(saidOf(found, blobOf(publicKey(`${other}.pub`))), 'differs');
    const none = await sshfpOf('db2.lab', [HOST], port);
    t.same(none, { name: 'db2.lab', authentic: false, records: [] });
    t.equal(
      saidOf({ name: 'x', authentic: true, records: [] }, blobOf(publicKey(`${other}.pub`))),
      'nothing',
    );
  },
);

/** A server that answers each question with these. @returns its port */
async function answering(t: Test, answers: (query: Packet) => Buffer[]): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, HOST, resolve));
  t.teardown(() => socket.close());
  socket.on('message', (message, from) => {
    for (const answer of answers(decode(message))) socket.send(answer, from.port, from.address);
  });
  return socket.address().port;
}

const data = { algorithm: 4, hash: 2, fingerprint: 'ab'.repeat(32) } as const;
const answerTo = (query: Packet, over: Packet = {}): Packet => ({
  ...{
    type: 'response',
    id: query.id,
    flags: RECURSION_AVAILABLE | AUTHENTIC_DATA,
    questions: query.questions,
  },
  answers: [{ type: 'SSHFP', name: 'db1.lab', ttl: 60, data }],
  ...over,
});

t.test('validated, by a resolver on this host', async (t) => {
  let asked: ReturnType<typeof decode> | undefined;
  const port = await answering(t, (query) => {
    asked = query as ReturnType<typeof decode>;
    return [encode(answerTo(query))];
  });
  t.same(await sshfpOf('db1.lab', [HOST], port), {
    ...{ name: 'db1.lab', authentic: true },
    records: [{ algorithm: 4, fingerprint: 'ab'.repeat(32) }],
  });
  t.match(asked, { flag_ad: true, flag_rd: true, questions: [{ type: 'SSHFP', name: 'db1.lab' }] });
});

t.test('what is no answer to the question is waited past', async (t) => {
  const port = await answering(t, (query) => [
    Buffer.from('no DNS at all'),
    encode(answerTo(query, { id: ((query.id ?? 0) + 1) & 0xffff })),
    encode(answerTo(query, { questions: [{ type: 'SSHFP', name: 'db2.lab' }] })),
    encode(answerTo(query, { flags: RECURSION_AVAILABLE | 2 })),
    encode(answerTo(query, { answers: [] })),
  ]);
  t.same(await sshfpOf('db1.lab', [HOST], port), { name: 'db1.lab', authentic: true, records: [] });
});

t.test('the next resolver is asked where one does not answer; none is no answer', async (t) => {
  const port = await answering(t, (query) => [encode(answerTo(query))]);
  t.match(await sshfpOf('db1.lab', ['127.0.0.99', HOST], port), { records: [{ algorithm: 4 }] });
  t.equal(await sshfpOf('db1.lab', ['127.0.0.99'], port), null);
  t.equal(await sshfpOf('db1.lab', [], port), null);
});
