/** Tokens of RDS, by signatures that AWS and its SDKs have published. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import t from 'tap';
import { Secret } from '../../src/core/secret.ts';
import { environmentKeys, instanceKeys, staticKeys } from '../../src/credentials/aws-keys.ts';
import { environmentSource } from '../../src/credentials/environment.ts';
import { rdsSource, rdsToken } from '../../src/credentials/rds.ts';
import { type AwsKeys, type PresignedGet, presignGet, signingKey } from '../../src/credentials/sigv4.ts';

const keys = (accessKeyId: string, secret: string, token: string | null = null): AwsKeys => ({
  accessKeyId,
  secretAccessKey: new Secret(secret),
  sessionToken: token === null ? null : new Secret(token),
});
const at = (time: string): number => Date.parse(time) * 1000;
const signature = (query: string): string => /X-Amz-Signature=([0-9a-f]{64})$/.exec(query)?.[1] ?? 'none';
/** Of the AWS signing test suite; the other secret is that of the S3 documentation. */
const SUITE_SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

t.test('the signing key of the documentation', async (t) => {
  const key = signingKey(new Secret(SUITE_SECRET), '20120215', 'us-east-1', 'iam');
  t.equal(key.toString('hex'), 'f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d');
});

t.test('the presigned URL of the S3 documentation', async (t) => {
  const query = presignGet({
    host: 'examplebucket.s3.amazonaws.com',
    path: '/test.txt',
    query: [],
    region: 'us-east-1',
    service: 's3',
    expires: 86_400,
    at: at('2013-05-24T00:00:00Z'),
    keys: keys('AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'),
    payloadHash: 'UNSIGNED-PAYLOAD',
  });
  t.equal(signature(query), 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404');
});

/** aws-c-auth, tests/aws-signing-test-suite/v4, query-signed-request. */
t.test('the signing test suite', async (t) => {
  const request: PresignedGet = {
    host: 'example.amazonaws.com',
    path: '/',
    query: [],
    region: 'us-east-1',
    service: 'service',
    expires: 3600,
    at: at('2015-08-30T12:36:00Z'),
    keys: keys('AKIDEXAMPLE', SUITE_SECRET),
  };
  const unreserved = '-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  const cases: [name: string, query: PresignedGet['query'], signature: string][] = [
    [
      'get-vanilla-utf8-query',
      [['ሴ', 'bar']],
      '0bdd809b1519ac4f0c1dc3540e2cc46bd0c7f778eda408b2ebf3b913d21ff600',
    ],
    [
      'get-vanilla-query-order-key-case',
      [
        ['Param2', 'value2'],
        ['Param1', 'value1'],
      ],
      '86012e2c9ad4d77369f5d81c11f75158aae4f895a085212cc6d3f923d300bed5',
    ],
    [
      'get-vanilla-query-unreserved',
      [[unreserved, unreserved]],
      '8e76a88a7433637b12778d5592799b29ad21ecd6cf6325051c21d86f0acda2bf',
    ],
  ];
  for (const [name, query, expected] of cases)
    t.equal(signature(presignGet({ ...request, query })), expected, name);
  const token = '6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267';
  t.equal(
    signature(presignGet({ ...request, keys: keys('AKIDEXAMPLE', SUITE_SECRET, token) })),
    '7ff2b50b376cb4d151970630573d6291dc128cc5c2a12ffb237f73cc53f67b6c',
    'get-vanilla-with-session-token',
  );
});

t.test('tokens of the SDKs’ own tests', async (t) => {
  const instance = { host: 'prod-instance.us-east-1.rds.amazonaws.com', port: 3306, region: 'us-east-1' };
  // aws-sdk-rust, rds_auth_token.rs
  t.equal(
    rdsToken({ ...instance, user: 'peccy' }, keys('akid', 'secret'), 1_724_709_600_000_000),
    'prod-instance.us-east-1.rds.amazonaws.com:3306/?Action=connect&DBUser=peccy&X-Amz-Algorithm=AWS4-HMAC-SHA256' +
      '&X-Amz-Credential=akid%2F20240826%2Fus-east-1%2Frds-db%2Faws4_request&X-Amz-Date=20240826T220000Z' +
      '&X-Amz-Expires=900&X-Amz-SignedHeaders=host' +
      '&X-Amz-Signature=dd0cba843009474347af724090233265628ace491ea17ce3eb3da098b983ad89',
  );
  // botocore, test_signers.py
  t.equal(
    signature(
      rdsToken({ ...instance, user: 'someusername' }, keys('akid', 'skid'), at('2016-11-07T17:39:33Z')),
    ),
    'd1138cdbc0ca63eec012ec0fc6c2267e03642168f5884a7795320d4c18374c61',
  );
});

const INSTANCE = {
  host: 'orders.abc.eu-central-1.rds.amazonaws.com',
  port: 5432,
  region: 'eu-central-1',
  user: 'app user@x',
};

