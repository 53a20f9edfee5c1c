/** The supervisor: puts the rooms together, starts them in order, and stops them in the reverse. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { WatchHub } from '../api/watch.ts';
import { Accounts } from '../attribution/accounts.ts';
import { Attribution } from '../attribution/attribution.ts';
import { recount } from '../attribution/count.ts';
import type { Image } from '../attribution/image.ts';
import type { HopDraft } from '../attribution/recorder.ts';
import type { Root } from '../attribution/roots.ts';
import { Routing } from '../attribution/routing.ts';
import type { Config } from '../config/types.ts';
import type { Route } from '../core/target.ts';
import { BootClock } from '../kernel/clock.ts';
import { type Kernel, loadKernel, removeOtherVersions } from '../kernel/load.ts';
import { announceNamespace } from '../kernel/netns.ts';
import { installRoutes } from '../kernel/routes.ts';
import { type Listener, openListeners } from '../proxy/listen.ts';
import { WorkerPool } from '../proxy/supervise.ts';
import { openStore, type Store } from '../store/open.ts';
import { workerAccount } from './account.ts';
import { Approvals } from './approvals.ts';
import { Certificates } from './certificates.ts';
import type { Claims } from './claims.ts';
import { claimsOf } from './claims-of.ts';
import { Credentials } from './credentials.ts';
import { tellDenied } from './denied.ts';
import { destroy } from './destroy.ts';
import { EventLoop } from './events.ts';
import { type FleetRooms, fleetOf } from './fleet.ts';
import { cgroupDirectory, configure, lineageOf, markSelf, plumbingOf, reconfigure } from './kernel-half.ts';
import { LOSSES_TOLD, lossesText, lossesTold } from './losses.ts';
import { maskKey } from './mask-key.ts';
import { NamesParser } from './names-parser.ts';
import { OpenHops } from './open-hops.ts';
import { PamSessions } from './pam.ts';
import { identifyBy, PolicyLoader, type PolicyState, workerSnapshot } from './policy-state.ts';
import { type Recordings, recordingsOf } from './recordings.ts';
import { beginRecord, bootId, endRecovery, recoverProcesses } from './recovery.ts';
import { Revocations, tallyRevocations } from './revoke.ts';
import { launcherOf, listenForShells, type ShellSocket } from './shells.ts';
import { SshQuestions } from './ssh-questions.ts';
import { Started } from './started.ts';
import { StoreRecorder } from './store-recorder.ts';
import { Terminals } from './terminal.ts';
import { ownConnections, resolversFor, Tripwire } from './tripwire.ts';

export interface DaemonOptions {
  readonly configPath: string;
  readonly log: Logger;
  /** Directory of the compiled BPF objects. */
  readonly objects: string;
  readonly workerEntry: string;
  readonly tripwireEntry: string;
  readonly brokerEntry: string;
  readonly peersEntry: string;
  /** Names of the protocol rooms that workers have. */
  readonly protocols: readonly string[];
}

const CLOCK_MS = 60_000;

export class Daemon {
  readonly options: DaemonOptions;
  readonly log: Logger;
  readonly clock = new BootClock();
  readonly open = new OpenHops();
  readonly watch = new WatchHub();
  readonly routing = new Routing();
  readonly started = Date.now() * 1000;
  readonly #terminals = new Terminals();
  readonly #started = new Started();
  readonly #certificates: Certificates;
  readonly loader: PolicyLoader;
  /** What sockets, programs and processes were made from; a reload changes `policy` alone. */
  readonly startedWith: Config;
  policy: PolicyState;
  listeners: readonly Listener[] = [];
  listening = 0;
  kernel!: Kernel;
  store!: Store;
  record!: StoreRecorder;
  attribution!: Attribution;
  events!: EventLoop;
  claims!: Claims;
  revocations!: Revocations;
  approvals!: Approvals;
  pool!: WorkerPool;
  recordings!: Recordings;
  shells!: ShellSocket;
  tripwire: Tripwire | null = null;
  readonly credentials: Credentials;
  #pam!: PamSessions;
  #names!: NamesParser;
  #drainMs = 0;
  #why = '';
  #maskKey = '';
  ssh!: SshQuestions;
  fleet!: FleetRooms;

