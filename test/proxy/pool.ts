/** A pool with one rule: every connection that it accepts is a hop to `destination`. */
import { join } from 'node:path';
import type { Endpoint } from '../../src/core/types.ts';
import { closeListeners, type Listener, openListeners } from '../../src/proxy/listen.ts';
import {
  type Claim,
  type Dialed,
  type HopEnded,
  type PoolOptions,
  type Reply,
  type WorkerLost,
  WorkerPool,
} from '../../src/proxy/supervise.ts';

export { until } from '../until.ts';

export const ENTRY = join(import.meta.dirname, '../../src/worker.ts');

export interface Rig extends AsyncDisposable {
  readonly pool: WorkerPool;
  readonly listeners: readonly Listener[];
  readonly port: number;
  readonly claims: Claim[];
  readonly ended: HopEnded[];
  readonly dialed: Dialed[];
  readonly lost: WorkerLost[];
  readonly faults: string[];
  /** The next end of a hop, or one that has come already. */
  end(hop: string): Promise<HopEnded>;
}

export async function rig(
  destination: Endpoint,
  change: (reply: Reply & { type: 'flow' }, claim: Claim) => Reply | Promise<Reply> = (reply) => reply,
  options: Partial<PoolOptions> = {},
): Promise<Rig> {
  const listeners = openListeners(
    { v4: { address: '127.0.0.1', port: 0 }, v6: { address: '::1', port: 0 } },
    {},
  );
  const claims: Claim[] = [];
  const ended: HopEnded[] = [];
  const dialed: Dialed[] = [];
  const lost: WorkerLost[] = [];
  const faults: string[] = [];
  const waiting = new Map<string, (end: HopEnded) => void>();
  const pool = new WorkerPool({
    count: 1,
    listeners,
    entry: ENTRY,
    account: null,
    onClaim: async (claim) => {
      claims.push(claim);
      const reply = {
        type: 'flow',
        hop: `H${claims.length}`,
        destination,
        target: null,
        protocol: 'tcp',
        outcome: 'allow',
        reason: 'test',
        tls: { mode: 'prefer', ca: null, serverName: null },
        subject: { login: null, chain: [], name: null, hops: 0 },
      } as const;
      return change(reply, claim);
    },
    onEnded: (end) => {
      ended.push(end);
      waiting.get(end.hop)?.(end);
    },
    onDialed: (dial) => dialed.push(dial),
    onAction: () => {},
    archive: { open: () => Promise.reject(new Error('nothing is recorded here')) },
    onAsk: async () => '{}',
    holds: { onHold: () => {}, onWithdraw: () => {}, onCancel: () => false },
    onCertificate: async () => ({ certificate: '', key: '', renewAt: 0 }),
    onCredential: () => Promise.reject(new Error('none is held')),
    onCredentialRefused: () => {},
    onSpawn: () => {},
    onWorkerLost: (worker) => lost.push(worker),
    onFault: ({ message }) => faults.push(message),
    ...options,
  });
  await pool.start();
  return {
    pool,
    listeners,
    port: listeners[0]?.port ?? 0,
    claims,
    ended,
    dialed,
    lost,
    faults,
    end: (hop) => {
      const known = ended.find((end) => end.hop === hop);
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve) => waiting.set(hop, resolve));
    },
    [Symbol.asyncDispose]: async () => {
      await pool.stop();
      closeListeners(listeners);
    },
  };
}
