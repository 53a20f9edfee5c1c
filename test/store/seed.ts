import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { idFromBigInt } from '../../src/core/ids.ts';
import type { ApprovalAnswer, Decision, Hop, Login, Process } from '../../src/core/types.ts';
import type { NewApproval } from '../../src/store/append.ts';
import { openStore, type Store } from '../../src/store/open.ts';

export const BOOT = '11111111-2222-3333-4444-555555555555';
export const T0 = 1_790_000_000_000_000;

/** The id that the kernel would mint at `T0 + n` seconds. */
export const id = (n: number) => idFromBigInt((BigInt(T0) + BigInt(n) * 1_000_000n) * 256n);

export const allow: Decision = {
  outcome: 'allow',
  policies: ['base'],
  reason: 'allowed by policy "base"',
  observed: false,
  errors: [],
  version: 'v1',
};

export function login(over: Partial<Login> = {}): Login {
  return {
    id: id(0),
    host: 'bastion1',
    kind: 'ssh',
    source: null,
    user: 'alice',
    uid: 1001,
    identity: null,
    client: { address: '10.77.0.2', port: 53120 },
    tty: null,
    started: T0,
    ended: null,
    lingering: false,
    recovered: false,
    revoked: null,
    parentHop: null,
    link: null,
    ...over,
  };
}

export function process(over: Partial<Process> = {}): Process {
  return {
    id: 1,
    login: id(0),
    parent: null,
    pid: 4000,
    ppid: 3999,
    startNs: '123456789012345678',
    image: 1,
    exe: '/usr/bin/bash',
    exeVerified: true,
    argv: ['bash'],
    argvBytes: 5,
    uid: 1001,
    started: T0,
    exited: null,
    exitCode: null,
    signal: null,
    recovered: false,
    ...over,
  };
}

export function hop(over: Partial<Hop> = {}): Hop {
  return {
    id: id(5),
    login: id(0),
    process: 1,
    chain: ['bash', 'psql -h orders-db'],
    target: 'orders-db',
    name: null,
    transport: 'tcp',
    protocol: 'postgres',
    destination: { address: '10.77.0.20', port: 5432 },
    source: { address: '127.0.0.1', port: 40_000 },
    started: T0 + 5_000_000,
    ended: null,
    bytesUp: null,
    bytesDown: null,
    decision: allow,
    mode: 'inspect',
    endReason: null,
    actions: 0,
    childLogin: null,
    childHost: null,
    dialed: null,
    ...over,
  };
}

export function approval(over: Partial<NewApproval> = {}): NewApproval {
  return {
    id: 17,
    hop: id(5),
    action: 1,
    at: T0 + 6_000_000,
    expires: T0 + 906_000_000,
    requester: 'alice',
    user: 'alice',
    asks: [{ policy: 'drops-are-held', group: 'dba', message: 'Say why.' }],
    reason: 'drop on orders-db for alice needs approval by dba (drops-are-held): Say why.',
    ...over,
  };
}

export function answer(over: Partial<ApprovalAnswer> = {}): ApprovalAnswer {
  return {
    outcome: 'approved',
    at: T0 + 7_000_000,
    by: 'bob',
    login: id(1),
    uid: 1002,
    reason: 'as agreed',
    ...over,
  };
}

/** A store in a directory of its own, gone when disposed of. */
export function temporaryStore(): { store: Store; path: string } & Disposable {
  const directory = mkdtempSync(join(tmpdir(), 'hopline-store-'));
  const path = join(directory, 'store.db');
  const store = openStore({ path, boot: BOOT });
  return {
    store,
    path,
    [Symbol.dispose]() {
      store.close();
      rmSync(directory, { recursive: true });
    },
  };
}
