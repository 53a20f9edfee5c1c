/** What a worker is answered about the connection that it has accepted. */
import t from 'tap';
import type { Attribution } from '../../src/attribution/attribution.ts';
import type { HopDraft } from '../../src/attribution/recorder.ts';
import type { Root } from '../../src/attribution/roots.ts';
import { Claims } from '../../src/daemon/claims.ts';
import { OpenHops } from '../../src/daemon/open-hops.ts';
import { Refusals } from '../../src/daemon/refusals.ts';
import type { StoreRecorder } from '../../src/daemon/store-recorder.ts';
import type { KernelMaps } from '../../src/kernel/maps.ts';
import type { Claim } from '../../src/proxy/supervise.ts';
import { allow, hop, id, T0 } from '../store/seed.ts';

const CLAIM: Claim = { worker: 0, listener: 'v4', client: { address: '127.0.0.1', port: 40_001 } };

class Setup {
  readonly open = new OpenHops();
  readonly recorded: HopDraft[] = [];
  readonly denied: string[] = [];
  decision = allow;
  idle: number | null = null;
  full = false;
  root: Root | null = null;
  linkSettled: (login: string) => Promise<void> | null = () => null;
  /** What a flush says. */
  takes = true;
  #ids = 0;
  #at = T0;
  readonly claims = new Claims({
    maps: { flows: { take: () => ({ flags: 0, who: {} }) } } as unknown as KernelMaps,
    attribution: {
      resolve: () => ({ root: this.root, image: null }),
      store: () => {},
      flows: { draft: () => ({ hop: this.#draft() }) },
    } as unknown as Attribution,
    record: this.#record(),
    open: this.open,
    drain: () => {},
    namesSettled: () => null,
    linkSettled: (login) => this.linkSettled(login),
    decide: () => this.decision,
    onDenied: (hop) => this.denied.push(hop.decision.reason),
    enforcing: () => true,
    protocolOf: (target) => (target === 'orders-db' ? 'postgres' : 'tcp'),
    idleMs: () => this.idle,
    tlsOf: () => ({ mode: 'prefer', ca: null, serverName: null }),
    holds: (target) => target === 'orders-db',
    now: () => ++this.#at,
    toMicros: Number,
  });

  #draft() {
    const {
      process: _,
      decision: __,
      actions: ___,
      childLogin: ____,
      ...facts
    } = hop({ id: id(++this.#ids) });
    return { ...facts, started: this.#at, protocol: 'tcp', image: null };
  }

  #record(): StoreRecorder {
    const refusals = new Refusals();
    const setup = this;
    return {
      get full() {
        return setup.full;
      },
      flush: () => setup.takes,
      hop: (draft: HopDraft) => {
        if (draft.mode !== 'denied' || refusals.hop(draft)) setup.recorded.push(draft);
      },
    } as unknown as StoreRecorder;
  }
}

t.test("allowed: the target's room, and when a silent connection ends", async (t) => {
  const s = new Setup();
  const reply = await s.claims.handle(CLAIM);
  t.match(reply, { type: 'flow', hop: id(1), protocol: 'postgres', outcome: 'allow' });
  t.notOk('limitIdleMs' in reply, 'idle: off');
  s.idle = 300_000;
  t.match(await s.claims.handle(CLAIM), { type: 'flow', limitIdleMs: 300_000 });
  t.match(s.recorded[0], { protocol: 'postgres', mode: 'inspect' });
  t.equal(s.open.size, 2);
});

t.test('denied: refused with the reason, and nothing was spoken', async (t) => {
  const s = new Setup();
  s.decision = { ...allow, outcome: 'deny', reason: 'vault-is-closed' };
  t.same(await s.claims.handle(CLAIM), { type: 'refuse', reason: 'vault-is-closed' });
  t.match(s.recorded, [{ mode: 'denied', protocol: 'tcp', bytesUp: 0, ended: /\d+/ }]);
  t.same([s.open.size, s.denied], [0, ['vault-is-closed']]);
});

t.test(
  'a login that is held goes with what policy allows, and not with what observe mode lets pass',
  async (t) => {
    const s = new Setup();
    t.match(await s.claims.handle(CLAIM), { held: true });
    s.decision = { ...allow, outcome: 'deny', observed: true };
    const passing = await s.claims.handle(CLAIM);
    t.match(passing, { type: 'flow', outcome: 'allow' });
    t.notOk('held' in passing);
  },
);

t.test('a disk that has just become full, and one that is: refused, and kept once', async (t) => {
  const s = new Setup();
  s.takes = false;
  t.match(await s.claims.handle(CLAIM), { type: 'refuse', reason: /disk is full/ });
  t.match(s.recorded, [{ mode: 'denied', endReason: /disk is full/, decision: { outcome: 'deny' } }]);
  s.full = true;
  for (let n = 0; n < 100; n++) t.match(await s.claims.handle(CLAIM), { reason: /disk is full/ });
  t.equal(s.recorded.length, 2, 'a hundred that are refused alike take the room of one');
  t.equal(s.open.size, 0);
});

t.test('a login from another host: what it does waits until it is known by which way it came', async (t) => {
  const s = new Setup();
  const way = { evidence: 'four-tuple', host: 'bastion1', hop: id(7), depth: 2, reason: null } as const;
  const root = {
    id: id(8),
    kind: 'ssh',
    source: null,
    user: 'alice',
    identity: null,
    link: null,
    revoked: null,
  };
  s.root = root as unknown as Root;
  const { promise, resolve } = Promise.withResolvers<void>();
  s.linkSettled = (login) => (login === root.id ? promise : null);
  const asked = s.claims.handle(CLAIM);
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(s.recorded.length, 0);
  Object.assign(root, { link: way });
  resolve();
  t.match(await asked, { type: 'flow', subject: { login: { user: 'alice' }, hops: 2 } });

  s.linkSettled = () => null;
  Object.assign(root, {
    link: { ...way, evidence: null, hop: null, depth: 0, reason: 'it does not answer' },
  });
  t.match(await s.claims.handle(CLAIM), { subject: { hops: 1 } }, 'from a host of the fleet: one at least');
  Object.assign(root, { link: null });
  t.match(await s.claims.handle(CLAIM), { subject: { hops: 0 } });
});
