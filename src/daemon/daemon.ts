/** The supervisor: puts the rooms together, starts them in order, and stops them in the reverse. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { WatchHub } from '../api/watch.ts';
import { Accounts } from '../attribution/accounts.ts';
import { Attribution } from '../attribution/attribution.ts';
import type { Image } from '../attribution/image.ts';
import type { PamEvent } from '../attribution/pam-event.ts';
import { PamSpool } from '../attribution/pam-spool.ts';
import type { HopDraft } from '../attribution/recorder.ts';
import type { Root } from '../attribution/roots.ts';
import { Routing } from '../attribution/routing.ts';
import { BootClock } from '../kernel/clock.ts';
import { type Kernel, loadKernel, removeOtherVersions } from '../kernel/load.ts';
import { announceNamespace } from '../kernel/netns.ts';
import { installRoutes } from '../kernel/routes.ts';
import { type Listener, openListeners } from '../proxy/listen.ts';
import { WorkerPool } from '../proxy/supervise.ts';
import { openStore, type Store } from '../store/open.ts';
import { workerAccount } from './account.ts';
import { Claims } from './claims.ts';
import { EventLoop } from './events.ts';
import { cgroupDirectory, configure, lineageOf, markSelf, plumbingOf, reconfigure } from './kernel-half.ts';
import { NamesParser } from './names-parser.ts';
import { OpenHops } from './open-hops.ts';
import { decideConnect, identifyBy, PolicyLoader, type PolicyState } from './policy-state.ts';
import { beginRecord, bootId, endRecovery, recoverProcesses } from './recovery.ts';
import { Revocations, tallyRevocations } from './revoke.ts';
import { StoreRecorder } from './store-recorder.ts';
import { Terminals } from './terminal.ts';
import { Tripwire } from './tripwire.ts';

export interface DaemonOptions {
  readonly configPath: string;
  readonly log: Logger;
  /** Directory of the compiled BPF objects. */
  readonly objects: string;
  readonly workerEntry: string;
  readonly tripwireEntry: string;
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
  readonly #timers: NodeJS.Timeout[] = [];
  readonly loader: PolicyLoader;
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
  pool!: WorkerPool;
  tripwire: Tripwire | null = null;
  #pam!: PamSpool;
  #names!: NamesParser;
  #unacknowledged: PamEvent[] = [];

  /** @throws ConfigError where the configuration is wrong: nothing has been touched then */
  constructor(options: DaemonOptions) {
    this.options = options;
    this.log = options.log;
    this.loader = new PolicyLoader(options.configPath);
    this.policy = this.loader.load();
  }

  async start(): Promise<void> {
    const { config } = this.policy;
    mkdirSync(config.paths.state, { recursive: true, mode: 0o700 });
    mkdirSync(config.paths.run, { recursive: true, mode: 0o755 });
    mkdirSync(join(config.paths.run, 'pam'), { recursive: true, mode: 0o700 });
    this.listening = this.now();
    this.listeners = openListeners(config.proxy.listen);
    this.store = openStore({ path: join(config.paths.state, 'hopline.db'), boot: bootId() });
    const { reader, writer } = this.store;
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
    this.#wire(config.host);
    configure(this.kernel, config, this.listeners, this.clock);
    beginRecord(this);
    tallyRevocations(this.kernel.maps);
    markSelf(this.kernel);
    this.kernel.attach('trace');
    recoverProcesses(this);
    this.installRoutes();
    reconfigure(this.kernel, config, true);
    this.kernel.attach('enforce');
    announceNamespace();
    removeOtherVersions(config.paths.pins);
    endRecovery(this);
    this.#pam.start();
    this.events.start();
    await this.pool.start();
    await this.tripwire?.start();
    this.#timers.push(setInterval(() => this.clock.refresh(), CLOCK_MS));
    this.log.info(
      {
        workers: this.pool.workers().length,
        continued: this.kernel.continued,
        policy: this.policy.snapshot.version,
      },
      'ready',
    );
  }

  /** Programs and maps stay pinned: what policy intercepts fails until a daemon is back. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.pool?.drain(this.policy.config.proxy.timeouts.drain);
    await this.tripwire?.stop();
    this.events?.stop();
    this.#pam?.[Symbol.dispose]();
    this.record?.notice({
      at: this.now(),
      kind: 'stop',
      login: null,
      count: 1,
      detail: 'the daemon was stopped in order',
    });
    this.record?.flush();
    this.store?.close();
  }

  now(): number {
    return this.clock.now();
  }

  installRoutes(): void {
    const { routes } = this.policy;
    this.routing.install(routes);
    installRoutes(this.kernel.maps, routes);
  }

  /** Tells the person at the terminal why; the record has it already. */
  denied(hop: HopDraft, root: Root | null, image: Image | null): void {
    const { address, port } = hop.destination;
    const where = hop.target ?? hop.name ?? address;
    const policies = hop.decision.policies.length > 0 ? ` (policy ${hop.decision.policies.join(', ')})` : '';
    const text = `${where}:${port} refused: ${hop.decision.reason}${policies}`;
    this.log.info(
      {
        hop: hop.id,
        login: root?.id,
        user: root?.identity?.name ?? root?.user,
        chain: hop.chain,
        target: hop.target,
        address,
        port,
        reason: hop.decision.reason,
      },
      'denied',
    );
    if (image && root && root.kind !== 'unattended') this.#terminals.tell(image.pid, root.tty, text);
  }

  #wire(host: string): void {
    const { config } = this.policy;
    const { maps } = this.kernel;
    this.attribution = new Attribution({
      host,
      record: this.record,
      images: {
        plumbing: plumbingOf(config),
        argvBytes: config.record.argvBytes,
        recorded: (login, key, image) =>
          this.store.reader.lineage(login, key.tgid, key.startNs.toString(), image),
      },
      flows: {
        routing: this.routing,
        version: () => this.policy.snapshot.version,
        onDenied: (hop, root, image) => this.denied(hop, root, image),
        onOpened: (hop, source) => {
          this.open.add({
            hop,
            root: hop.login ? (this.attribution.roots.get(hop.login) ?? null) : null,
            source,
            closing: null,
          });
          this.tripwire?.opened(hop.id, hop.transport, source, hop.destination);
        },
        onEnded: (hop) => this.#closed(hop),
        onUnclaimed: (event) => this.claims.watch(event),
      },
      accounts: new Accounts(),
      toMicros: (bootNs) => this.clock.toMicros(bootNs),
      identify: (account, authInfo) => identifyBy(this.policy, account, authInfo),
      pamEvents: () => this.#pamEvents(),
      liveProcesses: (root) => maps.roots.get(root)?.live ?? 0,
      lineageOf: (pid) => lineageOf(this.kernel, pid),
      forgetRoot: (root) => {
        if (maps.revoked.delete(root)) tallyRevocations(maps);
      },
      onDnsAnswer: (root, message) => this.#names.parse(root, message),
    });
    this.#names = new NamesParser({
      names: this.attribution.names,
      parse: (message) => this.pool.parseNames(message),
      now: () => this.now(),
    });
    this.#pam = new PamSpool({
      dir: join(config.paths.run, 'pam'),
      onEvents: (events) => {
        this.#unacknowledged.push(...events);
        this.attribution.pam(events);
      },
      onFault: (error) => this.#fault(error),
    });
    this.events = new EventLoop({
      maps,
      attribution: this.attribution,
      record: this.record,
      namesSettled: () => this.#names.settled(),
      onCommitted: () => this.#committed(),
      onError: (error) => this.#fault(error),
      now: () => this.now(),
    });
    this.claims = new Claims({
      maps,
      attribution: this.attribution,
      record: this.record,
      open: this.open,
      drain: () => void this.events.drain(),
      namesSettled: () => this.#names.settled(),
      decide: (hop, root) => decideConnect(this.policy, hop, root),
      onDenied: (hop, root, image) => this.denied(hop, root, image),
      enforcing: () => this.policy.config.mode === 'enforce',
      toMicros: (bootNs) => this.clock.toMicros(bootNs),
      now: () => this.now(),
    });
    this.revocations = new Revocations({
      maps,
      attribution: this.attribution,
      record: this.record,
      open: this.open,
      pool: () => this.pool,
      onError: (error) => this.#fault(error),
      now: () => this.now(),
    });
    this.pool = this.#pool();
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
    const pool = new WorkerPool({
      count: config.proxy.workers,
      listeners: this.listeners,
      entry: this.options.workerEntry,
      account: workerAccount(config.proxy.user),
      onClaim: (claim) => this.claims.handle(claim),
      onEnded: ({ hop, bytesUp, bytesDown, reason }) => this.#hopEnded(hop, bytesUp, bytesDown, reason),
      onDialed: ({ hop, source, destination }) => this.tripwire?.opened(hop, 'tcp', source, destination),
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
    const { claim, dial } = config.proxy.timeouts;
    pool.replaceSnapshot({
      version: this.policy.snapshot.version,
      claimTimeoutMs: claim,
      dialTimeoutMs: dial,
    });
    return pool;
  }

  #hopEnded(hop: string, bytesUp: number | null, bytesDown: number | null, reason: string | null): void {
    this.#closed(hop);
    this.record.hopEnd(hop, { at: this.now(), bytesUp, bytesDown, reason });
  }

  #closed(hop: string): string | null {
    this.tripwire?.ended(hop);
    return this.open.delete(hop);
  }

  #pamEvents(): readonly PamEvent[] {
    const events = this.#pam.drain();
    this.#unacknowledged.push(...events);
    return events;
  }

  #committed(): void {
    if (this.#unacknowledged.length === 0) return;
    this.#pam.acknowledge(this.#unacknowledged.splice(0));
  }

  #fault(error: Error): void {
    this.log.error({ err: error }, error.message);
  }
}
