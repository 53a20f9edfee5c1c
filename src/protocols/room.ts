/**
 * The seam between the proxy and the protocols: the proxy knows no protocol, a protocol knows no proxy.
 */
import type { Socket } from 'node:net';
import type { HeldLogin } from '../core/credentials.ts';
import type { TargetTls } from '../core/target.ts';
import type { AnswerOutcome, Decision, Endpoint, Id, Lifted, Micros, OutputKept } from '../core/types.ts';
import type { MaskKey } from '../masking/key.ts';
import type { RecordingWriter, WriterEvents } from '../recording/writer.ts';
import type { Minted } from '../tls/minted.ts';

/** What policies decide of what is done in a hop. */
export type ActionName = 'query' | 'shell' | 'exec' | 'transfer' | 'forward';

/** What policies read of an action, beside who does it and how they came. */
export type Facts = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** What the record keeps of an action as it begins. */
export interface ActionDraft {
  /** `query`, `cancel`, … */
  readonly kind: string;
  /** One line for a list: what was done to what. */
  readonly subject: string;
  /** JSON; no secret in it. */
  readonly detail: Readonly<Record<string, unknown>>;
  readonly decision: Decision;
}

/** What of a target's values a person may see, by the policies in force when a hop began. */
export interface Masking {
  /** The same for those for whom the same holds. */
  readonly subject: string;
  /** What would be masked is recorded, and shown. */
  readonly observed: boolean;
  readonly key: MaskKey;
  /** Detectors and patterns of the target's, by name. */
  readonly detectors: readonly string[];
  readonly patterns: readonly { readonly name: string; readonly pattern: string }[];
  /** The tags that the target's configuration gives a column. */
  tagsOf(schema: string, table: string, column: string): readonly string[];
  /** How a column is masked: a form's name; null: it is shown. Never throws: what can't be decided is masked. */
  reveal(facts: Facts): { readonly mask: string | null };
}

/** A held action has a number now, to which people answer. */
export interface Waiting {
  readonly approval: number;
  /** Who may answer, for a person. */
  readonly who: string;
  readonly expires: Micros;
}

export interface HoldOptions {
  /** Told before the answer comes; not where nobody can be asked. */
  onWaiting(waiting: Waiting): void;
  /** Withdraws it; its reason, a text, is recorded. */
  readonly signal: AbortSignal;
  /** What another connection says to have it withdrawn: 64 hexadecimal digits, of no secret that could be read from them. */
  readonly cancelKey?: string;
}

/** What became of a held action's request. */
export interface Answer {
  readonly outcome: AnswerOutcome;
  /** Its number; null where nobody could be asked. */
  readonly approval: number | null;
  /** Who answered; null where nobody did. */
  readonly by: string | null;
  readonly reason: string;
  /** What it lifts: to be handed to `decide`. */
  readonly approved: readonly Lifted[];
}

/** What a room does with the actions that it sees in a hop. */
export interface Actions {
  /** To be awaited before anything is decided. */
  ready(): Promise<void>;
  /**
   * By the policies in force now. Never throws: what can't be decided is denied.
   * @param approved approvals that were given for it
   */
  decide(action: ActionName, facts: Facts, approved?: readonly Lifted[]): Decision;
  /** Null: no policy can mask anything here. */
  masking(): Masking | null;
  /** Hands the record over before the action goes on. @returns its number within the hop, from 1 on */
  begin(draft: ActionDraft): number;
  /**
   * Has a person asked about an action that was begun as `approve`; see `approve.ts`, which rooms use. Settles with the
   * answer, however long that takes; never rejects.
   */
  hold(action: number, decision: Decision, options: HoldOptions): Promise<Answer>;
  /** The decision that takes the place of the one with which it was begun. */
  decided(action: number, decision: Decision): void;
  /** Withdraws what any connection has held under this key. @returns whether there was such a thing */
  cancel(cancelKey: string): Promise<boolean>;
  /**
   * What `work` begins is handed over together with what else happens in this turn of the event loop, and then `then`
   * is called: until then the room holds back what it sends. Where `work` throws, so does this, with `then` not called.
   */
  together(work: () => void, then: () => void): void;
  /** What became of it; once. */
  end(action: number, detail: Readonly<Record<string, unknown>>): void;
}

export interface HeldCredential {
  /**
   * Once.
   * @param user whom the client asks for
   * @throws Error where there is none now, or none for that user, in words for the person at the client
   */
  ask(user: string): Promise<HeldLogin>;
  /** The server did not take it. */
  refused(): void;
}

/** What a room keeps of a hop beside its actions: rows of results, terminals, files. */
export interface Recordings {
  /** Rows of its result that are to be kept of an action that was decided so: 0 is none, infinity all. */
  rows(decision: Decision): number;
  /** What is to be kept of the terminal of an action that was decided so, or of what its command gives. */
  terminal(decision: Decision): OutputKept;
  /** Whether the hop ends where it cannot be recorded; the room sees to it, and tells the person. */
  readonly onFailure: 'end' | 'continue';
  /**
   * Begins one. It is ended with the hop, if the room does not end it before.
   * @param kind what its records are: `rows`, `terminal`, …
   */
  open(kind: string, events: WriterEvents): RecordingWriter;
}

/** One hop as a room sees it. */
export interface Session {
  readonly hop: Id;
  readonly target: string | null;
  readonly destination: Endpoint;
  /** Accepted, paused, half-open allowed; nothing has been read from it. */
  readonly client: Socket;
  readonly actions: Actions;
  readonly recordings: Recordings;
  /** How the target wants to be spoken to. */
  readonly tls: TargetTls;
  /** Null: the client logs in by itself. */
  readonly credential: HeldCredential | null;
  /**
   * A certificate of the host's own authority for what the client asked for, which is named `names`.
   * @throws Error where there is none
   */
  certificate(names: readonly string[]): Promise<Minted>;
  /**
   * Puts a question about this hop to the supervisor, which knows the room's questions: `ssh.sign`, …
   * @param detail becomes JSON, as the answer does: it is to be checked
   * @throws Error where there is no answer
   */
  ask(question: string, detail: unknown): Promise<unknown>;
  /** End the hop after so long without a byte in either direction; 0 is never. */
  readonly limitIdleMs: number;
  /**
   * Connects to the destination, once. The socket comes paused, with half-open allowed.
   * @throws DialError, which a room lets through: the proxy mirrors it to the client
   */
  dial(): Promise<Socket>;
  /**
   * Says how the hop is ended from above (revoked, drained): `reset` resets both sides. Until a room has said it, the
   * proxy resets the sockets that it made.
   */
  onClose(reset: () => void): void;
}

export interface End {
  /** Bytes from the client that the destination's socket took. */
  readonly bytesUp: number;
  /** Bytes from the destination that the client's socket took. */
  readonly bytesDown: number;
  /** Null: closed by either side. */
  readonly reason: string | null;
}

/** A protocol. `serve` settles when both sockets are closed. */
export interface ProtocolRoom {
  readonly name: string;
  serve(session: Session): Promise<End>;
  /**
   * Tells a client that is refused why, where the protocol has words for that before anything else is said. Settles when
   * that is taken, or in a few seconds; never rejects.
   * @param client paused, nothing read
   */
  refuse?(client: Socket, reason: string): Promise<void>;
}
