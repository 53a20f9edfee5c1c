import { endpointText } from '../core/address.ts';
import type { HandoffKind, Id, Micros } from '../core/types.ts';
import { addressText } from '../kernel/address.ts';
import type { HlHandoffEvent, HlWho } from '../kernel/layouts.generated.ts';
import { handoffKind, socketPath, stillHolds } from './handoffs.ts';
import { Holders } from './holders.ts';
import { type Image, processKey } from './image.ts';
import type { Images } from './images.ts';
import type { Recorder } from './recorder.ts';
import type { Root, Roots } from './roots.ts';

const AF_UNIX = 1;
const REMEMBERED = 5000;
/** What could not be looked up is told as a number this often. */
const TOLD: Micros = 10_000_000;

type Whose = { readonly root: Root | null; readonly image: Image | null };
type Server = Whose & { readonly pid: number };

interface Context {
  readonly images: Images;
  readonly roots: Roots;
  resolve(who: HlWho, at: Micros): Whose;
  store(root: Root, image: Image | null): void;
  /** Whose a running process is, by the kernel's lineage. @param startTicks when it began: its pid may be another's */
  process(pid: number, startTicks: number, at: Micros): Whose | null;
}

/** Records that one tree had another do something for it, once for each process and socket. */
export class Handoffs {
  readonly #record: Recorder;
  readonly #context: Context;
  readonly #holders: Holders;
  readonly #seen = new Set<string>();
  #unknown = { count: 0, login: null as Id | null, told: 0 };

  constructor(record: Recorder, context: Context, holders = new Holders()) {
    this.#record = record;
    this.#context = context;
    this.#holders = holders;
  }

  handle(event: HlHandoffEvent, at: Micros): void {
    const unix = event.family === AF_UNIX;
    const via = unix ? socketPath(event.path.subarray(0, event.pathLen)) : loopbackText(event);
    const once = `${processKey(event.who.proc)} ${processKey(event.to)} ${event.toRoot} ${via}`;
    if (this.#seen.has(once)) return;
    const { root, image } = this.#context.resolve(event.who, at);
    const server = this.#server(event, root, at);
    if (server === 'not now') {
      this.#note(root?.id ?? null);
      return;
    }
    this.#remember(once);
    if (root && server.root === root) return;
    const kind: HandoffKind = unix ? handoffKind(via, server.image?.label ?? null) : 'loopback';
    const person = server.root !== null && server.root.kind !== 'unattended';
    if (!person && kind !== 'container-engine') return;
    if (root) this.#context.store(root, image);
    if (server.root) this.#context.store(server.root, server.image);
    this.#record.handoff({
      kind,
      login: root?.id ?? null,
      image,
      toLogin: server.root?.id ?? null,
      toPid: server.pid,
      via,
      at,
    });
  }

  /** Tells of the connections whose server was not looked up, if there were any. */
  settle(at: Micros): void {
    const { count, login, told } = this.#unknown;
    if (count === 0 || at - told < TOLD) return;
    const detail = `connections to Unix sockets whose server has forked: too many at a time to look up whose it is`;
    this.#record.notice({ at, kind: 'loss', login, count, detail });
    this.#unknown = { count: 0, login: null, told: at };
  }

  #note(login: Id | null): void {
    this.#unknown.login = this.#unknown.count === 0 || this.#unknown.login === login ? login : null;
    this.#unknown.count++;
  }

  #remember(once: string): void {
    this.#seen.add(once);
    if (this.#seen.size > REMEMBERED) this.#seen.delete(this.#seen.keys().next().value as string);
  }

  #server(event: HlHandoffEvent, client: Root | null, at: Micros): Server | 'not now' {
    const { to, who } = event;
    const login = client?.id ?? null;
    if (to.startNs !== 0n) {
      const root = this.#context.roots.byKernelId(event.toRoot) ?? null;
      return { pid: to.tgid, root, image: this.#imageOf(event, login, at) };
    }
    const path = socketPath(event.bound.subarray(0, event.boundLen));
    if (path === '') return { pid: to.tgid, root: null, image: null };
    const looked = this.#holders.of(path, to.tgid, who.proc.tgid, login);
    if (looked === 'not now') return looked;
    const holder = looked.found;
    if (holder === null) return { pid: to.tgid, root: null, image: null };
    const whose = this.#holders.look(login, () => this.#context.process(holder.pid, holder.startTicks, at));
    if (whose === 'not now') return whose;
    // Asked last: who held it all the while is whose lineage was read.
    const found = stillHolds(holder) ? whose.found : null;
    return { pid: holder.pid, root: found?.root ?? null, image: found?.image ?? null };
  }

  /** tmux's server forks and executes nothing: it is known by its lineage alone. */
  #imageOf({ to }: HlHandoffEvent, login: Id | null, at: Micros): Image | null {
    const { images } = this.#context;
    const known = images.current(processKey(to)) ?? images.get(`${processKey(to)}.0`);
    if (known) return known;
    const ticks = Number(to.startNs / 10_000_000n);
    const looked = this.#holders.look(login, () => this.#context.process(to.tgid, ticks, at));
    return looked === 'not now' ? null : (looked.found?.image ?? null);
  }
}

function loopbackText({ path, port }: HlHandoffEvent): string {
  return endpointText({ address: addressText(path.subarray(0, 16)), port });
}
