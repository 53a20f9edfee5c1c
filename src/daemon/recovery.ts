import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Attribution } from '../attribution/attribution.ts';
import type { HopDraft } from '../attribution/recorder.ts';
import { recover } from '../attribution/recover.ts';
import type { Micros } from '../core/types.ts';
import type { BootClock } from '../kernel/clock.ts';
import { HlLoss } from '../kernel/layouts.generated.ts';
import type { Kernel } from '../kernel/load.ts';
import type { Listener } from '../proxy/listen.ts';
import type { Store } from '../store/open.ts';
import type { Claims } from './claims.ts';
import type { EventLoop } from './events.ts';
import { spawnersOf } from './kernel-half.ts';
import type { PolicyState } from './policy-state.ts';
import { restoreRevocations } from './revoke.ts';
import type { StoreRecorder } from './store-recorder.ts';

/** What a start reads of the run before, and tells to the one that begins. */
export interface Recovering {
  readonly store: Store;
  readonly kernel: Kernel;
  readonly record: StoreRecorder;
  readonly attribution: Attribution;
  readonly events: EventLoop;
  readonly claims: Claims;
  readonly clock: BootClock;
  readonly policy: PolicyState;
  readonly listeners: readonly Listener[];
  /** Since when. */
  readonly listening: Micros;
  readonly log: Logger;
  now(): number;
  /** A direct hop of the run before goes on. */
  opened(hop: HopDraft): void;
}

/** Identifies this boot: a pid and a start time mean a process only within it (random(4)). */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/**
 * The first lines of this run: that it began, and what of the run before is missing.
 * @param told losses that the record has told of; see {@link lossesTold}
 */
export function beginRecord(daemon: Recovering, told: readonly bigint[]): void {
  const { previous } = daemon.store;
  const at = daemon.now();
  const pending = daemon.kernel.maps.events.pending();
  if (previous.unclean && previous.boot === bootId() && previous.lastWrite !== null) {
    const seconds = ((at - previous.lastWrite) / 1e6).toFixed(1);
    const lost = (daemon.kernel.maps.losses()[HlLoss.LOSS_EVENT] ?? 0n) - (told[HlLoss.LOSS_EVENT] ?? 0n);
    const events =
      lost > 0n ? `its events until there was no more room: ${lost} did not fit` : 'all of its events';
    const kept = daemon.kernel.continued
      ? `the kernel kept its programs meanwhile, and ${events}`
      : 'what happened meanwhile was not seen';
    const detail = `the daemon did not stop in order and was away for ${seconds} s; ${kept} (${pending} bytes waiting); how often refusals of its last ten seconds were repeated is not known`;
    daemon.record.notice({ at, kind: 'gap', login: null, count: 1, detail });
  }
  const detail = `hoplined ${process.pid} started, policy ${daemon.policy.snapshot.version}`;
  daemon.record.notice({ at, kind: 'start', login: null, count: 1, detail });
}

/** Takes up what lives, from the kernel, the record and /proc; and ends the logins that have gone meanwhile. */
export function recoverProcesses(daemon: Recovering): void {
  const { reader } = daemon.store;
  const { seeded, gone, missing } = recover({
    maps: daemon.kernel.maps,
    tasks: () => daemon.kernel.tasks(),
    attribution: daemon.attribution,
    known: { logins: reader.openLogins(), processes: reader.liveProcesses() },
    self: process.pid,
    spawners: spawnersOf(daemon.policy.config),
    continued: daemon.kernel.continued,
    drain: () => void daemon.events.drain(),
    now: () => daemon.now(),
    toMicros: (bootNs) => daemon.clock.toMicros(bootNs),
  });
  daemon.events.commit();
  const at = daemon.now();
  for (const image of missing) {
    if (daemon.attribution.images.drop(image))
      daemon.record.processExit(image, { at, exitCode: null, signal: null });
  }
  for (const login of gone) {
    const root = daemon.attribution.roots.get(login.id);
    if (root) daemon.attribution.roots.finish(root, at);
  }
  const alive = reader.openLogins().flatMap(({ id }) => daemon.attribution.roots.get(id) ?? []);
  restoreRevocations(daemon.kernel.maps, alive);
  daemon.log.info({ seeded, gone: gone.length }, 'processes recovered');
}

/** Hops whose other half died with the daemon before have ended; direct ones of what lives go on. */
export function endRecovery(daemon: Recovering): void {
  const at = daemon.now();
  for (const { process: row, actions: _, childLogin: __, ...hop } of daemon.store.reader.unendedHops()) {
    if (hop.mode === 'direct' && hop.login !== null && daemon.attribution.roots.get(hop.login)) {
      daemon.opened({ ...hop, image: null });
      daemon.attribution.flows.resume(hop.id, hop.transport, row, at);
      continue;
    }
    daemon.record.hopEnd(hop.id, {
      at,
      bytesUp: null,
      bytesDown: null,
      reason: 'the daemon ended before the hop did',
    });
  }
  const withdrawn = { outcome: 'withdrawn', by: null, login: null, uid: null } as const;
  for (const { id } of daemon.store.reader.approvals({ limit: -1 }))
    daemon.record.approvalAnswer(id, { ...withdrawn, at, reason: 'the daemon ended before it was answered' });
  for (const login of daemon.store.reader.staleLogins())
    daemon.record.loginEnd(login.id, { at, lingering: false });
  if (!daemon.listeners.some(({ inherited }) => inherited)) {
    daemon.claims.sweep(daemon.listening, 'the daemon was away, and the connection with it');
  }
  daemon.record.flush();
}
