/**
 * AWS Signature Version 4 in a query string (docs.aws.amazon.com/IAM/latest/UserGuide: Create a signed AWS API request). Only what a
 * presigned GET needs.
 */
import { createHash, createHmac } from 'node:crypto';
import type { Secret } from '../core/secret.ts';

export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  /** With temporary keys. */
  readonly sessionToken: Secret | null;
}

export interface PresignedGet {
  /** With the port where it is not 443, as in the Host header. */
  readonly host: string;
  /** Starts with a slash; its segments are encoded here. */
  readonly path: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly region: string;
  readonly service: string;
  /** Seconds. */
  readonly expires: number;
  /** Microseconds since the epoch. */
  readonly at: number;
  readonly keys: AwsKeys;
  /** SHA-256 of the body in hex; that of nothing by default. */
  readonly payloadHash?: string;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const SIGNED_HEADERS = 'host';

/** The query string, without its question mark, the signature last. */
export function presignGet(request: PresignedGet): string {
  const { keys, region, service, expires } = request;
  const time = `${new Date(request.at / 1000).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
  const date = time.slice(0, 8);
  const scope = `${date}/${region}/${service}/aws4_request`;
  const token = keys.sessionToken?.reveal() ?? null;
  const query: (readonly [string, string])[] = [
    ...request.query,
    ['X-Amz-Algorithm', ALGORITHM],
    ['X-Amz-Credential', `${keys.accessKeyId}/${scope}`],
    ['X-Amz-Date', time],
    ['X-Amz-Expires', String(expires)],
    ...(token === null ? [] : [['X-Amz-Security-Token', token] as const]),
    ['X-Amz-SignedHeaders', SIGNED_HEADERS],
  ];
  const canonicalQuery = query
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const path = request.path.split('/').map(encode).join('/');
  const payload = request.payloadHash ?? sha256('');
  const canonical = ['GET', path, canonicalQuery, `host:${request.host}\n`, SIGNED_HEADERS, payload].join(
    '\n',
  );
  const toSign = [ALGORITHM, time, scope, sha256(canonical)].join('\n');
  const key = signingKey(keys.secretAccessKey, date, region, service);
  const signature = hmac(key, toSign).toString('hex');
  key.fill(0);
  return `${canonicalQuery}&X-Amz-Signature=${signature}`;
}

/** @param date `YYYYMMDD` */
export function signingKey(secret: Secret, date: string, region: string, service: string): Buffer {
  const bytes = secret.bytes();
  let key: Buffer = Buffer.concat([Buffer.from('AWS4'), bytes]);
  bytes.fill(0);
  for (const part of [date, region, service, 'aws4_request']) {
    const next = hmac(key, part);
    key.fill(0);
    key = next;
  }
  return key;
}

/** UriEncode: everything but A–Z, a–z, 0–9, `-._~`. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** By code unit: encoded text is ASCII. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest();
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}
