/** A daemon's rooms for the other hosts, put together. */
import type { Logger } from 'pino';
import type { Attribution } from '../attribution/attribution.ts';
import type { Micros } from '../core/types.ts';
import type { BootClock } from '../kernel/clock.ts';
import type { Kernel } from '../kernel/load.ts';
import type { Store } from '../store/open.ts';
import type { EventLoop } from './events.ts';
import { Links } from './links.ts';
import { PeerAnswers } from './peer-answers.ts';
import { PeerRevocations, revokedThere } from './peer-revocations.ts';
import { PeerTrees } from './peer-trees.ts';
import { Peering } from './peering.ts';
import type { PolicyState } from './policy-state.ts';
import type { Revocations } from './revoke.ts';
import type { SshQuestions } from './ssh-questions.ts';
import type { StoreRecorder } from './store-recorder.ts';
import type { Tripwire } from './tripwire.ts';

export interface FleetRooms {
  readonly peering: Peering;
  readonly links: Links;
  readonly trees: PeerTrees;
  readonly revocations: PeerRevocations;
  start(): void;
  stop(): Promise<void>;
}

const SWEEP_MS = 60_000;
/** Of the SYN options that nobody asked for: a host that is away longer is told no more by them. */
const KEPT: Micros = 3_600_000_000;

/** What they need of the daemon. */
export interface FleetParts {
  readonly options: { readonly peersEntry: string };
  readonly policy: PolicyState;
  readonly log: Logger;
  readonly kernel: Kernel;
  readonly store: Store;
  readonly record: StoreRecorder;
  readonly attribution: Attribution;
  readonly clock: BootClock;
  readonly events: EventLoop;
  readonly ssh: SshQuestions;
  readonly tripwire: Tripwire | null;
  readonly revocations: Revocations;
  now(): Micros;
}

/** @throws Error where what is kept of the fleet is not readable */
export function fleetOf(daemon: FleetParts): FleetRooms {
  const { kernel, store, record, attribution, log } = daemon;
  const now = () => daemon.now();
  const settle = () => {
    daemon.events.drain();
    daemon.events.commit();
  };
  const peering: Peering = new Peering({
    ...{ entry: daemon.options.peersEntry, config: daemon.policy.config, log, now },
    notice: (notice) => record.notice(notice),
    authorities: () => daemon.ssh.authority.keys(),
    onDialing: (source, destination) => daemon.tripwire?.own('tcp', source, destination),
    onAsked: (host, request) => answers.answer(host, request),
    onUp: (host) => {
      links.retry(host);
      revocations.up(host);
    },
    setOptionPeers: (peers) => kernel.hopOption.setPeers(peers),
  });
  const trees = new PeerTrees(peering);
  const revocations: PeerRevocations = new PeerRevocations({
    ...{ peering, now, reader: store.reader },
    rootOf: (login) => attribution.roots.get(login),
    end: (root, by, reason) => daemon.revocations.login(root, by, reason),
    over: (login, by, reason) => daemon.revocations.over(login, by, reason),
    onError: (error) => log.warn({ err: error }, 'revocation on another host'),
  });
  const links: Links = new Links({
    ...{ peering, option: kernel.hopOption, now, ticks: () => performance.now() },
    learn: (root, facts) => attribution.roots.learn(root, facts),
    revoke: (root, by, reason) => void revocations.tree([root.id], by, reason),
  });
  const answers: PeerAnswers = new PeerAnswers({
    ...{ host: daemon.policy.config.host, peering, trees, reader: store.reader, settle, now },
    revoke: async (logins, by, reason) => revokedThere(await revocations.tree(logins, by, reason)),
    option: kernel.hopOption,
    rootOf: (login) => attribution.roots.get(login),
    child: (hop, child) => record.hopChild(hop, child),
    wallAt: (bootNs) => daemon.clock.wallAt(bootNs),
    ago: (ms) => daemon.clock.ago(ms),
  });
  const sweep = () => {
    // One that was slow may never have been away.
    links.retry();
    const before = now() - daemon.clock.epochMicros - KEPT;
    if (before > 0) kernel.hopOption.sweep(BigInt(before) * 1000n);
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    ...{ peering, links, trees, revocations },
    start: () => {
      timer = setInterval(sweep, SWEEP_MS);
      peering.start();
    },
    stop: () => {
      clearInterval(timer);
      return peering.stop();
    },
  };
}
