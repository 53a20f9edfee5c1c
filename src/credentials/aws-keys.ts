/** Where AWS keys come from: settings and a secret, the daemon's environment, or the instance that the host is. */
import { Secret } from '../core/secret.ts';
import type { Micros } from '../core/types.ts';
import { CredentialError, type CredentialSource } from './credential.ts';
import { environmentSecret } from './environment.ts';
import { send, takeJson } from './http.ts';
import type { Outgoing } from './outgoing.ts';
import type { AwsKeys } from './sigv4.ts';

export interface BorrowedKeys extends AwsKeys {
  /** Null for keys that last. */
  readonly validUntil: Micros | null;
}

export interface AwsKeySource {
  /** @throws CredentialError */
  keys(): Promise<BorrowedKeys>;
}

/** Keys that last, their secret half out of any source. */
export function staticKeys(accessKeyId: string, secret: CredentialSource): AwsKeySource {
  return {
    async keys() {
      const held = await secret.acquire();
      const secretAccessKey = held.password.copy();
      held.release();
      return { accessKeyId, secretAccessKey, sessionToken: null, validUntil: null };
    },
  };
}

/** AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, where it is set, AWS_SESSION_TOKEN. */
export function environmentKeys(env: NodeJS.ProcessEnv = process.env): AwsKeySource {
  return {
    async keys() {
      const accessKeyId = environmentSecret('AWS_ACCESS_KEY_ID', env).reveal();
      const secretAccessKey = environmentSecret('AWS_SECRET_ACCESS_KEY', env);
      const sessionToken = env.AWS_SESSION_TOKEN ? environmentSecret('AWS_SESSION_TOKEN', env) : null;
      return { accessKeyId, secretAccessKey, sessionToken, validUntil: null };
    },
  };
}

export interface InstanceOptions {
  /** By default the link-local address of EC2. */
  readonly endpoint?: string;
  readonly timeoutMs?: number;
  readonly now?: () => Micros;
  readonly outgoing?: Outgoing;
}

const ENDPOINT = 'http://169.254.169.254';
const TIMEOUT_MS = 2_000;
const TOKEN_SECONDS = '60';
/** Asked for anew so long before the end; EC2 has the next ones ready five minutes before it. */
const MARGIN: Micros = 5 * 60 * 1_000_000;
const ROLE = /^[\w+=,.@-]{1,64}$/;

/** The keys of the instance's role, by IMDSv2 (docs.aws.amazon.com/AWSEC2: Retrieve security credentials from instance metadata). */
export function instanceKeys(options: InstanceOptions = {}): AwsKeySource {
  const { endpoint = ENDPOINT, timeoutMs = TIMEOUT_MS, now = () => Date.now() * 1000, outgoing } = options;
  const who = 'the instance metadata service';
  let kept: BorrowedKeys | null = null;
  const call = async (method: 'GET' | 'PUT', path: string, headers: Record<string, string>) => {
    const url = new URL(`/latest/${path}`, endpoint);
    const answer = await send({ method, url, headers, ca: null, timeoutMs, who, outgoing });
    if (answer.status === 404)
      throw new CredentialError('missing', `${who} has nothing at ${path}: has the instance a role?`);
    if (answer.status !== 200)
      throw new CredentialError('denied', `${who} refuses ${path} (${answer.status})`);
    return answer;
  };
  return {
    async keys() {
      if (kept?.validUntil != null && now() < kept.validUntil - MARGIN) return copyOf(kept);
      const token = await call('PUT', 'api/token', { 'X-aws-ec2-metadata-token-ttl-seconds': TOKEN_SECONDS });
      const headers = { 'X-aws-ec2-metadata-token': token.body.toString('latin1').trim() };
      const path = 'meta-data/iam/security-credentials/';
      const role = (await call('GET', path, headers)).body.toString('latin1').split('\n')[0]?.trim() ?? '';
      if (!ROLE.test(role)) throw new CredentialError('malformed', `${who} names no role`);
      kept = keysOf(takeJson(await call('GET', path + role, headers)), who);
      return copyOf(kept);
    },
  };
}

function keysOf(answer: unknown, who: string): BorrowedKeys {
  const fields = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<string, unknown>;
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = fields;
  const until = typeof Expiration === 'string' ? Date.parse(Expiration) : Number.NaN;
  if (typeof AccessKeyId !== 'string' || typeof SecretAccessKey !== 'string' || typeof Token !== 'string')
    throw new CredentialError('malformed', `${who} gave no keys`);
  if (Number.isNaN(until)) throw new CredentialError('malformed', `${who} gave keys without an end`);
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: new Secret(SecretAccessKey),
    sessionToken: new Secret(Token),
    validUntil: until * 1000,
  };
}

/** What is handed out may be cleared by whoever has used it. */
function copyOf(keys: BorrowedKeys): BorrowedKeys {
  return {
    ...keys,
    secretAccessKey: keys.secretAccessKey.copy(),
    sessionToken: keys.sessionToken?.copy() ?? null,
  };
}
