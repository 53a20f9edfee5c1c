import { idFromBigInt } from '../core/ids.ts';
import type {
  Endpoint,
  Id,
  Identity,
  Link,
  Login,
  LoginKind,
  Micros,
  UnattendedSource,
} from '../core/types.ts';
import { HlKind } from '../kernel/layouts.generated.ts';
import type { LoginFacts, Recorder } from './recorder.ts';

/** A login, or an unattended root, as long as processes of it live, and a while after. */
export interface Root {
  readonly id: Id;
  readonly kernelId: bigint;
  kind: LoginKind;
  source: UnattendedSource | null;
  /** Key of the process with which it began. */
  readonly leader: string;
  readonly started: Micros;
  readonly recovered: boolean;
  user: string | null;
  uid: number | null;
  identity: Identity | null;
  client: Endpoint | null;
  tty: string | null;
  /** Of another host, by which it came; its link's. */
  parentHop: Id | null;
  link: Link | null;
  ended: Micros | null;
  revoked: Micros | null;
  /** When PAM's session was open, as the hook told. */
  opened: Micros | null;
  /** The record knows of it. Roots in which nothing happens never get a record. */
  stored: boolean;
}

const KINDS: Readonly<Record<number, readonly [LoginKind, UnattendedSource | null]>> = {
  [HlKind.SSH]: ['ssh', null],
  [HlKind.CONSOLE]: ['console', null],
  [HlKind.JOB]: ['job', null],
  [HlKind.SERVICE]: ['unattended', 'service'],
  [HlKind.CRON]: ['unattended', 'cron'],
  [HlKind.AT]: ['unattended', 'at'],
  [HlKind.USER_MANAGER]: ['unattended', 'user-manager'],
  [HlKind.CONTAINER]: ['unattended', 'container'],
};

/** The kernel's number of a kind, in the words of the record. */
export function kindOf(kind: number): readonly [LoginKind, UnattendedSource | null] {
  return KINDS[kind] ?? ['unattended', 'unattributed'];
}

/** A connection is claimed within seconds of it, and its login's last process may have gone by then. */
const OVER = 1000;

export class Roots {
  readonly #host: string;
  readonly #record: Recorder;
  readonly #byId = new Map<Id, Root>();
  readonly #byKernelId = new Map<bigint, Root>();
  /** Those of which nothing lives any more, oldest first. */
  readonly #over = new Map<bigint, Root>();

  constructor(host: string, record: Recorder) {
    this.#host = host;
    this.#record = record;
  }

  begin(born: { kernelId: bigint; kind: number; leader: string; at: Micros; recovered?: boolean }): Root {
    const known = this.#byKernelId.get(born.kernelId);
    if (known) return known;
    const [kind, source] = kindOf(born.kind);
    const root: Root = {
      id: idFromBigInt(born.kernelId),
      kernelId: born.kernelId,
      kind,
      source,
      leader: born.leader,
      started: born.at,
      recovered: born.recovered ?? false,
      user: null,
      uid: null,
      identity: null,
      client: null,
      tty: null,
      parentHop: null,
      link: null,
      ended: null,
      revoked: null,
      opened: null,
      stored: false,
    };
    this.#add(root);
    return root;
  }

  /** One of which nothing lives any more, and of which nothing was known: what it did is only told now. */
  beginOver(born: { kernelId: bigint; kind: number; leader: string; at: Micros }): Root {
    const root = this.begin({ ...born, recovered: true });
    root.ended = born.at;
    this.#leave(root);
    this.#remember(root);
    return root;
  }

  /** Takes up a login that the record has from before a restart. */
  resume(login: Login, kernelId: bigint, leader: string): Root {
    const { host: _, lingering: __, ...facts } = login;
    const root: Root = { ...facts, kernelId, leader, opened: null, stored: true };
    this.#add(root);
    return root;
  }

  get(id: Id): Root | undefined {
    return this.#byId.get(id);
  }

  byKernelId(kernelId: bigint): Root | undefined {
    return this.#byKernelId.get(kernelId);
  }

  /** One that was over a moment ago. */
  over(kernelId: bigint): Root | undefined {
    return this.#over.get(kernelId);
  }

  /** Gives the root a record, if it has none yet: something happened in it. */
  store(root: Root): void {
    if (root.stored) return;
    root.stored = true;
    this.#record.login(this.#login(root));
  }

  learn(root: Root, facts: LoginFacts): void {
    root.user = facts.user ?? root.user;
    root.uid = facts.uid ?? root.uid;
    root.identity = facts.identity ?? root.identity;
    root.client = facts.client ?? root.client;
    root.tty = facts.tty ?? root.tty;
    root.link = facts.link ?? root.link;
    root.parentHop = root.link?.hop ?? null;
    if (root.stored) this.#record.identity(root.id, facts);
    else this.store(root);
  }

  /** The session is over; `lingering` while processes of it live on. */
  end(root: Root, at: Micros, lingering: boolean): void {
    if (root.ended !== null) return;
    root.ended = at;
    if (root.stored) this.#record.loginEnd(root.id, { at, lingering });
  }

  /** The last process has gone. */
  finish(root: Root, at: Micros): void {
    if (root.stored) this.#record.loginEnd(root.id, { at, lingering: false });
    root.ended ??= at;
    this.#leave(root);
    // Threat: of an sshd that is flooded with connections each is a root; those that come to nothing push out none.
    if (root.stored) this.#remember(root);
  }

  #leave(root: Root): void {
    this.#byId.delete(root.id);
    this.#byKernelId.delete(root.kernelId);
  }

  #remember(root: Root): void {
    this.#over.set(root.kernelId, root);
    if (this.#over.size > OVER) this.#over.delete(this.#over.keys().next().value as bigint);
  }

  #add(root: Root): void {
    this.#byId.set(root.id, root);
    this.#byKernelId.set(root.kernelId, root);
  }

  #login(root: Root): Login {
    const { kernelId: _, leader: __, opened: ___, stored: ____, ...facts } = root;
    return { ...facts, host: this.#host, lingering: false };
  }
}
