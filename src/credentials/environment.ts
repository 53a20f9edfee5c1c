/** Secrets in the daemon's environment. */
import { Secret } from '../core/secret.ts';
import { CredentialError, type CredentialSource, type Held } from './credential.ts';

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/;

/** @throws CredentialError */
export function environmentSecret(name: string, env: NodeJS.ProcessEnv = process.env): Secret {
  const value: unknown = env[name];
  if (typeof value !== 'string' || value === '')
    throw new CredentialError('missing', `the daemon's environment has no ${name}`);
  return new Secret(value);
}

/**
 * A password in an environment variable. Gap: it stays in the environment for as long as the daemon runs, where root and
 * a core dump see it; a systemd credential does not.
 * @throws CredentialError `settings` for what cannot be the name of a variable
 */
export function environmentSource(
  name: string,
  user: string | null = null,
  env: NodeJS.ProcessEnv = process.env,
): CredentialSource {
  if (!NAME.test(name))
    throw new CredentialError('settings', `${JSON.stringify(name.slice(0, 80))} is no name of a variable`);
  return {
    description: `environment variable ${name}`,
    async acquire(): Promise<Held> {
      const password = environmentSecret(name, env);
      return { user, password, validUntil: null, release: () => password.clear() };
    },
    refused() {},
    async close() {},
  };
}
