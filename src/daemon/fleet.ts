/** A daemon's rooms for the other hosts, put together. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Attribution } from '../attribution/attribution.ts';
import { isLoopback } from '../core/loopback.ts';
import type { Id, Micros } from '../core/types.ts';
import type { BootClock } from '../kernel/clock.ts';
import type { Kernel } from '../kernel/load.ts';
import { PeerError } from '../peers/connection.ts';
import { ownAddresses } from '../peers/own-addresses.ts';
import type { Request } from '../peers/protocol.ts';
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
/** One that was slow may never have been away. */
const AGAIN_MS = 5_000;
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
  const { host } = daemon.policy.config;
  const ask: Peering['ask'] = async (of, method, params) => {
    if (of !== host) return peering.ask(of, method, params);
    try {
      return (await answers.answer(host, { method, params } as Request)) as never;
    } catch (error) {
      throw new PeerError((error as Error).message, true);
    }
  };
  const trees = new PeerTrees({ ask });
  const revocations: PeerRevocations = new PeerRevocations({
    ...{ ask, now, reader: store.reader },
    rootOf: (login) => attribution.roots.get(login),
    end: (root, by, reason) => daemon.revocations.login(root, by, reason),
    over: (login, by, reason) => daemon.revocations.over(login, by, reason),
    onError: (error) => log.warn({ err: error }, 'revocation on another host'),
  });
  const links: Links = new Links({
    ...{ ask, host, peering, option: kernel.hopOption, now, ticks: () => performance.now() },
    isOwn: (address) => isLoopback(address) || ownAddresses().includes(address),
    path: join(daemon.policy.config.paths.state, 'fleet', 'unanswered.json'),
    learn: (arrived, facts) => {
      const root = attribution.roots.get(arrived.id);
      if (root) attribution.roots.learn(root, facts);
      else record.identity(arrived.id, facts);
      Object.assign(arrived, { link: facts.link, parentHop: facts.link.hop });
    },
    revoke: (root, by, reason) => void revocations.tree([root.id], by, reason),
    onError: (error) => log.warn({ err: error }, 'questions to other hosts'),
  });
  const answers: PeerAnswers = new PeerAnswers({
    ...{ host, peering, trees, reader: store.reader, settle, now },
    revoke: async (logins, by, reason) => revokedThere(await revocations.tree(logins, by, reason)),
    option: kernel.hopOption,
    rootOf: (login) => attribution.roots.get(login),
    child: (hop, child) => record.hopChild(hop, child),
    wallAt: (bootNs) => daemon.clock.wallAt(bootNs),
    ago: (ms) => daemon.clock.ago(ms),
  });
  const again = () => {
    for (const { host, down } of peering.list()) if (down === null) links.retry(host);
  };
  const sweep = () => {
    const before = now() - daemon.clock.epochMicros - KEPT;
    if (before > 0) kernel.hopOption.sweep(BigInt(before) * 1000n);
  };
  const arrived = (login: Id) => {
    try {
      return attribution.roots.get(login) ?? { ...store.reader.login(login) };
    } catch {
      return null;
    }
  };
  const timers: NodeJS.Timeout[] = [];
  return {
    ...{ peering, links, trees, revocations },
    start: () => {
      timers.push(setInterval(sweep, SWEEP_MS), setInterval(again, AGAIN_MS));
      links.resume(arrived);
      peering.start();
    },
    stop: () => {
      for (const timer of timers) clearInterval(timer);
      links.stop();
      return peering.stop();
    },
  };
}