t.test('a token for each hop', async (t) => {
  let now = at('2026-01-01T00:00:00Z');
  const env = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'Geheim', AWS_SESSION_TOKEN: 'Tok/en+=' };
  const source = rdsSource({ ...INSTANCE, keys: environmentKeys(env), now: () => now });
  t.equal(source.description, 'rds iam app user@x@orders.abc.eu-central-1.rds.amazonaws.com:5432');
  const held = await source.acquire();
  const token = held.password.reveal();
  t.match(
    token,
    /^orders\.abc\.eu-central-1\.rds\.amazonaws\.com:5432\/\?Action=connect&DBUser=app%20user%40x&/,
  );
  t.match(token, '&X-Amz-Security-Token=Tok%2Fen%2B%3D&');
  t.equal(held.user, 'app user@x');
  t.equal(held.validUntil, now + 900_000_000);
  now += 60_000_000;
  t.not((await source.acquire()).password.reveal(), token);
  held.release();
  t.equal(held.password.cleared, true);
  for (const change of [
    { host: 'http://x' },
    { host: '' },
    { region: 'EU' },
    { region: '' },
    { port: 0 },
    { user: '' },
  ])
    t.throws(() => rdsSource({ ...INSTANCE, ...change, keys: environmentKeys(env) }), { code: 'settings' });
  await t.rejects(rdsSource({ ...INSTANCE, keys: environmentKeys({}) }).acquire(), { code: 'missing' });
});

t.test('keys that last, their secret out of another source', async (t) => {
  const secret = environmentSource('S', null, { S: 'Geheim' });
  const source = rdsSource({ ...INSTANCE, keys: staticKeys('AKID', secret) });
  for (let n = 0; n < 2; n += 1) t.match((await source.acquire()).password.reveal(), /Credential=AKID%2F/);
});

type Answer = (request: IncomingMessage) => [status: number, body: string] | null;

t.test('keys of the instance', async (t) => {
  const requests: string[] = [];
  let answer: Answer = () => null;
  let expires = '2026-01-01T06:00:00Z';
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const [status, body] = answer(request) ?? metadata(request);
    response.writeHead(status).end(body);
  });
  const metadata = (request: IncomingMessage): [number, string] => {
    if (request.method === 'PUT' && request.url === '/latest/api/token')
      return request.headers['x-aws-ec2-metadata-token-ttl-seconds'] ? [200, 'imds-token'] : [400, ''];
    if (request.headers['x-aws-ec2-metadata-token'] !== 'imds-token') return [401, ''];
    if (request.url === '/latest/meta-data/iam/security-credentials/') return [200, 'bastion-role\n'];
    if (request.url !== '/latest/meta-data/iam/security-credentials/bastion-role') return [404, ''];
    const found = {
      Code: 'Success',
      AccessKeyId: 'ASIA',
      SecretAccessKey: 'Geheim',
      Token: 'Token',
      Expiration: expires,
    };
    return [200, JSON.stringify(found)];
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  let now = at('2026-01-01T00:00:00Z');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fresh = () => instanceKeys({ endpoint, now: () => now, timeoutMs: 3000 });
  const role = fresh();
  const source = rdsSource({ ...INSTANCE, keys: role, now: () => now });
  for (let n = 0; n < 3; n += 1) {
    const held = await source.acquire();
    t.match(held.password.reveal(), /Credential=ASIA%2F.*X-Amz-Security-Token=Token&/);
    t.equal(held.validUntil, now + 900_000_000);
  }
  t.equal(requests.length, 3, 'asked for once');
  now = at('2026-01-01T05:54:59Z');
  t.equal((await source.acquire()).validUntil, at('2026-01-01T06:00:00Z'), 'no longer than its keys');
  now = at('2026-01-01T05:55:00Z');
  expires = '2026-01-01T12:00:00Z';
  t.equal((await source.acquire()).validUntil, now + 900_000_000, 'renewed five minutes before their end');
  t.equal(requests.length, 6);
  const broken: [Answer, string][] = [
    [() => [404, ''], 'missing'],
    [() => [403, ''], 'denied'],
    [(request) => (request.method === 'GET' ? [200, '../../x'] : null), 'malformed'],
    [(request) => (request.url?.endsWith('role') ? [200, '{}'] : null), 'malformed'],
    [(request) => (request.url?.endsWith('role') ? [200, 'Geheim'] : null), 'malformed'],
    [
      (request) =>
        request.url?.endsWith('role')
          ? [200, JSON.stringify({ AccessKeyId: 'A', SecretAccessKey: 'Geheim', Token: 'T' })]
          : null,
      'malformed',
    ],
  ];
  for (const [instead, code] of broken) {
    answer = instead;
    const error = await fresh()
      .keys()
      .catch((error: unknown) => error);
    t.match(error, { name: 'CredentialError', code });
    t.notMatch(inspect(error), /Geheim/);
  }
  await t.rejects(instanceKeys({ endpoint: 'http://127.0.0.1:1' }).keys(), { code: 'unreachable' });
});
