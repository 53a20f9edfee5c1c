/** The room between real clients and a real sshd, with keys, files and decisions in the test's hands. */

import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { Secret } from '../../../src/core/secret.ts';
import type {
  ActionDraft,
  ActionName,
  Answer,
  End,
  Facts,
  HoldOptions,
  Session,
} from '../../../src/protocols/room.ts';
import type { Held, Signer } from '../../../src/protocols/ssh/authentication/upstream-auth.ts';
import { parsePrivateKey } from '../../../src/protocols/ssh/keys/private-key.ts';
import { blobOf, signWith } from '../../../src/protocols/ssh/keys/public-key.ts';
import type { Outside } from '../../../src/protocols/ssh/outside.ts';
import type { SshfpRecords } from '../../../src/protocols/ssh/questions.ts';
import { serve } from '../../../src/protocols/ssh/session.ts';
import type { HostKey } from '../../../src/protocols/ssh/transport/host-key.ts';
import { type Memory, memoryRecordings } from '../../recording/memory.ts';

/** An action, as the supervisor would have it. */
export interface Recorded extends ActionDraft {
  result: Readonly<Record<string, unknown>> | null;
}

/** An action that waits for a person. */
export interface Waiting {
  readonly action: number;
  readonly options: HoldOptions;
  answer(outcome: 'approved' | 'denied'): void;
}

export function ownKey(): HostKey {
  const { privateKey } = generateKeyPairSync('ed25519');
  return {
    algorithms: ['ssh-ed25519'],
    publicKey: blobOf(privateKey),
    sign: async (algorithm, data) => signWith(privateKey, algorithm, data),
  };
}

/** Signs with a key file, as an agent would. */
export function signerOf(file: string, passphrase: Secret | null = null): Signer {
  const key = parsePrivateKey(readFileSync(file, 'utf8'), passphrase);
  return {
    publicKey: blobOf(key),
    name: `key ${file}`,
    sign: async (algorithm, data) => signWith(key, algorithm, data),
  };
}

export interface Ran {
  readonly out: string;
  readonly err: string;
  readonly code: number | null;
}

/** To the end, with its output. @param input null: /dev/null */
export async function run(
  command: string,
  args: readonly string[],
  input: string | Buffer | null = null,
  env: NodeJS.ProcessEnv = {},
): Promise<Ran> {
  const child = spawn(command, args, {
    stdio: [input === null ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, SSH_AUTH_SOCK: '', SSH_ASKPASS_REQUIRE: 'never', ...env },
  });
  let [out, err] = ['', ''];
  child.stdout?.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    err += chunk;
  });
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { out, err, code };
}

/** A connection, whichever Node socket has it in hand: the room takes it over from the one that it is given. */
export type Tapped = Pick<Socket, 'bytesRead' | 'destroy'>;

function tapped(given: Socket): Tapped {
  const { _handle: handle } = given as unknown as { _handle: object };
  const owner = Object.getOwnPropertySymbols(handle).find(
    ({ description }) => description === 'owner_symbol',
  );
  const held = (): Socket => (handle as Record<symbol, Socket>)[owner as symbol] as Socket;
  return {
    get bytesRead() {
      return held().bytesRead;
    },
    destroy: () => held().destroy(),
  };
}

export interface RigOptions {
  /** A reason denies. */
  readonly deny?: (action: ActionName, facts: Facts) => string | null;
  /** Waits for a yes. */
  readonly waits?: (action: ActionName, facts: Facts) => boolean;
  readonly held?: readonly Held[];
  /** Key files that sign for the client. */
  readonly keys?: readonly string[];
  /** An encrypted key file, which signs when it is unlocked. */
  readonly locked?: string;
  /** Text of the person's known_hosts; OWN is Hopline's key. */
  readonly knownHosts: string;
  /** What DNS has of the host's keys. */
  readonly sshfp?: SshfpRecords;
  readonly destination: number;
  readonly loginMs?: number;
  readonly greetingMs?: number;
  /** The dial fails with this. */
  readonly unreachable?: string;
}

export interface Rig {
  readonly port: number;
  readonly directory: string;
  readonly ends: End[];
  readonly remembered: string[];
  readonly recorded: Recorded[];
  readonly waiting: Waiting[];
  /** Of all connections. */
  readonly recordings: Memory;
  /** Those that are served. */
  readonly clients: Set<Tapped>;
  readonly upstreams: Set<Tapped>;
  /** Options for ssh and its kin; `-p` is not among them. */
  readonly options: readonly string[];
  ssh(args: readonly string[], input?: string | Buffer | null): Promise<Ran>;
  /** Answers each question in turn. @returns with the questions that were asked */
  answering(answers: readonly string[], args: readonly string[]): Promise<Ran & { readonly asked: string[] }>;
}

