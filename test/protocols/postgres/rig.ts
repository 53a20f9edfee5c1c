/** The room between real clients and a real server, with the decisions and the record in the test's hands. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Test } from 'tap';
import type { TargetTls } from '../../../src/core/target.ts';
import type { Decision } from '../../../src/core/types.ts';
import { postgres } from '../../../src/protocols/postgres/index.ts';
import type {
  ActionDraft,
  Answer,
  End,
  Facts,
  HeldCredential,
  Masking,
} from '../../../src/protocols/room.ts';
import { openAuthority } from '../../../src/tls/ca.ts';
import { Mint } from '../../../src/tls/mint.ts';
import { type Memory, memoryRecordings } from '../../recording/memory.ts';
import { until } from '../../until.ts';

export interface Recorded extends ActionDraft {
  readonly number: number;
  /** Those that took the place of the first. */
  readonly decisions: Decision[];
  result: Readonly<Record<string, unknown>> | null;
}

/** An action that waits for the test to answer. */
export interface HeldAction {
  readonly action: number;
  readonly decision: Decision;
  readonly cancelKey: string | null;
  answer(answer: Partial<Answer>): void;
  /** Null while it waits. */
  ended: Answer | null;
}

export interface Rig {
  readonly port: number;
  readonly recorded: Recorded[];
  readonly recordings: Memory;
  readonly ends: End[];
  /** Facts of every decision that was asked for. */
  readonly asked: Facts[];
  /** A reason denies. */
  deny: (facts: Facts) => string | null;
  /** How many rows policies say are to be recorded; null: they say nothing. */
  record: (facts: Facts) => number | null;
  /** A group that has to approve. */
  ask: (facts: Facts) => string | null;
  readonly held: HeldAction[];
  /** Waits for the action that was held as the `count`th. */
  waiting(count: number): Promise<HeldAction>;
  /** Null: nothing is masked. */
  masking: Masking | null;
  /** A login that Hopline holds. */
  credential: HeldCredential | null;
  /** Where clients think that the server is. */
  address: string;
  /** Ends the hop that was served last, from above. */
  close: () => void;
  /** PEM of the authority that clients have to trust. */
  readonly authority: string;
  psql(sql: string, ...args: string[]): Promise<{ out: string; err: string; code: number }>;
  client(config?: pg.ClientConfig): Promise<pg.Client>;
  /** What was recorded, as `verb tables`. */
  subjects(): string[];
}

function decisionOf(reason: string | null, group: string | null): Decision {
  const outcome = reason !== null ? 'deny' : group === null ? 'allow' : 'approve';
  return {
    outcome,
    policies: [{ allow: 'allowed', deny: 'rule', approve: 'held' }[outcome]],
    reason: reason ?? (group === null ? 'allowed' : `needs approval by ${group}`),
    observed: false,
    errors: [],
    version: 'test',
  };
}

