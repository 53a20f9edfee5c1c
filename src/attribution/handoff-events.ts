import type { HandoffKind, Micros } from '../core/types.ts';
import { addressText } from '../kernel/address.ts';
import type { HlHandoffEvent, HlWho } from '../kernel/layouts.generated.ts';
import { handoffKind, holderOf, listenerInode, socketPath } from './handoffs.ts';
import { type Image, processKey } from './image.ts';
import type { Images } from './images.ts';
import type { Recorder } from './recorder.ts';
import type { Root, Roots } from './roots.ts';

const AF_UNIX = 1;
const REMEMBERED = 5000;

interface Context {
  readonly images: Images;
  readonly roots: Roots;
  resolve(who: HlWho, at: Micros): { root: Root | null; image: Image | null };
  store(root: Root, image: Image | null): void;
  /** Whose a running process is, by the kernel's lineage. */
  process(pid: number, at: Micros): { root: Root | null; image: Image | null } | null;
}

/** Records that one tree had another do something for it, once for each process and socket. */
export class Handoffs {
  readonly #record: Recorder;
  readonly #context: Context;
  readonly #seen = new Set<string>();
  readonly #holders = new Map<string, number | null>();

  constructor(record: Recorder, context: Context) {
    this.#record = record;
    this.#context = context;
  }

  handle(event: HlHandoffEvent, at: Micros): void {
    const { root, image } = this.#context.resolve(event.who, at);
    const unix = event.family === AF_UNIX;
    const via = unix ? socketPath(event.path.subarray(0, event.pathLen)) : loopbackText(event);
    const server = this.#server(event, at);
    if (root && server.root === root) return;
    const kind: HandoffKind = unix ? handoffKind(via, server.image?.label ?? null) : 'loopback';
    const person = server.root !== null && server.root.kind !== 'unattended';
    if (!person && kind !== 'container-engine') return;
    const once = `${image?.key ?? processKey(event.who.proc)} ${server.root?.id ?? server.pid} ${via}`;
    if (this.#seen.has(once)) return;
    if (this.#seen.size >= REMEMBERED) this.#seen.clear();
    this.#seen.add(once);
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

  #server(event: HlHandoffEvent, at: Micros): Server {
    if (event.to.startNs !== 0n) {
      // tmux's server forks and executes nothing: it is known by its lineage alone.
      const image =
        this.#context.images.byPid(event.to.tgid) ?? this.#context.process(event.to.tgid, at)?.image ?? null;
      return { pid: event.to.tgid, root: this.#context.roots.byKernelId(event.toRoot) ?? null, image };
    }
    const path = socketPath(event.bound.subarray(0, event.boundLen));
    const inode = path === '' ? null : listenerInode(path, event.who.proc.tgid);
    const pid = inode === null ? null : this.#holder(inode);
    const found = pid === null ? null : this.#context.process(pid, at);
    return { pid: pid ?? event.to.tgid, root: found?.root ?? null, image: found?.image ?? null };
  }

  #holder(inode: string): number | null {
    const known = this.#holders.get(inode);
    if (known !== undefined) return known;
    if (this.#holders.size >= REMEMBERED) this.#holders.clear();
    const pid = holderOf(inode);
    this.#holders.set(inode, pid);
    return pid;
  }
}

function loopbackText({ path, port }: HlHandoffEvent): string {
  const address = addressText(path.subarray(0, 16));
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

interface Server {
  readonly pid: number;
  readonly root: Root | null;
  readonly image: Image | null;
}
