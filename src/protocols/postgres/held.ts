/**
 * Held statements of the extended protocol. From the Parse or Bind of one on, messages are kept back until its Execute
 * tells with which parameters it is to run: then a person is asked. They are dealt with as they come, so that names mean
 * what they will mean; of what is asked for nothing is sent. After a yes they are dealt with once more, by then for real.
 *
 * A Parse that no Execute follows goes on by itself, since nothing of it runs. A Bind does not: the server plans there, and
 * planning calls functions that are declared immutable.
 */
import type { Lifted } from '../../core/types.ts';
import { type Asking, unaskable } from './asking.ts';
import type { Answers, Running } from './awaited.ts';
import { Frontend } from './messages.ts';
import type { Refuser } from './refuser.ts';
import { Run } from './run.ts';
import type { Statement } from './sql/statement.ts';
import { type Decided, passes, type Statements } from './statements.ts';

/** Bytes of messages kept back: as many as one may have that is read whole. */
const MOST = 1024 * 1024;
/** What may come between a Parse and its Execute without having the server do anything. */
const JOINS: ReadonlySet<number> = new Set([
  Frontend.Parse,
  Frontend.Bind,
  Frontend.Describe,
  Frontend.Close,
]);

export interface HeldOptions {
  readonly answers: Answers;
  readonly statements: Statements;
  readonly asking: Asking;
  toServer(bytes: Buffer): void;
  /** Keeps the client's next messages back until a person has answered. */
  wait(work: Promise<void>): void;
  /** Deals with a message. */
  take(type: number, message: Buffer): void;
}

interface Kept {
  readonly messages: { readonly type: number; readonly message: Buffer }[];
  /** What the server would have got. */
  readonly out: Buffer[];
  /** How many answers had been owed. */
  readonly since: number;
  size: number;
  /** What was bound that is held, with its parameters. */
  bound: { readonly decided: Decided; readonly parameters: readonly (string | null)[] | null } | null;
}

interface Replay {
  /** Its record. */
  readonly running: Running;
  readonly texts: ReadonlySet<string>;
  readonly approved: readonly Lifted[];
  ran: boolean;
}

export interface HeldExecute {
  readonly message: Buffer;
  readonly decided: Decided;
  /** All that the portal may stand for. */
  readonly behind: readonly Statement[];
  readonly parameters: readonly (string | null)[] | null;
}

export interface HeldCall {
  /** Copied. */
  readonly message: Buffer;
  readonly decided: Decided;
  /** By the policies in force, with these approvals. */
  show(approved: readonly Lifted[]): Decided;
  send(message: Buffer, running: Running): void;
}

export class HeldStatements {
  readonly #options: HeldOptions;
  /** Sends where {@link send} sends. */
  readonly #refuser: () => Refuser;
  #kept: Kept | null = null;
  #replay: Replay | null = null;

  constructor(options: HeldOptions, refuser: () => Refuser) {
    this.#options = options;
    this.#refuser = refuser;
  }

  /** The messages that are dealt with were let pass. */
  get replays(): boolean {
    return this.#replay !== null;
  }

  /** False where an Execute of a held statement comes to nothing, or has been let pass already. */
  get waits(): boolean {
    return this.#replay === null && !this.#options.answers.skips;
  }

