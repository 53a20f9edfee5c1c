/** What a client sends after its startup packet: statements are decided and recorded before the server sees them. */
import type { Lifted } from '../../core/types.ts';
import { type Asking, unaskable } from './asking.ts';
import type { Answers, Running } from './awaited.ts';
import { namesIn, parametersOf } from './bound-values.ts';
import { CopyIn, mayCopyIn } from './copy-in.ts';
import {
  decodeBind,
  decodeClose,
  decodeDescribe,
  decodeExecute,
  decodeFunctionCall,
  decodeParse,
  decodeQuery,
} from './decode-frontend.ts';
import type { Denial } from './deny.ts';
import { dispositionOf, PARTS } from './dispositions.ts';
import { describe, flush, parse } from './encode-frontend.ts';
import type { Disposition, FrameHandler } from './frame.ts';
import { HeldStatements } from './held.ts';
import { LONG, LongMessage } from './long-message.ts';
import { pinnedFor } from './masked/pinned.ts';
import { type Close, type Describe, Frontend, type Parse, type Text } from './messages.ts';
import { describing, endOf, LARGE_OBJECT, NOWHERE, settled, shownAs } from './portals.ts';
import { type Prepared, prepared } from './prepared.ts';
import { Refuser } from './refuser.ts';
import { Run } from './run.ts';
import { SimpleQueries } from './simple.ts';
import { type Analysis, notUnderstood, type Statement } from './sql/statement.ts';
import { type Decided, isHeld, passes, type Statements } from './statements.ts';
import { storedName } from './stored-name.ts';
import type { Encoding } from './text.ts';
import { depends, settledName, unreadable, unsettles } from './unsettled.ts';
import { Writer } from './writer.ts';

export interface FrontendOptions {
  readonly answers: Answers;
  readonly statements: Statements;
  /** @param sure false: standard_conforming_strings may be changing */
  analyse(sql: string, sure: boolean): Analysis;
  /** The session's client_encoding, which may change. */
  encoding(): Encoding;
  toServer(bytes: Buffer): void;
  /** What the client says to an Authentication message; valid until it returns. */
  onAnswer(message: Buffer): void;
  /** Keeps the client's next messages back until `work` is done. */
  hold(work: Promise<void>): void;
  /** As `hold`, where that is a person's to do. */
  wait(work: Promise<void>): void;
  readonly asking: Asking;
}

export class FrontendHandler implements FrameHandler {
  readonly #options: FrontendOptions;
  readonly #out = new Writer();
  readonly #copyIn: CopyIn;
  /** Of a message that is too long to be kept. */
  readonly #long: LongMessage;
  #denial: Denial | null = null;
  #running: readonly Running[] = [];
  readonly #held: HeldStatements;
  readonly #refuser: Refuser;
  readonly #simple: SimpleQueries;

  constructor(options: FrontendOptions) {
    this.#options = options;
    const take = (type: number, message: Buffer): void =>
      this.#take(type, message, this.#sure(type, message));
    this.#copyIn = new CopyIn((work) => options.hold(work));
    this.#long = new LongMessage((bytes) => options.toServer(bytes));
    this.#held = new HeldStatements({ ...options, take }, () => this.#refuser);
    this.#refuser = new Refuser({ ...options, toServer: this.#held.send });
    this.#simple = new SimpleQueries({ ...options, refuser: this.#refuser, copyIn: this.#copyIn });
  }

