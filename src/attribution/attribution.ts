import { readStat } from '../core/stat.ts';
import type { Endpoint, Evidence, Id, Identity, Linked, Micros } from '../core/types.ts';
import {
  HlEventType,
  type HlExecEvent,
  type HlWho,
  readHlDnsEvent,
  readHlEvent,
  readHlExecEvent,
  readHlExitEvent,
  readHlFlowEndEvent,
  readHlFlowEvent,
  readHlHandoffEvent,
  readHlRootEvent,
  readHlSocketEvent,
} from '../kernel/layouts.generated.ts';
import type { Accounts } from './accounts.ts';
import { type FlowRules, Flows } from './flows.ts';
import { Handoffs } from './handoff-events.ts';
import { type Image, type Omitted, processKey } from './image.ts';
import { type ImageRules, Images } from './images.ts';
import { isLauncher } from './launcher.ts';
import { Names } from './names.ts';
import type { PamEvent } from './pam-event.ts';
import { sshConnection, ttyPath } from './proc.ts';
import { exitOf, RecentExits } from './recent-exits.ts';
import type { Recorder } from './recorder.ts';
import { type Root, Roots } from './roots.ts';
import { isSetup } from './setup.ts';
import { describeSocket } from './sockets.ts';

/** What the kernel has of a process that runs now. */
export interface Running extends HlWho {
  /** In the midst of execve: /proc may tell of the next program, of which the kernel half has not been told yet. */
  readonly executing: boolean;
}

export interface AttributionOptions {
  readonly host: string;
  readonly record: Recorder;
  readonly images: ImageRules;
  readonly flows: FlowRules;
  readonly accounts: Accounts;
  toMicros(bootNs: bigint): Micros;
  /** Who a PAM session belongs to, by the evidence that sshd gave. */
  identify(
    account: string,
    authInfo: string | null,
  ): { readonly identity: Identity; readonly link: Linked | null };
  /** A login whose connection is known: another host may say by which hop of its it came. */
  onArrival(
    root: Root,
    connection: { readonly client: Endpoint; readonly server: Endpoint; readonly at: Micros },
    certified: Linked | null,
  ): void;
  /** A login of which PAM said nothing: only its own environment tells where it came from. */
  onUntold(root: Root, client: Endpoint): void;
  /** PAM sessions that opened since the last call. */
  pamEvents(): readonly PamEvent[];
  /** Processes alive below a root, as the kernel counts them. */
  liveProcesses(root: bigint): number;
  /** The same of a root that was there before the programs, which the kernel may have counted wrong: counted again. */
  recount(root: Root): number;
  /** What the kernel has of a running process; null where it has gone. */
  lineageOf(pid: number): Running | null;
  /** Its last process has gone: what was noted of it in the kernel can go. */
  forgetRoot(root: bigint): void;
  /** A DNS answer that a login got: parsed elsewhere, by a process without privilege. */
  onDnsAnswer(root: Id, message: Uint8Array): void;
}

/** A PAM session waits so long for the kernel's report of its login. */
const STRANGER_MS = 10_000;
/** What fails again and again is told this often. */
const FAILURE_MS = 1000;

/** Turns what the kernel reports into logins, processes, hops and handoffs. */
export class Attribution {
  readonly roots: Roots;
  readonly images: Images;
  readonly names = new Names();
  readonly flows: Flows;
  readonly #handoffs: Handoffs;
  readonly #options: AttributionOptions;
  readonly #exits = new RecentExits();
  readonly #strangers: { readonly event: PamEvent; readonly since: number }[] = [];
  /** What the ring tells comes in order: a root's end is yet to come. */
  #reading = false;
  #failed = 0;
  #failures = 0;

  constructor(options: AttributionOptions) {
    this.#options = options;
    this.roots = new Roots(options.host, options.record);
    const { recorded } = options.images;
    this.images = new Images({
      ...options.images,
      recorded: (...of) => this.#attempt(() => recorded(...of), 'the record could not be read') ?? [],
    });
    this.flows = new Flows(options.flows, options.record, this);
    this.#handoffs = new Handoffs(options.record, this);
  }

