/** From settings to a source. */
import {
  type AwsKeySettings,
  type SourceSettings,
  USER_PLACE,
  type VaultServer,
} from '../core/credentials.ts';
import { type AwsKeySource, environmentKeys, instanceKeys, staticKeys } from './aws-keys.ts';
import { CredentialError, type CredentialSource } from './credential.ts';
import { environmentSource } from './environment.ts';
import { fileSource, systemdSource } from './file.ts';
import type { Outgoing } from './outgoing.ts';
import { rdsSource } from './rds.ts';
import { Vault } from './vault.ts';
import { VaultDatabaseSource, vaultKvSource } from './vault-sources.ts';

export interface SourceOptions {
  readonly outgoing: Outgoing;
  /** What goes wrong while nobody asks; without secrets. */
  onFault(message: string): void;
  readonly env?: NodeJS.ProcessEnv;
}

/** A user's name as a part of a path: it leads nowhere else. */
const PLAIN_USER = /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,62}$/;

/**
 * @param user who is logged in as; null where the source says, in what it gives
 * @throws CredentialError
 */
export function sourceOf(
  settings: SourceSettings,
  user: string | null,
  options: SourceOptions,
): CredentialSource {
  const { outgoing, onFault, env = process.env } = options;
  switch (settings.kind) {
    case 'file':
      return fileSource(placed(settings.path, user), user);
    case 'systemd':
      return systemdSource(settings.name, user, env);
    case 'environment':
      return environmentSource(settings.name, user, env);
    case 'vault-kv': {
      const { mount, passwordField, userField } = settings;
      const path = placed(settings.path, user);
      return vaultKvSource({
        vault: vaultOf(settings.vault, outgoing),
        mount,
        path,
        passwordField,
        userField,
      });
    }
    case 'vault-database': {
      const { mount, role } = settings;
      return new VaultDatabaseSource({ vault: vaultOf(settings.vault, outgoing), mount, role, onFault });
    }
    case 'rds': {
      const { host, port, region } = settings;
      if (user === null) throw new CredentialError('settings', 'an RDS token is for a user');
      return rdsSource({ host, port, region, user, keys: keysOf(settings.keys, outgoing, env) });
    }
  }
}

function placed(path: string, user: string | null): string {
  if (!path.includes(USER_PLACE)) return path;
  if (user === null || !PLAIN_USER.test(user))
    throw new CredentialError(
      'settings',
      'the name of that user cannot be part of a path: letters, digits, "_", ".", "@" and "-"',
    );
  return path.replaceAll(USER_PLACE, user);
}

function vaultOf(server: VaultServer, outgoing: Outgoing): Vault {
  return new Vault({ ...server, outgoing });
}

function keysOf(settings: AwsKeySettings, outgoing: Outgoing, env: NodeJS.ProcessEnv): AwsKeySource {
  switch (settings.kind) {
    case 'instance':
      return instanceKeys({ outgoing });
    case 'environment':
      return environmentKeys(env);
    case 'static':
      return staticKeys(settings.id, fileSource(settings.secretFile));
  }
}