export async function rig(t: Test, given: RigOptions): Promise<Rig> {
  const directory = mkdtempSync(join(tmpdir(), 'hopline-ssh-'));
  const own = ownKey();
  const known = join(directory, 'global_known_hosts');
  const ownText = `ssh-ed25519 ${own.publicKey.toString('base64')}`;
  writeFileSync(known, `* ${ownText}\n`);
  const [ends, remembered, recorded]: [End[], string[], Recorded[]] = [[], [], []];
  const waiting: Waiting[] = [];
  const recordings = memoryRecordings();
  const [clients, upstreams] = [new Set<Tapped>(), new Set<Tapped>()];
  const signers = (given.keys ?? []).map((file) => signerOf(file));
  const outside: Outside = {
    ownHostKeys: async () => [own],
    hostKeys: {
      names: async () => ['db1'],
      files: async () => [{ path: '~/.ssh/known_hosts', text: given.knownHosts.replace('OWN', ownText) }],
      sshfp: async () => given.sshfp ?? null,
      remember: async (line) => {
        remembered.push(line);
        return '~/.ssh/known_hosts';
      },
    },
    auth: {
      held: async (user) => ({ account: user, held: given.held ?? [] }),
      signer: async (publicKey, passphrase) => {
        const { locked } = given;
        if (locked === undefined) return signers.find((signer) => signer.publicKey.equals(publicKey)) ?? null;
        for (let tries = 0; tries < 3; tries += 1) {
          const said = await passphrase(locked);
          if (said === null || said.length === 0) return null;
          try {
            return signerOf(locked, new Secret(said.toString()));
          } catch {}
        }
        return null;
      },
    },
  };
  const session = (client: Socket): Session => ({
    hop: 'H1',
    target: 'db1',
    destination: { address: '127.0.0.1', port: given.destination },
    client,
    actions: {
      ready: async () => {},
      decide: (action, facts, approved = []) => {
        const reason = given.deny?.(action, facts) ?? null;
        const waits = reason === null && approved.length === 0 && given.waits?.(action, facts) === true;
        return {
          outcome: waits ? 'approve' : reason === null ? 'allow' : 'deny',
          policies: ['rule'],
          reason: waits ? `${action} needs approval by dba` : (reason ?? ''),
          observed: false,
          errors: [],
          version: '',
        };
      },
      masking: () => null,
      hold: (action, _, options) =>
        new Promise<Answer>((resolve) => {
          const answer = (outcome: Answer['outcome'], by: string | null, reason: string) =>
            resolve({
              ...{ outcome, by, reason, approval: 17 },
              approved: outcome === 'approved' ? [{ policy: 'rule', group: 'dba' }] : [],
            });
          const { signal } = options;
          signal.addEventListener('abort', () => answer('withdrawn', null, String(signal.reason)));
          waiting.push({ action, options, answer: (outcome) => answer(outcome, 'bob', 'as you say') });
          const expires = (Date.now() + 900_000) * 1000;
          options.onWaiting({ approval: 17, who: 'a member of dba', expires });
        }),
      decided: (action, decision) => {
        const row = recorded[action - 1];
        if (row !== undefined) recorded[action - 1] = { ...row, decision };
      },
      cancel: async () => false,
      together: (work, then) => {
        work();
        then();
      },
      begin: (draft) => recorded.push({ ...draft, result: null }),
      end: (action, result) => {
        const row = recorded[action - 1];
        if (row?.result !== null) throw new Error(`action ${action} ended twice, or never began`);
        row.result = result;
      },
    },
    recordings,
    credential: null,
    tls: { mode: 'disable', ca: null, serverName: null },
    certificate: () => Promise.reject(new Error('no certificates here')),
    ask: () => Promise.reject(new Error('nobody to ask')),
    limitIdleMs: 0,
    dial: async () => {
      if (given.unreachable !== undefined) throw new Error(given.unreachable);
      const socket = connect({
        host: '127.0.0.1',
        port: given.destination,
        allowHalfOpen: true,
        noDelay: true,
      });
      socket.pause();
      await once(socket, 'connect');
      upstreams.add(tapped(socket));
      return socket;
    },
    onClose: () => {},
  });
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
    const tap = tapped(client);
    clients.add(tap);
    serve(session(client), outside, given.loginMs, given.greetingMs)
      .then(
        (end) => ends.push(end),
        (error: Error) => ends.push({ bytesUp: 0, bytesDown: 0, reason: `threw: ${error.stack}` }),
      )
      .finally(() => clients.delete(tap));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  t.teardown(() => {
    server.close();
    for (const socket of [...clients, ...upstreams]) socket.destroy();
    rmSync(directory, { recursive: true, force: true });
  });
  const [identity] = given.keys ?? [];
  const settings = {
    UserKnownHostsFile: '/dev/null',
    GlobalKnownHostsFile: known,
    StrictHostKeyChecking: 'yes',
    IdentityAgent: 'none',
    IdentitiesOnly: 'yes',
    ...(given.locked === undefined ? { IdentityFile: identity ?? 'none' } : {}),
    ControlPath: 'none',
  };
  const options = [
    '-F',
    'none',
    ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
  ];
  return {
    ...{ port, directory, ends, remembered, recorded, waiting, recordings, clients, upstreams, options },
    answering: async (answers, args) => {
      const askpass = join(directory, 'askpass');
      const [left, log] = [join(directory, 'answers'), join(directory, 'asked')];
      writeFileSync(left, answers.map((answer) => `${answer}\n`).join(''));
      writeFileSync(log, '');
      writeFileSync(
        askpass,
        `#!/bin/sh\nprintf '%s\\0' "$1" >>${log}\nhead -n1 ${left}\nsed -i 1d ${left}\n`,
        { mode: 0o755 },
      );
      const env = { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' };
      const ran = await run('ssh', [...options, '-p', String(port), ...args], null, env);
      return { ...ran, asked: readFileSync(log, 'utf8').split('\0').slice(0, -1) };
    },
    ssh: (args, input) => run('ssh', [...options, '-p', String(port), 'root@127.0.0.1', ...args], input),
  };
}