  /** One event from the ring. The view is only read during the call. */
  handle(view: DataView, offset: number): void {
    this.#reading = true;
    try {
      this.#handle(view, offset);
    } finally {
      this.#reading = false;
    }
  }

  #handle(view: DataView, offset: number): void {
    const head = readHlEvent(view, offset);
    const at = this.#options.toMicros(head.atNs);
    switch (head.type) {
      case HlEventType.EV_ROOT: {
        const event = readHlRootEvent(view, offset);
        this.roots.begin({ kernelId: event.root, kind: event.kind, leader: processKey(event.proc), at });
        return;
      }
      case HlEventType.EV_ROOT_END:
        this.#rootEnd(readHlRootEvent(view, offset).root, at);
        return;
      case HlEventType.EV_EXEC:
        this.#exec(readHlExecEvent(view, offset), at);
        return;
      case HlEventType.EV_EXIT:
        this.#exit(view, offset, at);
        return;
      case HlEventType.EV_FLOW:
        this.flows.opened(readHlFlowEvent(view, offset), at);
        return;
      case HlEventType.EV_FLOW_END:
        this.flows.ended(readHlFlowEndEvent(view, offset), at);
        return;
      case HlEventType.EV_HANDOFF:
        this.#handoffs.handle(readHlHandoffEvent(view, offset), at);
        return;
      case HlEventType.EV_SOCKET: {
        const event = readHlSocketEvent(view, offset);
        const { root, image } = this.resolve(event.who, at);
        if (root) this.store(root, image);
        this.#options.record.notice({
          at,
          kind: 'refused',
          login: root?.id ?? null,
          count: 1,
          detail: describeSocket(event, image),
        });
        return;
      }
      case HlEventType.EV_DNS: {
        const event = readHlDnsEvent(view, offset);
        const root = this.roots.byKernelId(event.root);
        if (root) this.#options.onDnsAnswer(root.id, Uint8Array.from(event.data.subarray(0, event.len)));
        return;
      }
    }
  }

  /** Whose `who` is. A root that the supervisor has not heard of yet is taken as the kernel tells it. */
  resolve(who: HlWho, at: Micros): { root: Root | null; image: Image | null } {
    if (who.root === 0n) return { root: null, image: null };
    const root = this.#rootOf(who, processKey(who.owner), at);
    return { root, image: this.images.of(who, root.id, at) };
  }

  #rootOf({ root: kernelId, kind }: HlWho, leader: string, at: Micros): Root {
    const known = this.roots.byKernelId(kernelId) ?? this.roots.over(kernelId);
    if (known) return known;
    // A claim comes when the ring has been read: of a root that the kernel has no more no end will be told.
    if (!this.#reading && this.#options.liveProcesses(kernelId) === 0)
      return this.roots.beginOver({ kernelId, kind, leader, at });
    return this.roots.begin({ kernelId, kind, leader, at, recovered: true });
  }

  process(pid: number, startTicks: number, at: Micros): { root: Root | null; image: Image | null } | null {
    const who = this.#options.lineageOf(pid);
    return who !== null && isSame(who.proc, { startTicks }) ? this.resolve(who, at) : null;
  }

  /** Its pid may be another process's by now, and the process may have executed another program. */
  stillRuns(who: HlWho): boolean {
    const now = this.#options.lineageOf(who.proc.tgid);
    return (
      now !== null &&
      now.proc.startNs === who.proc.startNs &&
      now.image === who.image &&
      !now.executing &&
      now.owner.startNs === who.owner.startNs &&
      now.owner.tgid === who.owner.tgid
    );
  }

  /** Makes sure that the record knows of the root and of the programs down to `image`. Never throws. */
  store(root: Root, image: Image | null): void {
    if (!root.stored && root.user === null && image && root.kind === 'unattended') {
      root.uid = image.uid;
      root.user = this.#options.accounts.nameOf(image.uid);
    }
    if (root.kind !== 'unattended' && root.identity === null) this.drainPam();
    this.roots.store(root);
    // What was done is recorded, whatever becomes of the programs that led to it.
    if (image) this.#attempt(() => this.#storeImage(image), 'programs are missing from the record', root.id);
  }

  #attempt<T>(action: () => T, missing: string, login: Id | null = null): T | null {
    try {
      return action();
    } catch (error) {
      this.#failures++;
      const now = Date.now();
      if (now - this.#failed < FAILURE_MS) return null;
      const detail = `${missing}: ${(error as Error).message}`;
      this.#options.record.notice({ at: now * 1000, kind: 'loss', login, count: this.#failures, detail });
      this.#failed = now;
      this.#failures = 0;
      return null;
    }
  }

  /** A program of a person's login that was there before the daemon. */
  recovered(root: Root, image: Image): void {
    const first = image.parent === null || image.parent.plumbing;
    if (first && (root.user === null || root.uid === null)) this.#firstProgram(root, image, image.started);
    this.store(root, image);
  }

  /** @param exe path of the file, where the kernel vouches for it */
  isPlumbing(name: string, exe: string | null, argv: readonly string[]): boolean {
    const { plumbing, launcher } = this.#options.images;
    return plumbing.has(name) || isLauncher(launcher, exe, argv);
  }

  /**
   * Takes in the PAM sessions that have opened, and those whose login was not known yet when they came. Called once a
   * second at least.
   */
  drainPam(): void {
    this.pam(this.#attempt(() => this.#options.pamEvents(), 'PAM sessions could not be read') ?? []);
    this.#handoffs.settle(Date.now() * 1000);
  }

  pam(events: readonly PamEvent[]): void {
    const now = performance.now();
    const all = [...this.#strangers.splice(0), ...events.map((event) => ({ event, since: now }))];
    for (const stranger of all) {
      if (this.#pam(stranger.event)) continue;
      if (now - stranger.since < STRANGER_MS) this.#strangers.push(stranger);
      else this.#notePam(stranger.event);
    }
  }

  /** @returns false where no login has the session's process: its events may still be in the ring */
  #pam(event: PamEvent): boolean {
    if (event.type === 'close') return true;
    // A login that was there before the daemon may have no image yet, but the kernel knows it.
    const known = this.images.byPid(event.pid);
    const image = known && isSame(known, event) ? known : null;
    const root = image ? this.roots.get(image.root) : this.#rootOfStranger(event);
    if (!root || root.kind === 'unattended' || (image !== null && !image.plumbing)) return false;
    const arrival = this.#options.identify(event.user, event.authInfo);
    const tty = event.tty?.startsWith('/dev/') ? event.tty : null;
    const first = root.opened === null;
    root.opened ??= event.at;
    this.roots.learn(root, { at: event.at, user: event.user, ...arrival, client: event.client, tty });
    const { client, server, at } = event;
    // A second session of the same connection (ControlMaster) comes by what the first came by.
    if (first && root.kind === 'ssh' && client !== null && server !== null)
      this.#options.onArrival(root, { client, server, at }, arrival.link);
    return true;
  }

  #rootOfStranger(event: PamEvent): Root | null {
    const who = this.#options.lineageOf(event.pid);
    return who !== null && isSame(who.proc, event) ? this.resolve(who, event.at).root : null;
  }

  #notePam({ at, user, pid }: PamEvent): void {
    const detail = `PAM session of ${user} (pid ${pid}) belongs to no known login`;
    this.#options.record.notice({ at, kind: 'loss', login: null, count: 1, detail });
  }

  #exec(event: HlExecEvent, at: Micros): void {
    const root = this.#rootOf(event.who, processKey(event.who.proc), at);
    const image = this.images.exec(event, root.id, at, (filename, argv) => {
      if (root.identity === null) this.drainPam();
      const { accounts } = this.#options;
      const uid = root.user === null ? null : accounts.uidOf(root.user);
      const stillRuns = () => this.stillRuns(event.who);
      return isSetup(event, root, { at, filename, argv, uid, shells: accounts.shellsOf(0), stillRuns });
    });
    if (
      root.source === 'service' &&
      !root.stored &&
      image.label === 'systemd' &&
      image.argv.includes('--user')
    ) {
      root.source = 'user-manager';
    }
    if (image.parent?.key === image.key && image.parent.stored !== null) {
      this.#options.record.processExit(image.parent, { at, exitCode: null, signal: null });
    }
    if (root.kind === 'unattended' || image.plumbing) return;
    const first = image.parent === null || image.parent.plumbing;
    if (first) this.#firstProgram(root, image, at);
    this.store(root, image);
  }

  /** The shell, or the command that `ssh host COMMAND` gave: by now PAM has told who this is, if it is used. */
  #firstProgram(root: Root, image: Image, at: Micros): void {
    this.drainPam();
    const device = root.tty === null ? (readStat(image.pid)?.tty ?? 0) : 0;
    const tty = device === 0 ? null : ttyPath(device);
    if (root.identity !== null && !isGuessed(root, image)) {
      const client = root.client === null && root.kind === 'ssh' ? sshConnection(image.pid) : null;
      this.roots.learn(root, { at, uid: root.uid || image.uid, client, tty });
      return;
    }
    const user = this.#options.accounts.nameOf(image.uid);
    const client = root.kind === 'ssh' ? sshConnection(image.pid) : null;
    const evidence: Evidence = { method: 'account', source: client ? 'environ' : 'proc' };
    this.roots.learn(root, {
      at,
      user,
      uid: image.uid,
      identity: { name: user, groups: [], verified: false, evidence },
      client,
      tty,
    });
    if (client !== null) this.#options.onUntold(root, client);
  }

  #exit(view: DataView, offset: number, at: Micros): void {
    const event = readHlExitEvent(view, offset);
    const key = processKey(event.proc);
    const root = this.roots.byKernelId(event.root);
    const leads = root?.leader === key;
    if (leads && root.kind !== 'unattended' && root.identity === null) this.drainPam();
    const image = this.images.exit(event);
    const exit = exitOf(at, event.code);
    this.#exits.add(key, exit);
    if (image && image.stored !== null) this.#options.record.processExit(image, exit);
    this.flows.processEnded(key, at);
    if (leads) this.roots.end(root, at, this.#options.liveProcesses(root.kernelId) > 0);
  }

  #rootEnd(kernelId: bigint, at: Micros): void {
    const root = this.roots.byKernelId(kernelId);
    // What was there before the programs may have been counted wrong, and have been given back its root since.
    if (this.#options.liveProcesses(kernelId) > 0) return;
    if (root?.recovered && this.#options.recount(root) > 0) return;
    this.#options.forgetRoot(kernelId);
    if (!root) return;
    this.roots.finish(root, at);
    this.names.forget(root.id);
  }

  /** Uppermost first: a row names the one above it. */
  #storeImage(image: Image): void {
    if (image.stored !== null) return;
    const wanted = [image];
    for (let at = image.parent; at && at.stored === null && !at.plumbing; at = at.parent) wanted.push(at);
    for (const each of wanted.reverse()) {
      this.#options.record.process(each);
      if (each.omitted) this.#noteOmitted(each, each.omitted);
      if (each.image !== 0) continue;
      const later = this.images.current(each.key);
      const end = later ? { at: later.started, exitCode: null, signal: null } : this.#exits.get(each.key);
      if (end) this.#options.record.processExit(each, end);
    }
  }

  #noteOmitted(below: Image, { count }: Omitted): void {
    const detail = `${count} programs are not in the record, between ${below.parent?.label} and ${below.label} (pid ${below.pid}): the chain is too long`;
    this.#options.record.notice({ at: below.started, kind: 'loss', login: below.root, count, detail });
  }
}

/** A module of PAM's, run by root, was taken for the session's first program; sshd has executed the person's since. */
function isGuessed({ identity, uid }: Root, image: Image): boolean {
  const { method, source } = identity?.evidence ?? {};
  return method === 'account' && source !== 'pam' && uid === 0 && image.uid !== 0;
}

/** The pid may be another process's by now; /proc counts start times in hundredths of a second (proc(5)). */
function isSame({ startNs }: { startNs: bigint }, { startTicks }: { startTicks: number }): boolean {
  return startTicks === 0 || Number(startNs / 10_000_000n) === startTicks;
}