  begin(type: number, length: number): Disposition {
    const disposition = dispositionOf(type, length, this.#copyIn.data);
    // No bytes are on their way to `forward` then: what is kept back began with a message that was read whole.
    if (type === Frontend.Terminate) this.#held.drop();
    else if (disposition !== 'whole') this.#held.release();
    return disposition;
  }

  forward(bytes: Buffer): void {
    this.#options.toServer(bytes);
  }

  whole(type: number, message: Buffer): void {
    const { answers, hold } = this.#options;
    if (this.#sure(type, message)) this.#arrived(type, message, true);
    else if (answers.settles) {
      const kept = Buffer.from(message);
      hold(answers.idle().then(() => this.#arrived(type, kept, true)));
    } else this.#arrived(type, message, false);
  }

  /** False: settings that the message is read by may be changing. */
  #sure(type: number, message: Buffer): boolean {
    return !this.#options.answers.unsettled || !depends(type, message);
  }

  #arrived(type: number, message: Buffer, sure: boolean): void {
    this.#held.arrived(type, message);
    if (PARTS.has(type)) this.#options.statements.part();
    this.#take(type, message, sure);
  }

  #take(type: number, message: Buffer, sure: boolean): void {
    const encoding = this.#options.encoding();
    const stored = (name: string): string => storedName(sure ? name : settledName(name));
    const reading = (text: Text): readonly Statement[] =>
      unreadable(text, encoding, sure) ?? this.#options.analyse(text.text ?? '', sure).statements;
    switch (type) {
      case Frontend.Query: {
        const { query } = decodeQuery(message, encoding);
        const read = reading(query);
        this.#ready(message, read, (whole) => this.#simple.take({ message: whole, text: query.text, read }));
        break;
      }
      case Frontend.Parse: {
        const decoded = decodeParse(message, encoding);
        const name = stored(decoded.statement);
        const read = reading(decoded.query);
        this.#ready(message, read, (whole) => this.#parse(whole, name, decoded, read));
        break;
      }
      case Frontend.Bind: {
        const { portal, statement, ...values } = decodeBind(message, encoding);
        const name = stored(portal);
        const behind = this.#behind(stored(statement));
        const shown = parametersOf(values, encoding);
        this.#ready(message, behind, (whole) => this.#bind(whole, name, behind, shown));
        break;
      }
      case Frontend.Execute: {
        const name = stored(decodeExecute(message, encoding).portal);
        this.#ready(message, null, (whole) => this.#execute(whole, name));
        break;
      }
      case Frontend.Close: {
        const { kind, target } = decodeClose(message, encoding);
        const name = stored(target);
        this.#ready(message, null, (whole) => this.#close(whole, kind, name));
        break;
      }
      case Frontend.Describe: {
        const { kind, target } = decodeDescribe(message, encoding);
        const name = stored(target);
        this.#ready(message, null, (whole) => this.#describe(whole, kind, name));
        break;
      }
      case Frontend.PasswordMessage:
        this.#options.onAnswer(message);
        break;
      case Frontend.FunctionCall:
        this.#function(message, decodeFunctionCall(message).objectId);
        break;
      case Frontend.Sync:
        if (this.#copyIn.data) return;
        this.#options.answers.push({ kind: 'sync' });
        this.#options.toServer(message);
        break;
      default:
        this.#copyIn.done();
        this.#options.toServer(message);
    }
  }

  /**
   * Deals with a message, at once or when everything is known that its statements are shown by.
   * @param statements null: it may begin a batch of some, in whose midst nothing can be asked
   */
  #ready(message: Buffer, statements: readonly Statement[] | null, go: (message: Buffer) => void): void {
    const { masking } = this.#options.statements;
    const waiting = this.#held.replays ? null : (masking?.prepare(statements) ?? null);
    if (waiting === null) {
      go(message);
      return;
    }
    const kept = Buffer.from(message);
    this.#options.hold(waiting.then(() => go(kept)));
  }

  #behind(name: string): readonly Statement[] {
    const behind = this.#options.statements.prepared.behind(name);
    return behind.length === 0 ? [NOWHERE] : behind.flatMap(({ statements }) => statements);
  }

