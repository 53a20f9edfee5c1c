import { encode } from 'dns-packet';
import t from 'tap';
import { namesIn } from '../../src/proxy/dns.ts';

const question = { type: 'A', name: 'Orders.Example.COM', class: 'IN' } as const;
const answer = (data: string, name = 'orders.example.com') =>
  ({ type: 'A', name, ttl: 60, data, class: 'IN' }) as const;
const response = (parts: object) =>
  encode({ type: 'response', flags: 0, questions: [question], ...parts } as Parameters<typeof encode>[0]);

t.test('addresses come under the name that was asked for, through aliases', async (t) => {
  const message = response({
    answers: [
      { type: 'CNAME', name: 'orders.example.com', ttl: 5, data: 'db-7.cloud.example' },
      answer('10.0.3.5', 'db-7.cloud.example'),
      { type: 'AAAA', name: 'db-7.cloud.example', ttl: 9, data: 'fd00::5' },
    ],
  });
  t.strictSame(namesIn(message), [
    { address: '10.0.3.5', name: 'orders.example.com', ttl: 60 },
    { address: 'fd00::5', name: 'orders.example.com', ttl: 9 },
  ]);
});

t.test('what is no successful answer to one question names nothing', async (t) => {
  t.strictSame(namesIn(encode({ type: 'query', questions: [question] })), [], 'a query');
  t.strictSame(namesIn(response({ flags: 3, answers: [answer('10.0.3.5')] })), [], 'NXDOMAIN');
  t.strictSame(
    namesIn(response({ questions: [question, question], answers: [answer('10.0.3.5')] })),
    [],
    'two questions',
  );
  t.strictSame(
    namesIn(
      response({ questions: [{ ...question, name: 'evil\u001b[2Jname' }], answers: [answer('10.0.3.5')] }),
    ),
    [],
    'control characters',
  );
});

t.test('hostile bytes: every prefix and every flipped byte is survived', async (t) => {
  const message = response({ answers: Array.from({ length: 90 }, (_, index) => answer(`10.0.0.${index}`)) });
  t.equal(namesIn(message).length, 64, 'at most 64 answers');
  const small = response({ answers: [answer('10.0.0.1'), answer('10.0.0.2')] });
  const names = new Set<string>();
  for (let length = 0; length < small.length; length++)
    for (const { name } of namesIn(small.subarray(0, length))) names.add(name);
  for (let at = 0; at < small.length; at++) {
    const flipped = Uint8Array.from(small);
    flipped[at] = (flipped[at] ?? 0) ^ 0xff;
    for (const { name } of namesIn(flipped)) names.add(name);
  }
  t.strictSame(
    [...names].filter((name) => !/^[a-z0-9._-]+$/.test(name)),
    [],
  );
  t.ok(names.size > 0, 'some of them still decode');
});
