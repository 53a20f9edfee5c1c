/** Events as the kernel half reports them, made by hand; and a recorder that remembers what it was told. */
import type { Image } from '../../src/attribution/image.ts';
import type { HandoffDraft, HopDraft, LoginFacts, Recorder } from '../../src/attribution/recorder.ts';
import type { Id, Login, Micros, Notice } from '../../src/core/types.ts';
import { addressBytes } from '../../src/kernel/address.ts';
import * as abi from '../../src/kernel/layouts.generated.ts';

/** Above any pid_max: what looks into /proc finds nothing there. */
export const PID = 5_000_000;
export const ROOT = (1_790_000_000_000_000n << 8n) | 1n;

export function key(n: number): abi.HlKey {
  return { tgid: PID + n, startNs: BigInt(n + 1) * 1_000_000_000n };
}

function head(type: number): abi.HlEvent {
  return { atNs: 5n, type, size: 0 };
}

export function who(n: number, over: Partial<abi.HlWho> = {}): abi.HlWho {
  return { proc: key(n), owner: key(n), root: ROOT, image: 1, uid: 1001, kind: abi.HlKind.SSH, ...over };
}

export interface Executed {
  /** Of the file that runs. */
  readonly name?: string;
  readonly filename?: string;
  readonly argv?: readonly string[];
  readonly image?: number;
  readonly parent?: number;
  readonly parentImage?: number;
  readonly uid?: number;
  readonly root?: bigint;
  readonly kind?: number;
  readonly sessionid?: number;
  readonly loginuid?: number;
  /** Nanoseconds after boot. */
  readonly at?: bigint;
  /** A process that there is. */
  readonly proc?: abi.HlKey;
}

export function exec(n: number, given: Executed = {}): abi.HlExecEvent {
  const { name = 'prog', filename = `/usr/bin/${name}`, argv = [name], image = 1, parent = n - 1 } = given;
  const named = Buffer.from(`${filename}\0`);
  const raw = Buffer.from(argv.map((argument) => `${argument}\0`).join(''));
  const { uid = 1001, root = ROOT, kind = abi.HlKind.SSH } = given;
  return {
    head: { ...head(abi.HlEventType.EV_EXEC), ...(given.at === undefined ? {} : { atNs: given.at }) },
    who: who(n, { image, uid, root, kind, ...(given.proc ? { proc: given.proc, owner: given.proc } : {}) }),
    parent: key(parent),
    parentImage: given.parentImage ?? 1,
    ppid: PID + parent,
    loginuid: given.loginuid ?? uid,
    sessionid: given.sessionid ?? 7,
    ino: 0n,
    dev: 0,
    argvBytes: raw.length,
    argvLen: Math.min(raw.length, abi.HL_ARGV_MAX),
    filenameLen: named.length,
    deleted: 0,
    name: padded(name, 64),
    data: padded(
      Buffer.concat([named, raw.subarray(0, abi.HL_ARGV_MAX)]),
      abi.HL_FILENAME_MAX + abi.HL_ARGV_MAX,
    ),
  };
}

export function exit(n: number, code = 0, root = ROOT): abi.HlExitEvent {
  return { head: head(abi.HlEventType.EV_EXIT), proc: key(n), root, code, execs: 1 };
}

export function rootEvent(type: number, over: Partial<abi.HlRootEvent> = {}): abi.HlRootEvent {
  return {
    head: head(type),
    root: ROOT,
    proc: key(0),
    parent: key(-1),
    parentRoot: 0n,
    kind: abi.HlKind.SSH,
    ...over,
  };
}

export function flow(over: Partial<abi.HlFlowEvent> = {}): abi.HlFlowEvent {
  return {
    head: head(abi.HlEventType.EV_FLOW),
    who: who(1),
    id: ROOT + 256n,
    route: 1,
    port: 5432,
    sourcePort: 40_000,
    addr: addressBytes('10.77.0.20'),
    sourceAddr: addressBytes('10.77.0.11'),
    action: abi.HlAction.DIRECT,
    transport: 6,
    reason: 0,
    flags: abi.HlSocketFlag.S_OPEN,
    ...over,
  };
}

export function socketEvent(over: Partial<abi.HlSocketEvent> = {}): abi.HlSocketEvent {
  return {
    head: head(abi.HlEventType.EV_SOCKET),
    who: who(1),
    family: 2,
    type: 3,
    protocol: 1,
    refused: 1,
    ...over,
  };
}

/** The bytes of an event, as they lie in the ring. */
export function view<T>(
  write: (view: DataView, at: number, value: T) => void,
  value: T,
  size: number,
): DataView {
  const bytes = new DataView(new ArrayBuffer(size));
  write(bytes, 0, value);
  return bytes;
}

export function padded(text: string | Uint8Array, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  bytes.set(Buffer.from(text as string));
  return bytes;
}

type Told = { readonly [K in keyof Recorder]: Parameters<Recorder[K]> };

export class Remembering implements Recorder {
  readonly calls: { [K in keyof Told]: readonly [K, ...Told[K]] }[keyof Told][] = [];
  #processes = 0;

  /** What was told under one name, in order. */
  of<K extends keyof Told>(name: K): Told[K][] {
    return this.calls.filter((call) => call[0] === name).map(([, ...told]) => told as unknown as Told[K]);
  }

  login(login: Login): void {
    this.calls.push(['login', login]);
  }

  identity(login: Id, facts: LoginFacts): void {
    this.calls.push(['identity', login, facts]);
  }

  loginEnd(login: Id, end: { at: Micros; lingering: boolean }): void {
    this.calls.push(['loginEnd', login, end]);
  }

  process(image: Image): void {
    image.stored = ++this.#processes;
    this.calls.push(['process', image]);
  }

  processExit(image: Image, exit: { at: Micros; exitCode: number | null; signal: number | null }): void {
    this.calls.push(['processExit', image, exit]);
  }

  hop(hop: HopDraft): void {
    this.calls.push(['hop', hop]);
  }

  hopEnd(hop: Id, end: Told['hopEnd'][1]): void {
    this.calls.push(['hopEnd', hop, end]);
  }

  handoff(handoff: HandoffDraft): void {
    this.calls.push(['handoff', handoff]);
  }

  notice(notice: Omit<Notice, 'id'>): void {
    this.calls.push(['notice', notice]);
  }
}

/** Of an installation. */
export const LAUNCHER = {
  node: '/usr/lib/hopline/bin/node',
  entry: '/usr/lib/hopline/src/shell.js',
} as const;
