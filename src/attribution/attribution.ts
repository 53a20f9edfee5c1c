import type { Evidence, Id, Identity, Micros } from '../core/types.ts';
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
import { type Image, processKey } from './image.ts';
import { type ImageRules, Images } from './images.ts';
import { Names } from './names.ts';
import type { PamEvent } from './pam-event.ts';
import { readStat, sshConnection, ttyPath } from './proc.ts';
import { exitOf, RecentExits } from './recent-exits.ts';
import type { Recorder } from './recorder.ts';
import { type Root, Roots } from './roots.ts';
import { describeSocket } from './sockets.ts';

export interface AttributionOptions {
  readonly host: string;
  readonly record: Recorder;
  readonly images: ImageRules;
  readonly flows: FlowRules;
  readonly accounts: Accounts;
  toMicros(bootNs: bigint): Micros;
  /** Who a PAM session belongs to, by the evidence that sshd gave. */
  identify(account: string, authInfo: string | null): Identity;
  /** PAM sessions that opened since the last call. */
  pamEvents(): readonly PamEvent[];
  /** Processes alive below a root, as the kernel counts them. */
  liveProcesses(root: bigint): number;
  /** What the kernel has of a running process; null where it has gone. */
  lineageOf(pid: number): HlWho | null;
  /** Its last process has gone: what was noted of it in the kernel can go. */
  forgetRoot(root: bigint): void;
  /** A DNS answer that a login got: parsed elsewhere, by a process without privilege. */
  onDnsAnswer(root: Id, message: Uint8Array): void;
}

const UNSET = 0xffffffff;

/** A PAM session waits so long for the kernel's report of its login. */
const STRANGER_MS = 10_000;

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

  constructor(options: AttributionOptions) {
    this.#options = options;
    this.roots = new Roots(options.host, options.record);
    this.images = new Images(options.images);
    this.flows = new Flows(options.flows, options.record, this);
    this.#handoffs = new Handoffs(options.record, this);
  }

  /** One event from the ring. The view is only read during the call. */
  handle(view: DataView, offset: number): void {
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
    const root =
      this.roots.byKernelId(who.root) ??
      this.roots.begin({
        kernelId: who.root,
        kind: who.kind,
        leader: processKey(who.owner),
        at,
        recovered: true,
      });
    return { root, image: this.images.of(who, root.id, at) };
  }

  process(pid: number, at: Micros): { root: Root | null; image: Image | null } | null {
    const who = this.#options.lineageOf(pid);
    return who === null ? null : this.resolve(who, at);
  }

  /** Its pid may be another process's by now, and the process may have executed another program. */
  stillRuns(who: HlWho): boolean {
    const now = this.#options.lineageOf(who.proc.tgid);
    return (
      now !== null &&
      now.proc.startNs === who.proc.startNs &&
      now.image === who.image &&
      now.owner.startNs === who.owner.startNs &&
      now.owner.tgid === who.owner.tgid
    );
  }

  /** Makes sure that the record knows of the root and of the programs down to `image`. */
  store(root: Root, image: Image | null): void {
    if (!root.stored && root.user === null && image && root.kind === 'unattended') {
      root.uid = image.uid;
      root.user = this.#options.accounts.nameOf(image.uid);
    }
    if (root.kind !== 'unattended' && root.identity === null) this.drainPam();
    this.roots.store(root);
    if (image) this.#storeImage(image);
  }

  /** A program of a person's login that was there before the daemon. */
  recovered(root: Root, image: Image): void {
    const first = image.parent === null || image.parent.plumbing;
    if (first && (root.user === null || root.uid === null)) this.#firstProgram(root, image, image.started);
    this.store(root, image);
  }

  isPlumbing(name: string): boolean {
    return this.#options.images.plumbing.has(name);
  }

  /** Takes in the PAM sessions that have opened, and those whose login was not known yet when they came. */
  drainPam(): void {
    this.pam(this.#options.pamEvents());
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
    const identity = this.#options.identify(event.user, event.authInfo);
    const tty = event.tty?.startsWith('/dev/') ? event.tty : null;
    this.roots.learn(root, { at: event.at, user: event.user, identity, client: event.client, tty });
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
    const root =
      this.roots.byKernelId(event.who.root) ??
      this.roots.begin({
        kernelId: event.who.root,
        kind: event.who.kind,
        leader: processKey(event.who.proc),
        at,
        recovered: true,
      });
    const image = this.images.exec(event, root.id, at, this.#isSetup(root, event));
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

  /**
   * What sshd's privileged half executes as root is its PAM modules' doing, before and after the session.
   * In a login of root it starts the shell too: there, only until the hook has told who this is, which
   * is the last of the session modules. The audit session tells that PAM is at work at all.
   */
  #isSetup(root: Root, event: HlExecEvent): boolean {
    if (root.kind !== 'ssh' || event.who.uid !== 0 || event.sessionid === UNSET) return false;
    if (root.identity === null) this.drainPam();
    return root.identity === null || root.user !== 'root';
  }

  /** The shell, or the command that `ssh host COMMAND` gave: by now PAM has told who this is, if it is used. */
  #firstProgram(root: Root, image: Image, at: Micros): void {
    this.drainPam();
    const device = root.tty === null ? (readStat(image.pid)?.tty ?? 0) : 0;
    const tty = device === 0 ? null : ttyPath(device);
    if (root.identity !== null) {
      this.roots.learn(root, { at, uid: image.uid, tty });
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
  }

  #exit(view: DataView, offset: number, at: Micros): void {
    const event = readHlExitEvent(view, offset);
    const image = this.images.exit(event);
    const exit = exitOf(at, event.code);
    this.#exits.add(processKey(event.proc), exit);
    if (image && image.stored !== null) this.#options.record.processExit(image, exit);
    const root = this.roots.byKernelId(event.root);
    if (!root || root.leader !== processKey(event.proc)) return;
    if (root.kind !== 'unattended' && root.identity === null) this.drainPam();
    this.roots.end(root, at, this.#options.liveProcesses(root.kernelId) > 0);
  }

  #rootEnd(kernelId: bigint, at: Micros): void {
    const root = this.roots.byKernelId(kernelId);
    this.#options.forgetRoot(kernelId);
    if (!root) return;
    this.roots.finish(root, at);
    this.names.forget(root.id);
  }

  #storeImage(image: Image): void {
    if (image.stored !== null) return;
    if (image.parent && !image.parent.plumbing) this.#storeImage(image.parent);
    this.#options.record.process(image);
    if (image.image !== 0) return;
    const later = this.images.current(image.key);
    const end = later ? { at: later.started, exitCode: null, signal: null } : this.#exits.get(image.key);
    if (end) this.#options.record.processExit(image, end);
  }
}

/** The pid may be another process's by now; /proc counts start times in hundredths of a second (proc(5)). */
function isSame({ startNs }: { readonly startNs: bigint }, { startTicks }: PamEvent): boolean {
  return startTicks === 0 || Number(startNs / 10_000_000n) === startTicks;
}
