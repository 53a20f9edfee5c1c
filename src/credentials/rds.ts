/**
 * IAM authentication of RDS and Aurora: the password is a presigned request (docs.aws.amazon.com/AmazonRDS/latest/UserGuide:
 * UsingWithRDS.IAMDBAuth.Connecting). The server asks for it in clear, inside TLS, and takes it for fifteen minutes.
 */
import { Secret } from '../core/secret.ts';
import type { Micros } from '../core/types.ts';
import type { AwsKeySource } from './aws-keys.ts';
import { CredentialError, type CredentialSource, type Held } from './credential.ts';
import { type AwsKeys, presignGet } from './sigv4.ts';

export interface RdsInstance {
  /** The endpoint's own name, in AWS's spelling: it is part of what is signed. */
  readonly host: string;
  readonly port: number;
  readonly region: string;
  /** A user of the database that has the role rds_iam. */
  readonly user: string;
}

export interface RdsOptions extends RdsInstance {
  readonly keys: AwsKeySource;
  readonly now?: () => Micros;
}

/** Seconds that a token is good for. */
const LIFETIME = 900;
const SECOND: Micros = 1_000_000;
const HOST = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;
const REGION = /^[a-z]{2,}(?:-[a-z]+)+-\d{1,2}$/;

/** What `aws rds generate-db-auth-token` prints. */
export function rdsToken(instance: RdsInstance, keys: AwsKeys, at: Micros): string {
  const host = `${instance.host}:${instance.port}`;
  const query = presignGet({
    host,
    path: '/',
    query: [
      ['Action', 'connect'],
      ['DBUser', instance.user],
    ],
    region: instance.region,
    service: 'rds-db',
    expires: LIFETIME,
    at,
    keys,
  });
  return `${host}/?${query}`;
}

/**
 * A new token for each hop: signing costs microseconds, and asks nobody.
 * @throws CredentialError `settings`
 */
export function rdsSource(options: RdsOptions): CredentialSource {
  const { host, port, region, user, keys, now = () => Date.now() * 1000 } = options;
  if (!HOST.test(host))
    throw new CredentialError('settings', 'the host of an RDS instance is its endpoint’s name');
  if (!REGION.test(region)) throw new CredentialError('settings', 'that is no AWS region');
  if (!Number.isInteger(port) || port < 1 || port > 65_535 || user === '')
    throw new CredentialError('settings', 'an RDS instance has a port and a user');
  return {
    description: `rds iam ${user}@${host}:${port}`,
    async acquire(): Promise<Held> {
      const lent = await keys.keys();
      const at = now();
      const password = new Secret(rdsToken({ host, port, region, user }, lent, at));
      lent.secretAccessKey.clear();
      lent.sessionToken?.clear();
      const end = at + LIFETIME * SECOND;
      const validUntil = lent.validUntil === null ? end : Math.min(end, lent.validUntil);
      return { user, password, validUntil, release: () => password.clear() };
    },
    refused() {},
    async close() {},
  };
}