  /** @throws ConfigError where the configuration is wrong: nothing has been touched then */
  constructor(options: DaemonOptions) {
    this.options = options;
    this.log = options.log;
    this.loader = new PolicyLoader(options.configPath, options.protocols);
    this.policy = this.loader.load();
    this.startedWith = this.policy.config;
    const { paths, host, credentials } = this.policy.config;
    const outgoing = ownConnections(this);
    this.credentials = new Credentials(credentials, { open: this.open, log: this.log, outgoing });
    this.#certificates = new Certificates({
      directory: join(paths.state, 'ca'),
      host,
      publicDirectory: paths.run,
    });
  }

  /** @throws Error with what was started stopped again */
  async start(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      await this.stop(`the start failed: ${(error as Error).message}`, 0);
      throw error;
    }
  }

  async #start(): Promise<void> {
    const { config } = this.policy;
    mkdirSync(config.paths.state, { recursive: true, mode: 0o700 });
    mkdirSync(config.paths.run, { recursive: true, mode: 0o755 });
    mkdirSync(join(config.paths.run, 'pam'), { recursive: true, mode: 0o700 });
    this.#maskKey = maskKey(config.paths.state);
    this.ssh = new SshQuestions({
      ...{ ...this.options, ...config.paths, open: this.open, host: config.host },
      certificates: () => this.policy.config.certificates,
      sshfp: (target) => resolversFor(this, target),
    });
    this.#started.add(() => this.ssh.stop());
    this.listening = this.now();
    this.listeners = openListeners(config.proxy.listen);
    this.store = openStore({ path: join(config.paths.state, 'hopline.db'), boot: bootId() });
    const { reader, writer } = this.store;
    this.#started.add(() => this.#closeStore());
    this.record = new StoreRecorder({
      writer,
      reader,
      watch: this.watch,
      nextProcessId: reader.maxProcessId() + 1,
      onError: (error) => this.#fault(error),
    });
    this.kernel = loadKernel({
      objects: this.options.objects,
      pins: config.paths.pins,
      cgroup: cgroupDirectory(config.scope).path,
    });
    for (const missing of this.kernel.missing) this.log.warn(missing);
    const told = lossesTold(reader.meta(LOSSES_TOLD), bootId(), this.kernel.maps.losses());
    this.#wire(config.host, told);
    configure(this.kernel, config, this.listeners, this.clock);
    beginRecord(this, told);
    markSelf(this.kernel);
    this.kernel.attach('trace');
    recoverProcesses(this);
    this.installRoutes(this.policy.routes);
    reconfigure(this.kernel, config, true);
    this.kernel.attach('enforce');
    announceNamespace();
    removeOtherVersions(config.paths.pins);
    endRecovery(this);
    this.#started.add(this.recordings.begin());
    this.#started.add(() => this.fleet.stop());
    this.fleet.start();
    this.#started.add(() => this.#pam[Symbol.dispose]());
    this.#pam.start();
    this.#started.add(() => this.events.stop());
    this.events.start();
    this.#started.add(() => this.credentials.close());
    this.#started.add(() => this.tripwire?.stop());
    this.#started.add(() => this.pool.drain(this.#drainMs));
    await this.#certificates.publish(this.log);
    await this.pool.start();
    this.shells = await listenForShells(this);
    this.#started.add(() => this.shells.close());
    await this.tripwire?.start();
    const timer = setInterval(() => this.clock.refresh(), CLOCK_MS);
    this.#started.add(() => clearInterval(timer));
    const { version } = this.policy.snapshot;
    const workers = this.pool.workers().length;
    this.log.info({ workers, continued: this.kernel.continued, policy: version }, 'ready');
  }

  /**
   * Programs and maps stay pinned: what policy intercepts fails until a daemon is back.
   * @param drainMs how long connections may go on
   */
  async stop(why: string, drainMs: number): Promise<void> {
    this.#drainMs = drainMs;
    this.#why = why;
    await this.#started.stop((error) => this.#fault(error));
  }

  now(): number {
    return this.clock.now();
  }

  /** Resolves when the DNS answers handed out for parsing have come back, or soon after. */
  namesSettled(): Promise<void> | null {
    return this.#names.settled();
  }

  /** @throws MapFullError with the table from before in force */
  installRoutes(routes: readonly Route[]): void {
    installRoutes(this.kernel.maps, routes);
    this.routing.install(routes);
  }

  /** Hands the settings that workers need to each of them. */
  tellWorkers(): void {
    this.pool.replaceSnapshot(workerSnapshot(this.policy, this.#maskKey));
  }

  /** A direct hop is open: a revocation finds it, and its packets are explained. */
  opened(hop: HopDraft): void {
    const root = hop.login === null ? null : (this.attribution.roots.get(hop.login) ?? null);
    this.open.add({ hop, root, closing: null });
    this.tripwire?.opened(hop.id, hop.transport, hop.source, hop.destination);
  }

  /** Tells the person at the terminal why; the record has it already. */
  onDenied(hop: HopDraft, root: Root | null, image: Image | null): void {
    if (!this.record.refusals.isRepeated(hop)) tellDenied(this.log, this.#terminals, hop, root, image);
  }

  #wire(host: string, told: readonly bigint[]): void {
    const { config } = this.policy;
    const { maps } = this.kernel;
    this.attribution = new Attribution({
      host,
      record: this.record,
      images: {
        plumbing: plumbingOf(config),
        launcher: launcherOf(this.options.workerEntry),
        argvBytes: config.record.argvBytes,
        recorded: (login, key, image) =>
          this.store.reader.lineage(login, key.tgid, key.startNs.toString(), image),
      },
      flows: {
        routing: this.routing,
        version: () => this.policy.snapshot.version,
        onDenied: (hop, root, image) => this.onDenied(hop, root, image),
        onOpened: (hop) => this.opened(hop),
        onEnded: (hop) => this.#closed(hop),
        onUnclaimed: (event) => this.claims.watch(event),
        udpEndsWithProcess: this.kernel.missing.some((what) => what.startsWith('release:')),
      },
      accounts: new Accounts(),
      toMicros: (bootNs) => this.clock.toMicros(bootNs),
      identify: (account, authInfo) =>
        identifyBy(this.policy, this.fleet.peering.authorities, account, authInfo),
      onArrival: (root, arriving, link) => this.fleet.links.arrived(root, arriving, link),
      onUntold: (root, client) => this.fleet.links.untold(root, client),
      pamEvents: () => this.#pam.drain(),
      liveProcesses: (root) => maps.roots.get(root)?.live ?? 0,
      recount: (root) => recount(maps, root),
      lineageOf: (pid) => lineageOf(this.kernel, pid),
      forgetRoot: (root) => {
        if (maps.revoked.delete(root)) tallyRevocations(maps);
      },
      onDnsAnswer: (root, message) => this.#names.parse(root, message),
    });
    this.#names = new NamesParser({
      names: this.attribution.names,
      lives: (root) => this.attribution.roots.get(root) !== undefined,
      parse: (message) => this.pool.parseNames(message),
      now: () => this.now(),
    });
    this.#pam = new PamSessions({
      dir: join(config.paths.run, 'pam'),
      record: this.record,
      onEvents: (events) => this.attribution.pam(events),
      onError: (error) => this.#fault(error),
      now: () => this.now(),
    });
    this.events = new EventLoop({
      maps,
      attribution: this.attribution,
      record: this.record,
      told,
      onTold: (losses) => this.record.meta(this.now(), LOSSES_TOLD, lossesText(bootId(), losses)),
      namesSettled: () => this.namesSettled(),
      onCommitted: () => this.#pam.committed(),
      onError: (error) => this.#fault(error),
      now: () => this.now(),
    });
    this.claims = claimsOf(this);
    this.revocations = new Revocations({
      maps,
      attribution: this.attribution,
      record: this.record,
      open: this.open,
      pool: () => this.pool,
      destroy,
      drain: () => void this.events.drain(),
      onError: (error) => this.#fault(error),
      now: () => this.now(),
    });
    this.fleet = fleetOf(this);
    this.recordings = recordingsOf(this);
    this.approvals = new Approvals({
      record: this.record,
      open: this.open,
      next: this.store.reader.maxApprovalId() + 1,
      policies: () => this.policy.snapshot.policies,
      log: this.log,
      now: () => this.now(),
    });
    this.pool = this.#pool();
    this.tellWorkers();
    if (config.tripwire.enabled) {
      this.tripwire = new Tripwire({
        config,
        entry: this.options.tripwireEntry,
        record: this.record,
        onError: (error) => this.#fault(error),
        now: () => this.now(),
      });
    }
  }

  #pool(): WorkerPool {
    const { config } = this.policy;
    return new WorkerPool({
      count: config.proxy.workers,
      listeners: this.listeners,
      entry: this.options.workerEntry,
      account: workerAccount(config.proxy.user),
      onClaim: (claim) => this.claims.handle(claim),
      onEnded: ({ hop, bytesUp, bytesDown, reason }) => this.#hopEnded(hop, bytesUp, bytesDown, reason),
      onDialed: ({ hop, source, destination }) => {
        this.record.hopDial(hop, source);
        this.tripwire?.opened(hop, 'tcp', source, destination);
      },
      onCertificate: (names) => this.#certificates.mint(names),
      onCredential: (hop, user) => this.credentials.lend(hop, user),
      onCredentialRefused: (hop) => this.credentials.refused(hop),
      onAsk: (hop, question, detail) => this.ssh.answer(hop, question, detail),
      onAction: (action) => this.record.action(action, this.now()),
      archive: this.recordings,
      holds: this.approvals,
      onSpawn: ({ id, pid }) => this.log.debug({ id, pid }, 'worker started'),
      onWorkerLost: ({ worker, pid, hops, reason }) => {
        for (const hop of hops) this.#hopEnded(hop, null, null, `worker ${worker} ended: ${reason}`);
        this.record.notice({
          at: this.now(),
          kind: 'worker',
          login: null,
          count: hops.length,
          detail: `worker ${worker} (pid ${pid}) ended: ${reason}`,
        });
        this.record.flush();
      },
      onFault: ({ worker, pid, message }) =>
        this.#fault(new Error(`worker ${worker} (pid ${pid}): ${message}`)),
    });
  }

  #closeStore(): void {
    this.record?.notice({ at: this.now(), kind: 'stop', login: null, count: 1, detail: this.#why });
    this.record?.flush(true);
    this.store.close();
  }

  #hopEnded(hop: string, bytesUp: number | null, bytesDown: number | null, reason: string | null): void {
    this.#closed(hop);
    this.recordings.ended(hop);
    this.record.hopEnd(hop, { at: this.now(), bytesUp, bytesDown, reason });
  }

  #closed(hop: string): string | null {
    this.tripwire?.ended(hop);
    this.credentials.ended(hop);
    return this.open.delete(hop);
  }

  #fault(error: Error): void {
    this.log.error({ err: error }, error.message);
  }
}
