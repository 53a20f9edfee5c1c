import type { IdentityUser, PolicyFile } from '../../src/config/types.ts';
import type { Target } from '../../src/core/target.ts';
import type { Login } from '../../src/core/types.ts';
import type { ConnectQuery } from '../../src/policy/request.ts';
import { compilePolicies, type PolicyInput, type PolicySnapshot } from '../../src/policy/snapshot.ts';

export function target(name: string, rest: Partial<Target> = {}): Target {
  const base = {
    addresses: ['10.0.3.5/32'],
    ports: [5432],
    transport: 'tcp',
    protocol: 'postgres',
    mode: 'inspect',
    tags: [],
    tls: { mode: 'prefer', ca: null, serverName: null },
    columns: [],
    detect: { detectors: [], patterns: [] },
  } as const;
  return { name, ...base, ...rest };
}

export const TARGETS: readonly Target[] = [
  target('orders-db', { tags: ['prod', 'database'] }),
  target('web1', {
    addresses: ['10.0.4.1/32', 'fd00::1/128'],
    ports: [80, 443],
    protocol: 'http',
    tags: ['web'],
  }),
  target('vault', { addresses: ['10.0.9.9/32'], ports: [8200], tags: ['secret'] }),
];

export const IDENTITIES: readonly IdentityUser[] = [
  { name: 'alice', groups: ['engineers', 'dba-leads'], accounts: [], keys: [], certificates: [] },
  { name: 'bob', groups: ['support'], accounts: [], keys: [], certificates: [] },
];

export function policyFile(text: string, file = '/etc/hopline/policies/p.cedar'): PolicyFile {
  return { file, text };
}

export function compile(text: string, rest: Partial<PolicyInput> = {}): PolicySnapshot {
  return compilePolicies({
    files: [policyFile(text)],
    mode: 'enforce',
    targets: TARGETS,
    identities: IDENTITIES,
    ...rest,
  });
}

type Who = ConnectQuery['login'];

export function person(name: string, groups: readonly string[] = [], verified = true): Who {
  const evidence = { method: verified ? 'publickey' : 'password', source: 'pam' } as const;
  return { kind: 'ssh', source: null, user: name, identity: { name, groups, verified, evidence } };
}

export function unattended(source: Login['source'], user: string | null): Who {
  return { kind: 'unattended', source, user, identity: null };
}

export const alice = person('alice', ['engineers', 'dba-leads']);
export const bob = person('bob', ['support']);

export function query(rest: Partial<ConnectQuery> = {}): ConnectQuery {
  return {
    login: alice,
    chain: ['bash', 'psql'],
    target: 'orders-db',
    destination: { address: '10.0.3.5', port: 5432 },
    transport: 'tcp',
    name: null,
    hops: 0,
    ...rest,
  };
}