  piece(type: number, bytes: Buffer, offset: number, last: boolean): void {
    if (offset === 0 && PARTS.has(type)) this.#options.statements.part();
    this.#long.piece(bytes, offset, (head) => this.#begun(type, head, last));
    if (!last) return;
    if (this.#denial !== null)
      this.#refuser.instead(type === Frontend.Query ? 'query' : 'parse', new Run(), '', this.#denial);
    else if (type === Frontend.Query) {
      const copies = this.#copyIn.asked(true);
      this.#options.answers.push({ kind: 'query', running: this.#running, unsettles: true, copies });
    }
    this.#denial = null;
  }

  /** @returns whether it goes on; null where more of it is needed to tell */
  #begun(type: number, head: Buffer, last: boolean): boolean | null {
    const { answers, statements, encoding } = this.#options;
    const names = namesIn(
      head,
      type === Frontend.Bind ? 2 : type === Frontend.Parse ? 1 : 0,
      encoding(),
      last,
    );
    if (names === null) return null;
    if (answers.unsettled) names.forEach(settledName);
    const [first = '', second = ''] = names.map(storedName);
    if (type === Frontend.Bind) {
      const decided = this.#bound(first, this.#behind(second), null, null);
      if (decided !== null) this.#denial = this.#refuser.denied(decided);
      return decided === null;
    }
    const decided = statements.show(statements.decide(LONG));
    if (!passes(decided.decision)) {
      const long = isHeld(decided.decision) ? unaskable(decided, 'it is too long to be shown') : decided;
      this.#denial = this.#refuser.denied(long);
    } else if (type === Frontend.Query) this.#running = [statements.begin(decided)];
    else this.#parsed(first, prepared([LONG]));
    return this.#denial === null;
  }