/** One for all rigs of a process, as a worker has one supervisor. */
const directory = mkdtempSync(join(tmpdir(), 'hopline-rig-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
const mint = new Mint({ authority: await openAuthority({ directory, host: 'rig' }) });

export async function rig(
  t: Test,
  server: { readonly path: string } | { readonly port: number },
  tls: TargetTls = { mode: 'prefer', ca: null, serverName: null },
  { limitIdleMs = 0 }: { limitIdleMs?: number } = {},
): Promise<Rig> {
  const recorded: Recorded[] = [];
  const ends: End[] = [];
  const asked: Facts[] = [];
  const held: HeldAction[] = [];
  const sockets = new Set<Socket>();
  const recordings = memoryRecordings();
  const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    sockets.add(client);
    const served = postgres.serve({
      hop: 'test',
      target: 'db',
      destination: { address: made.address, port: 5432 },
      client,
      limitIdleMs,
      credential: made.credential,
      tls,
      ask: () => Promise.reject(new Error('nobody to ask')),
      certificate: (names) => mint.mint({ names }),
      recordings,
      actions: {
        ready: async () => {},
        decide: (_, facts, approved = []) => {
          asked.push(facts);
          const group = made.ask(facts);
          const lifted = approved.some((one) => one.group === group);
          const record = made.record(facts);
          return {
            ...decisionOf(made.deny(facts), lifted ? null : group),
            ...(record === null ? {} : { record }),
          };
        },
        hold: (action, decision, { onWaiting, signal, cancelKey = null }) =>
          new Promise((resolve) => {
            const number = 17 + held.length;
            const one: HeldAction = {
              ...{ action, decision, cancelKey, ended: null },
              answer: (given) => {
                if (one.ended !== null) return;
                const group = /needs approval by (.*)/.exec(decision.reason)?.[1] ?? null;
                const approved = given.outcome === 'approved' ? [{ policy: 'held', group }] : [];
                const nothing = {
                  outcome: 'denied',
                  approval: number,
                  by: null,
                  reason: '',
                  approved,
                } as const;
                one.ended = { ...nothing, ...given };
                resolve(one.ended);
              },
            };
            const gone = () => one.answer({ outcome: 'withdrawn', reason: String(signal.reason) });
            signal.addEventListener('abort', gone);
            held.push(one);
            onWaiting({ approval: number, who: 'a member of dba', expires: (Date.now() + 900_000) * 1000 });
          }),
        decided: (number, decision) => recorded[number - 1]?.decisions.push(decision),
        cancel: async (key) => {
          const found = held.filter(({ cancelKey, ended }) => cancelKey === key && ended === null);
          for (const one of found) one.answer({ outcome: 'withdrawn', reason: 'the client cancelled it' });
          return found.length > 0;
        },
        masking: () => made.masking,
        together: (work, then) => {
          work();
          then();
        },
        begin: (draft) => {
          recorded.push({ ...draft, number: recorded.length + 1, decisions: [], result: null });
          return recorded.length;
        },
        end: (number, result) => {
          const action = recorded[number - 1];
          if (!action) throw new Error(`no action ${number}`);
          if (action.result !== null) throw new Error(`action ${number} has ended before`);
          action.result = result;
        },
      },
      dial: async () => {
        const upstream = connect({
          ...('path' in server ? { path: server.path } : { host: '127.0.0.1', port: server.port }),
          allowHalfOpen: true,
        });
        // A unix socket knows no RST.
        if ('path' in server) upstream.resetAndDestroy = () => upstream.destroy();
        sockets.add(upstream);
        await once(upstream, 'connect');
        upstream.pause();
        return upstream;
      },
      onClose: (reset) => {
        made.close = reset;
      },
    });
    served.then(
      (end) => ends.push(end),
      (error) => t.fail(`the room threw ${error}`),
    );
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  const made: Rig = {
    port,
    authority: join(directory, 'ca.crt'),
    recorded,
    recordings,
    ends,
    asked,
    credential: null,
    address: '127.0.0.1',
    close: () => {},
    deny: () => null,
    record: () => null,
    ask: () => null,
    held,
    waiting: (count) => until(() => held[count - 1] ?? null, `${count} held actions`),
    masking: null,
    psql: (sql, ...args) => psql(port, sql, args),
    client: async (config = {}) => {
      const client = new pg.Client({
        host: '127.0.0.1',
        port,
        user: 'free',
        database: 'postgres',
        ...config,
      });
      client.on('error', () => {});
      await client.connect();
      t.teardown(() => client.end().catch(() => {}));
      return client;
    },
    subjects: () => recorded.map(({ subject }) => subject),
  };
  return made;
}

async function psql(port: number, sql: string, args: readonly string[]) {
  const env = {
    ...process.env,
    PGHOST: '127.0.0.1',
    PGPORT: String(port),
    PGUSER: 'free',
    PGDATABASE: 'postgres',
  };
  const child = spawn('psql', ['-XqAt', ...args], { env });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  child.stdin.end(sql);
  const [code] = (await once(child, 'close')) as [number];
  return { out, err, code };
}