  readonly send = (bytes: Buffer): void => {
    if (this.#kept === null) this.#options.toServer(bytes);
    else this.#kept.out.push(Buffer.from(bytes));
  };

  /** A message has come: it joins what is kept back, or ends that. */
  arrived(type: number, message: Buffer): void {
    const kept = this.#kept;
    if (kept === null || type === Frontend.Execute) return;
    if (JOINS.has(type) && kept.size + message.length <= MOST) this.#add(kept, type, message);
    else this.release();
  }

  /** A Parse or Bind of a held statement: from here on nothing is sent. */
  keep(type: number, message: Buffer): void {
    if (this.#kept !== null || !this.waits) return;
    this.#kept = { messages: [], out: [], since: this.#options.answers.pushed, size: 0, bound: null };
    this.#add(this.#kept, type, message);
  }

  /** @returns false where it cannot be bound: it is not kept back, and does not come to nothing either */
  bind(decided: Decided, parameters: readonly (string | null)[] | null): boolean {
    if (this.#kept === null) return this.#replay === null;
    this.#kept.bound ??= { decided, parameters };
    return true;
  }

  /** No Execute follows: what is kept back goes on. */
  release(): void {
    const kept = this.#kept;
    if (kept === null) return;
    if (kept.bound === null) {
      this.#kept = null;
      for (const bytes of kept.out) this.#options.toServer(bytes);
      return;
    }
    this.drop();
    const { decided, parameters } = kept.bound;
    const refused = unaskable(decided, 'send its Execute right behind its Bind');
    this.#refuser().instead('parse', new Run(), '', this.#refuser().denied(refused, parameters));
  }

  /** What is kept back never comes. */
  drop(): void {
    const kept = this.#kept;
    this.#kept = null;
    if (kept !== null) this.#takeBack(kept);
  }

  /** Approvals that were given for these. */
  approved(statements: readonly Statement[]): readonly Lifted[] {
    const replay = this.#replay;
    return replay !== null && statements.every(({ text }) => replay.texts.has(text)) ? replay.approved : [];
  }

  /** The record of the Execute that was let pass; once. */
  resumed(): Running | null {
    const replay = this.#replay;
    if (replay === null || replay.ran) return null;
    replay.ran = true;
    return replay.running;
  }

  /** @param execute its message is copied */
  execute({ message, decided, behind, parameters }: HeldExecute): void {
    const { statements, asking, wait } = this.#options;
    const kept = this.#kept;
    this.#kept = null;
    const execute = { type: Frontend.Execute, message: Buffer.from(message) };
    const running = statements.begin(decided, parameters, true);
    const work = async (): Promise<void> => {
      const answer = await asking.ask(
        running,
        decided,
        (approved) => (statements.decideAll(behind, approved) ?? decided).decision,
      );
      if (kept !== null) this.#takeBack(kept);
      if (answer === null) return;
      if (answer.denial !== null) {
        this.#refuser().instead(kept === null ? 'execute' : 'parse', new Run(), '', answer.denial);
        return;
      }
      if (kept !== null) await statements.masking?.prepare(behind);
      const texts = new Set(behind.map(({ text }) => text));
      this.#again([...(kept?.messages ?? []), execute], {
        ...{ running, texts, approved: answer.approved, ran: false },
      });
    };
    wait(work());
  }

  /** A message by itself, which runs one statement. */
  call({ message, decided, show, send }: HeldCall): void {
    const { statements, asking, wait } = this.#options;
    const kept = Buffer.from(message);
    const running = statements.begin(decided, null, true);
    const work = async (): Promise<void> => {
      const answer = await asking.ask(running, decided, (approved) => show(approved).decision);
      if (answer === null) return;
      const again = show(answer.approved);
      if (answer.denial !== null) this.#refuser().instead('query', new Run(), '', answer.denial);
      else if (passes(again.decision)) send(kept, statements.resume(running, again));
      else this.#refuser().instead('query', new Run(), '', this.#refuser().denied(again, null, running));
    };
    wait(work());
  }

  #again(messages: Kept['messages'], replay: Replay): void {
    this.#replay = replay;
    try {
      for (const { type, message } of messages) this.#options.take(type, message);
    } finally {
      this.#replay = null;
      // Something before it was refused by then.
      if (!replay.ran)
        this.#options.statements.end(replay.running, { error: 'not run: an earlier message was refused' });
    }
  }

  #add(kept: Kept, type: number, message: Buffer): void {
    kept.size += message.length;
    kept.messages.push({ type, message: Buffer.from(message) });
  }

  #takeBack({ since }: Kept): void {
    const { answers, statements } = this.#options;
    answers.takeBack(since, ({ running, failed }) => {
      for (const one of running) statements.end(one, { error: 'not run: a message before it was refused' });
      failed?.();
    });
  }
}