  /** Decided when it is prepared, so that it fails there already, and again at each Execute, which is what is recorded. */
  #parse(
    message: Buffer,
    name: string,
    { statement, query: { text }, parameterTypes }: Parse,
    written: readonly Statement[],
  ): void {
    const { statements, encoding } = this.#options;
    const pinned = pinnedFor(statements.masking, text, written, encoding());
    const read = pinned?.statements ?? written;
    const decided = statements.decideAll(read, this.#held.approved(read));
    if (decided !== null && isHeld(decided.decision)) this.#held.keep(Frontend.Parse, message);
    else if (decided !== null && !passes(decided.decision)) {
      this.#refuser.instead('parse', new Run(), '', this.#refuser.denied(decided));
      return;
    }
    this.#parsed(name, prepared(read));
    if (pinned === null) this.#held.send(message);
    else {
      parse(this.#out, encoding().bytes(statement), encoding().bytes(pinned.text), parameterTypes);
      this.#held.send(this.#out.take());
    }
  }

  #parsed(name: string, value: Prepared): void {
    const { prepared } = this.#options.statements;
    prepared.propose(name, value);
    this.#options.answers.push({
      kind: 'parse',
      done: () => prepared.confirm(name, value),
      failed: () => prepared.reject(name, value),
    });
  }

  #bind(
    message: Buffer,
    portal: string,
    behind: readonly Statement[],
    parameters: readonly (string | null)[],
  ): void {
    const refused = this.#bound(portal, behind, parameters, message);
    if (refused === null) this.#held.send(message);
    else this.#refuser.instead('parse', new Run(), '', this.#refuser.denied(refused, parameters));
  }

  /**
   * What names mean is settled here, and so is how the rows are shown.
   * @param message null: it is too long to be kept back
   * @returns what cannot be bound
   */
  #bound(
    portal: string,
    behind: readonly Statement[],
    parameters: readonly (string | null)[] | null,
    message: Buffer | null,
  ): Decided | null {
    const { answers, statements } = this.#options;
    const { plan, refused } = shownAs(behind, statements, this.#held.approved(behind));
    if (refused !== null && !isHeld(refused.decision)) return refused;
    if (refused !== null) {
      if (message === null) return unaskable(refused, 'its parameters are too long to be shown');
      this.#held.keep(Frontend.Bind, message);
      if (!this.#held.bind(refused, parameters)) return unaskable(refused, 'send it by itself');
    }
    const changes = statements.masking?.changes ?? 0;
    const value: Prepared = { ...prepared(behind), parameters, plan, changes };
    statements.portals.propose(portal, value);
    answers.push({
      kind: 'bind',
      portal: value,
      unsettles: unsettles(behind),
      done: () => statements.portals.confirm(portal, value),
      failed: () => statements.portals.reject(portal, value),
    });
    return null;
  }

  #describe(message: Buffer, kind: Describe['kind'], name: string): void {
    const portals = kind === 'P' ? this.#options.statements.portals.behind(name) : [];
    this.#options.answers.push({ kind: 'describe', described: describing(portals) });
    this.#held.send(message);
  }

  #execute(message: Buffer, portal: string): void {
    const { answers, statements } = this.#options;
    const behind = statements.portals.behind(portal);
    const [one] = behind;
    const over = endOf(behind);
    const suspended = behind.length === 1 && !statements.reopened(behind) ? (one?.running ?? null) : null;
    const written = behind.length === 0 ? [NOWHERE] : behind.flatMap((each) => each.statements);
    const policies = suspended === null ? statements.decideAll(written, this.#held.approved(written)) : null;
    const parameters = one?.parameters ?? null;
    if (policies !== null && isHeld(policies.decision) && this.#held.waits) {
      this.#held.execute({ message, decided: policies, behind: written, parameters });
      return;
    }
    this.#held.release();
    if (policies === null) {
      const goesOn = {
        running: [suspended as Running],
        portal: one ?? null,
        unsettles: true,
        done: over,
        failed: over,
      };
      answers.push({ kind: 'execute', ...(suspended === null ? {} : goesOn) });
      this.#held.send(message);
      return;
    }
    const decided = isHeld(policies.decision)
      ? unaskable(policies, 'what came before it was refused')
      : settled(policies, behind, statements);
    const resumed = this.#held.resumed();
    if (!passes(decided.decision)) {
      this.#refuser.instead('execute', new Run(), '', this.#refuser.denied(decided, parameters, resumed));
      return;
    }
    const running =
      resumed === null ? statements.begin(decided, parameters) : statements.resume(resumed, decided);
    if ((running.plan ?? running.kept) !== null && one !== undefined && !one.asked) this.#ask(portal, behind);
    for (const each of behind) each.running = running;
    const proposal = statements.propose(decided);
    const copies = mayCopyIn(decided.statement) ? this.#copyIn.asked(false) : null;
    answers.push({
      kind: 'execute',
      running: [running],
      portal: one ?? null,
      unsettles: unsettles([decided.statement]),
      copies,
      done: endOf(behind, () => proposal?.done()),
      failed: endOf(behind, () => proposal?.failed()),
    });
    this.#held.send(message);
    if (copies === null) return;
    // Else the server may keep its answer until a Sync that waits for it.
    flush(this.#out);
    this.#held.send(this.#out.take());
  }

  /** Which formats and types the rows have, where the client does not ask. */
  #ask(portal: string, behind: readonly Prepared[]): void {
    this.#options.answers.push({ kind: 'describe', hidden: true, described: describing(behind) });
    describe(this.#out, 'P', this.#options.encoding().bytes(portal));
    this.#held.send(this.#out.take());
  }

  #close(message: Buffer, kind: Close['kind'], name: string): void {
    const { answers, statements } = this.#options;
    const names = kind === 'S' ? statements.prepared : statements.portals;
    answers.push({ kind: 'close', done: () => names.remove(name) });
    this.#held.send(message);
  }

  #function(message: Buffer, objectId: number): void {
    const { answers, statements } = this.#options;
    const statement = notUnderstood(`function ${objectId}`, 'a function called by its number (FunctionCall)');
    const called = { ...statement, verb: 'call' };
    const show = (approved: readonly Lifted[]): Decided => {
      const policies = statements.decide(called, approved);
      return LARGE_OBJECT.has(objectId) ? policies : statements.show(policies);
    };
    const decided = show([]);
    const send = (whole: Buffer, running: Running): void => {
      answers.push({ kind: 'function', running: [running], unsettles: true });
      this.#options.toServer(whole);
    };
    if (passes(decided.decision)) send(message, statements.begin(decided));
    else if (isHeld(decided.decision)) this.#held.call({ message, decided, show, send });
    else this.#refuser.instead('query', new Run(), '', this.#refuser.denied(decided));
  }
}
