/** identities.yaml: who the keys, certificates and accounts belong to. */
import { z } from 'zod';
import { name, RESERVED_GROUPS, RESERVED_USERS, userName } from './names.ts';
import { type Problem, problem } from './problem.ts';
import { dotted, fit, fitKey } from './shape.ts';
import type { IdentityUser } from './types.ts';
import { fingerprint, refuse, section, text } from './values.ts';
import type { YamlFile } from './yaml.ts';

type Path = readonly PropertyKey[];

const file = section({
  users: z.preprocess((value) => value ?? {}, z.record(z.string(), z.unknown())).prefault({}),
});

const certificateText = z.string().min(1).max(1024);
const certificate = section({
  ca: fingerprint,
  keyId: certificateText.optional(),
  principal: certificateText.optional(),
}).transform(({ ca, keyId = null, principal = null }, ctx) =>
  keyId === null && principal === null
    ? refuse(ctx, 'would match every certificate of this CA', { hint: 'add keyId or principal' })
    : { ca, keyId, principal },
);

const accountName = text(/^[A-Za-z0-9_][A-Za-z0-9._@\\+-]*\$?$/, 'the name of a host account', 128);
const account = z.union([
  accountName.transform((called) => ({ name: called, trusted: false })),
  section({ name: accountName, trust_account: z.boolean().default(false) }).transform((entry) => ({
    name: entry.name,
    trusted: entry.trust_account,
  })),
]);

const shape = section({
  accounts: z.array(account).default([]),
  keys: z.array(fingerprint).default([]),
  certificates: z.array(certificate).default([]),
  groups: z.array(name).default([]),
});

export interface IdentitiesResult {
  readonly users: readonly IdentityUser[];
  readonly problems: readonly Problem[];
}

export function readIdentities(yaml: YamlFile): IdentitiesResult {
  const problems: Problem[] = [...yaml.problems];
  const users: IdentityUser[] = [];
  const whole = problems.length > 0 ? null : fit(file, yaml.value, yaml, [], problems);
  for (const [key, value] of Object.entries(whole?.users ?? {})) {
    const at = ['users', key];
    const called = fitKey(userName, key, yaml, at, problems);
    const user = fit(shape, value, yaml, at, problems);
    if (called !== null && user !== null) users.push({ name: called, ...user });
  }
  checkReserved(users, yaml, problems);
  checkClaims(users, yaml, problems);
  return { users, problems };
}

function checkReserved(users: readonly IdentityUser[], yaml: YamlFile, problems: Problem[]): void {
  for (const user of users) {
    const path = ['users', user.name];
    if (RESERVED_USERS.includes(user.name)) {
      const detail = { message: `"${user.name}" is Hopline's own name`, hint: 'give the user another name' };
      problems.push(problem(yaml.file, yaml.keyAt(path), dotted(path), detail));
    }
    for (const [index, group] of user.groups.entries()) {
      if (!RESERVED_GROUPS.includes(group)) continue;
      const place = [...path, 'groups', index];
      const detail = {
        message: `nobody can be put in "${group}": it is for what no person started`,
        hint: 'use another group',
      };
      problems.push(problem(yaml.file, yaml.at(place), dotted(place), detail));
    }
  }
}

/** One key, one certificate, one trusted account: one person. Anything else would be a guess about who it was. */
function checkClaims(users: readonly IdentityUser[], yaml: YamlFile, problems: Problem[]): void {
  const owners = new Map<string, { user: string; path: Path }>();
  const claim = (what: string, key: string, user: string, path: Path): void => {
    const owner = owners.get(key);
    if (owner === undefined) {
      owners.set(key, { user, path });
      return;
    }
    const { line, column } = yaml.at(owner.path);
    const same = owner.user === user;
    const detail = {
      message: same
        ? `${what} stands here twice (first in line ${line})`
        : `${what} is claimed by "${owner.user}" already (${yaml.file}:${line}:${column})`,
      expected: same ? null : `one person for each ${what.split(' ')[0]}`,
      hint: same ? 'remove one' : `take it from "${user}" or from "${owner.user}"`,
    };
    problems.push(problem(yaml.file, yaml.at(path), dotted(path), detail));
  };
  for (const user of users) {
    const at = ['users', user.name];
    for (const [index, key] of user.keys.entries())
      claim(`key ${key}`, `key ${key}`, user.name, [...at, 'keys', index]);
    for (const [index, { ca, keyId, principal }] of user.certificates.entries()) {
      const named = [
        keyId === null ? [] : [`key id ${JSON.stringify(keyId)}`],
        principal === null ? [] : [`principal ${JSON.stringify(principal)}`],
      ];
      const key = JSON.stringify(['certificate', ca, keyId, principal]);
      claim(`certificate with ${named.flat().join(' and ')}`, key, user.name, [...at, 'certificates', index]);
    }
    for (const [index, { name: called, trusted }] of user.accounts.entries()) {
      const path = [...at, 'accounts', index];
      if (trusted) claim(`trusted account ${called}`, `trusted ${called}`, user.name, path);
      else claim(`account ${called}`, `account ${called} of ${user.name}`, user.name, path);
    }
  }
}
