/** What `credential:` and `vaults:` mean: files looked for, vaults by their name, and whether it fits the target. */
import { dirname, resolve } from 'node:path';
import {
  type AwsKeySettings,
  type CredentialSettings,
  type HeldUser,
  type SourceSettings,
  USER_PLACE,
  type VaultServer,
} from '../core/credentials.ts';
import type { Target } from '../core/target.ts';
import type { Written, WrittenCredential, WrittenVault } from './credential-shape.ts';
import { pem } from './pem.ts';
import { type Detail, type Problem, problem } from './problem.ts';
import { GROUP_MAY_READ, OWNER_ONLY, secretFileProblem } from './secret-file.ts';
import { dotted } from './shape.ts';
import { didYouMean } from './similar.ts';
import type { YamlFile } from './yaml.ts';

/** The file that is read, and where its problems go. */
export interface Reading {
  readonly yaml: YamlFile;
  readonly problems: Problem[];
  readonly warnings: Problem[];
}

/** By name; null where it is wrong, which is told where it stands and not by each target again. */
export type Vaults = ReadonlyMap<string, VaultServer | null>;

type At = readonly PropertyKey[];

function tell(into: Problem[], { yaml }: Reading, at: At, detail: Detail): void {
  into.push(problem(yaml.file, yaml.at(at), dotted(at), detail));
}

function absolute({ yaml }: Reading, path: string): string {
  return resolve(dirname(yaml.file), path);
}

/** What is wrong with a secret's file is told, and refuses nothing but that credential, each time it is asked for. */
function secretFile(reading: Reading, written: string, at: At, forbidden: number): string {
  const path = absolute(reading, written);
  const wrong = path.includes(USER_PLACE) ? null : secretFileProblem(path, forbidden);
  if (wrong !== null) tell(reading.warnings, reading, at, wrong);
  return path;
}

export function vaultServer(written: WrittenVault, reading: Reading, at: At): VaultServer {
  const { address, token_file, namespace = null, ca, timeout, plaintext } = written;
  const tokenFile = secretFile(reading, token_file, [...at, 'token_file'], GROUP_MAY_READ);
  const trusted = ca === undefined ? null : pem(absolute(reading, ca));
  if (trusted !== null && typeof trusted !== 'string')
    tell(reading.problems, reading, [...at, 'ca'], trusted);
  return {
    address,
    tokenFile,
    namespace,
    ca: typeof trusted === 'string' ? trusted : null,
    timeoutMs: timeout,
    plaintext,
  };
}

/** Protocols whose rooms log in for the client. */
const PROTOCOLS: readonly string[] = ['postgres'];

/** @param at where the target stands */
export function targetCredentials(
  target: Target,
  written: readonly WrittenCredential[],
  vaults: Vaults,
  reading: Reading,
  at: At,
): readonly CredentialSettings[] {
  const place = [...at, 'credential'];
  if (target.mode === 'direct')
    tell(reading.problems, reading, place, {
      message: 'a connection that is never redirected cannot be logged in for',
      hint: 'write mode: inspect, or leave credential out',
    });
  else if (!PROTOCOLS.includes(target.protocol))
    tell(reading.problems, reading, place, {
      message: 'is for protocols in which Hopline logs in',
      got: `protocol: ${target.protocol}`,
      expected: `protocol: ${PROTOCOLS.join(' or ')}`,
    });
  const inList = isList(reading.yaml, place);
  return written.flatMap((each, index) => {
    const here = inList ? [...place, index] : place;
    const source = sourceOf(each, target, vaults, reading, here);
    if (source === null) return [];
    return [{ user: heldUser(each), groups: each.groups ?? [], source }];
  });
}

function isList(yaml: YamlFile, at: At): boolean {
  let value: unknown = yaml.value;
  for (const key of at) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return Array.isArray(value);
}

function heldUser({ user }: Written): HeldUser {
  if (user === undefined) return { by: 'source' };
  return user === '*' ? { by: 'client' } : { by: 'settings', name: user };
}

function sourceOf(
  written: WrittenCredential,
  target: Target,
  vaults: Vaults,
  reading: Reading,
  at: At,
): SourceSettings | null {
  const { file = '', systemd = '', environment = '' } = written;
  switch (written.source) {
    case 'file':
      return { kind: 'file', path: secretFile(reading, file, [...at, 'file'], OWNER_ONLY) };
    case 'systemd':
      return { kind: 'systemd', name: systemd };
    case 'environment':
      return { kind: 'environment', name: environment };
    case 'vault':
      return vaultSource(written, vaults, reading, at);
    case 'rds':
      return rdsSource(written, target, reading, at);
  }
}

function vaultSource(
  { vault: called = '', kv, database, mount, field = 'password', user, user_field }: Written,
  vaults: Vaults,
  reading: Reading,
  at: At,
): SourceSettings | null {
  const server = vaults.get(called);
  if (server === undefined) {
    tell(reading.problems, reading, [...at, 'vault'], {
      message: 'no Vault of this name is in vaults:',
      got: called,
      expected:
        vaults.size === 0
          ? 'vaults: {NAME: {address: …, token_file: …}} in this file'
          : `one of ${[...vaults.keys()].join(', ')}`,
      hint: didYouMean(called, vaults.keys()),
    });
  }
  if (server == null) return null;
  if (database !== undefined)
    return { kind: 'vault-database', vault: server, mount: mount ?? 'database', role: database };
  const userField = user === undefined ? (user_field ?? 'username') : null;
  return {
    ...{ kind: 'vault-kv', vault: server, mount: mount ?? 'secret', path: kv ?? '' },
    ...{ passwordField: field, userField },
  } as const;
}

const REGION_IN_NAME = /\.([a-z]{2,}(?:-[a-z]+)+-\d{1,2})\.rds\.amazonaws\.com(?:\.cn)?$/;

function rdsSource(
  { rds: host = '', region = REGION_IN_NAME.exec(host)?.[1], port, keys = 'instance' }: Written,
  target: Target,
  reading: Reading,
  at: At,
): SourceSettings | null {
  const number = port ?? (target.ports.length === 1 ? target.ports[0] : undefined);
  if (region === undefined)
    tell(reading.problems, reading, at, {
      message: 'the region is not in the name of the endpoint',
      got: host,
      hint: 'add region: NAME, such as eu-central-1',
    });
  if (number === undefined)
    tell(reading.problems, reading, at, {
      message: 'the target has several ports, and the token is for one',
      hint: 'add port: NUMBER, the port of the RDS endpoint',
    });
  // The server asks for the token as a password in clear.
  if (!target.tls.mode.startsWith('verify-'))
    tell(reading.problems, reading, at, {
      message: 'an RDS token goes to the server as it is, so the server has to be verified',
      got: `tls: {mode: ${target.tls.mode}}`,
      expected: 'tls: {mode: verify-full, ca: FILE}',
      hint: 'AWS has the authorities for its regions in one file, global-bundle.pem',
    });
  if (region === undefined || number === undefined) return null;
  return { kind: 'rds', host, port: number, region, keys: awsKeys(keys, reading, at) };
}

function awsKeys(written: NonNullable<Written['keys']>, reading: Reading, at: At): AwsKeySettings {
  if (typeof written === 'string') return { kind: written };
  const path = secretFile(reading, written.file, [...at, 'keys', 'file'], OWNER_ONLY);
  return { kind: 'static', id: written.id, secretFile: path };
}
