/** What a client sends after its startup packet: statements are decided and recorded before the server sees them. */
import type { Answers } from './awaited.ts';
import { namesIn, parametersOf } from './bound-values.ts';
import {
  decodeBind,
  decodeClose,
  decodeDescribe,
  decodeExecute,
  decodeFunctionCall,
  decodeParse,
  decodeQuery,
} from './decode-frontend.ts';
import { type Denial, denial } from './deny.ts';
import { describe, parse, query } from './encode-frontend.ts';
import { ProtocolError } from './errors.ts';
import type { Disposition, FrameHandler } from './frame.ts';
import { WHOLE } from './limits.ts';
import { type Message, pinnedMessage } from './masked/pinned.ts';
import { type Describe, Frontend, type Parse } from './messages.ts';
import { describing, LARGE_OBJECT, settled, shownAs } from './portals.ts';
import { Run } from './run.ts';
import { type Analysis, notUnderstood, type Statement } from './sql/statement.ts';
import { type Decided, type Prepared, passes, prepared, type Statements } from './statements.ts';
import { storedName } from './stored-name.ts';
import type { Encoding } from './text.ts';
import { Writer } from './writer.ts';

/** Two names and their ends; PostgreSQL itself tells apart 63 bytes of each. */
const NAMES_LONGEST = 2048;

export interface FrontendOptions {
  readonly answers: Answers;
  readonly statements: Statements;
  analyse(sql: string): Analysis;
  /** The session's client_encoding, which may change. */
  encoding(): Encoding;
  toServer(bytes: Buffer): void;
  /** What the client says to an Authentication message; valid until it returns. */
  onAnswer(message: Buffer): void;
  /** Keeps the client's next messages back until `work` is done. */
  hold(work: Promise<void>): void;
}

export class FrontendHandler implements FrameHandler {
  readonly #options: FrontendOptions;
  readonly #out = new Writer();
  /** The beginning of a message that is too long to be kept. */
  #head: Buffer | null = null;
  #denial: Denial | null = null;

  constructor(options: FrontendOptions) {
    this.#options = options;
  }

  begin(type: number, length: number): Disposition {
    switch (type) {
      case Frontend.Query:
      case Frontend.Parse:
      case Frontend.Bind:
        return length > WHOLE ? 'stream' : 'whole';
      case Frontend.PasswordMessage:
      case Frontend.Execute:
      case Frontend.Describe:
      case Frontend.Close:
      case Frontend.Sync:
      case Frontend.FunctionCall:
        return 'whole';
      default:
        return 'forward';
    }
  }

  forward(bytes: Buffer): void {
    this.#options.toServer(bytes);
  }

  whole(type: number, message: Buffer): void {
    const encoding = this.#options.encoding();
    switch (type) {
      case Frontend.Query: {
        const { text, bytes } = decodeQuery(message, encoding).query;
        const read = this.#read(text, bytes);
        this.#ready(message, read, (whole) => this.#query(whole, text, read));
        break;
      }
      case Frontend.Parse: {
        const decoded = decodeParse(message, encoding);
        const read = this.#read(decoded.query.text, decoded.query.bytes);
        this.#ready(message, read, (whole) => this.#parse(whole, decoded, read));
        break;
      }
      case Frontend.Bind: {
        const { portal, statement, ...values } = decodeBind(message, encoding);
        const shown = parametersOf(values, encoding);
        const behind = this.#behind(storedName(statement));
        this.#ready(message, behind, (whole) => this.#bind(whole, storedName(portal), behind, shown));
        break;
      }
      case Frontend.Execute:
        this.#execute(message, storedName(decodeExecute(message, encoding).portal));
        break;
      case Frontend.Close: {
        const closed = decodeClose(message, encoding);
        this.#ready(message, null, (whole) => this.#close(whole, closed));
        break;
      }
      case Frontend.Describe: {
        const described = decodeDescribe(message, encoding);
        this.#ready(message, null, (whole) => this.#describe(whole, described));
        break;
      }
      case Frontend.PasswordMessage:
        this.#options.onAnswer(message);
        break;
      case Frontend.FunctionCall:
        this.#function(message, decodeFunctionCall(message).objectId);
        break;
      default:
        this.#options.answers.push({ kind: 'sync' });
        this.#options.toServer(message);
    }
  }

  /**
   * Deals with a message, at once or when everything is known that its statements are shown by.
   * @param statements null: it may begin a batch of some, in whose midst nothing can be asked
   */
  #ready(message: Buffer, statements: readonly Statement[] | null, go: (message: Buffer) => void): void {
    const waiting = this.#options.statements.masking?.prepare(statements) ?? null;
    if (waiting === null) {
      go(message);
      return;
    }
    const kept = Buffer.from(message);
    this.#options.hold(waiting.then(() => go(kept)));
  }

  #behind(name: string): readonly Statement[] {
    const known = this.#options.statements.prepared.behind(name);
    // Parse puts another in the place of the unnamed statement, or nothing is bound: the latest is the one.
    const behind = name === '' ? known.slice(0, 1) : known;
    return behind.length === 0 ? [NOWHERE] : behind.flatMap(({ statements }) => statements);
  }

  piece(type: number, bytes: Buffer, offset: number, last: boolean): void {
    if (offset === 0) this.#head = Buffer.alloc(0);
    if (this.#head !== null) {
      this.#head = Buffer.concat([this.#head, bytes]);
      if (!this.#long(type, this.#head, last)) return;
      if (this.#denial === null) this.#options.toServer(this.#head);
      this.#head = null;
    } else if (this.#denial === null) this.#options.toServer(bytes);
    if (!last || this.#denial === null) return;
    this.#instead(type === Frontend.Query ? 'query' : 'parse', new Run(), '', this.#denial);
    this.#denial = null;
  }

  /** @returns false where more of it is needed to tell its names */
  #long(type: number, head: Buffer, last: boolean): boolean {
    const { answers, statements } = this.#options;
    const names = namesIn(head, type === Frontend.Bind ? 2 : type === Frontend.Parse ? 1 : 0);
    if (names === null) {
      if (!last && head.length < NAMES_LONGEST) return false;
      throw new ProtocolError('too_long', 'a long message', 'its names are longer than they can be');
    }
    if (type === Frontend.Bind) {
      const decided = this.#bound(names[0] ?? '', this.#behind(names[1] ?? ''), null);
      if (decided !== null) this.#denial = this.#denied(decided);
      return true;
    }
    const statement = notUnderstood('', `longer than ${WHOLE} bytes, which are not read`);
    const decided = statements.show(statements.decide(statement));
    if (!passes(decided.decision)) {
      this.#denial = this.#denied(decided);
    } else if (type === Frontend.Query) answers.push({ kind: 'query', running: [statements.begin(decided)] });
    else this.#parsed(names[0] ?? '', prepared([statement]));
    return true;
  }

  /** Records that it does not run. */
  #denied(decided: Decided, parameters: readonly (string | null)[] | null = null): Denial {
    const { statements } = this.#options;
    statements.end(statements.begin(decided, parameters), { error: 'denied' });
    return denial(decided.decision);
  }

  #query(message: Buffer, written: string | null, read: readonly Statement[]): void {
    const { answers, statements, encoding } = this.#options;
    const run = new Run();
    const pinned = this.#pinned(written, read);
    const text = pinned?.text ?? written;
    for (const statement of pinned?.statements ?? read) {
      const decided = statements.show(statements.decide(statement));
      if (passes(decided.decision)) {
        run.add(statements.begin(decided), statements.propose(decided));
        continue;
      }
      const denied = this.#denied(decided);
      const before = text === null ? '' : text.slice(0, statement.start);
      // What cannot be written again as it came does not run: most of it would be rolled back anyway.
      if (encoding().text(encoding().bytes(before)) === before) this.#instead('query', run, before, denied);
      else {
        for (const one of run.running) statements.end(one, { error: 'denied with what follows it' });
        run.failed();
        this.#instead('query', new Run(), '', denied);
      }
      return;
    }
    answers.push({ kind: 'query', ...run });
    if (pinned === null) this.#options.toServer(message);
    else {
      query(this.#out, encoding().bytes(pinned.text));
      this.#options.toServer(this.#out.take());
    }
  }

  /** Null: as it came. */
  #pinned(text: string | null, statements: readonly Statement[]): Message | null {
    const { masking } = this.#options.statements;
    if (masking === null || masking.observed || text === null) return null;
    const encoding = this.#options.encoding();
    const written = pinnedMessage({ text, statements }, encoding.name);
    // What cannot be written again as it came stays as it is, and is refused.
    return written.text === text || encoding.text(encoding.bytes(written.text)) !== written.text
      ? null
      : written;
  }

  /** Decided when it is prepared, so that it fails there already, and again at each Execute, which is what is recorded. */
  #parse(
    message: Buffer,
    { statement, query: { text }, parameterTypes }: Parse,
    written: readonly Statement[],
  ): void {
    const { statements, encoding } = this.#options;
    const pinned = this.#pinned(text, written);
    const read = pinned?.statements ?? written;
    const decided = statements.decideAll(read);
    if (decided !== null && !passes(decided.decision)) {
      this.#instead('parse', new Run(), '', this.#denied(decided));
      return;
    }
    this.#parsed(storedName(statement), prepared(read));
    if (pinned === null) this.#options.toServer(message);
    else {
      parse(this.#out, encoding().bytes(statement), encoding().bytes(pinned.text), parameterTypes);
      this.#options.toServer(this.#out.take());
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
    const refused = this.#bound(portal, behind, parameters);
    if (refused === null) this.#options.toServer(message);
    else this.#instead('parse', new Run(), '', this.#denied(refused, parameters));
  }

  /** What names mean is settled here, and so is how the rows are shown. @returns what cannot be shown */
  #bound(
    portal: string,
    behind: readonly Statement[],
    parameters: readonly (string | null)[] | null,
  ): Decided | null {
    const { answers, statements } = this.#options;
    const { plan, refused } = shownAs(behind, statements);
    if (refused !== null) return refused;
    const value: Prepared = { ...prepared(behind), parameters, plan };
    statements.portals.propose(portal, value);
    answers.push({
      kind: 'bind',
      done: () => statements.portals.confirm(portal, value),
      failed: () => statements.portals.reject(portal, value),
    });
    return null;
  }

  #describe(message: Buffer, { kind, target }: Describe): void {
    const portals = kind === 'P' ? this.#options.statements.portals.behind(storedName(target)) : [];
    this.#options.answers.push({ kind: 'describe', described: describing(portals) });
    this.#options.toServer(message);
  }

  #execute(message: Buffer, portal: string): void {
    const { answers, statements } = this.#options;
    const known = statements.portals.behind(portal);
    // Bind puts another in the place of the unnamed portal, or nothing is executed: the latest is the one.
    const behind = portal === '' ? known.slice(0, 1) : known;
    const [one] = behind;
    const suspended = behind.length === 1 ? (one?.running ?? null) : null;
    if (suspended !== null) {
      answers.push({ kind: 'execute', running: [suspended], portal: one ?? null });
      this.#options.toServer(message);
      return;
    }
    const policies = statements.decideAll(
      behind.length === 0 ? [NOWHERE] : behind.flatMap((each) => each.statements),
    );
    if (policies === null) {
      answers.push({ kind: 'execute' });
      this.#options.toServer(message);
      return;
    }
    const decided = settled(policies, behind, statements);
    if (!passes(decided.decision)) {
      this.#instead('execute', new Run(), '', this.#denied(decided, one?.parameters ?? null));
      return;
    }
    const running = statements.begin(decided, one?.parameters ?? null);
    if ((running.plan ?? running.kept) !== null && one !== undefined && !one.asked) this.#ask(portal, behind);
    for (const each of behind) each.running = running;
    const proposal = statements.propose(decided);
    answers.push({
      kind: 'execute',
      running: [running],
      portal: one ?? null,
      done: () => {
        for (const each of behind) each.running = null;
        proposal?.done();
      },
      failed: () => proposal?.failed(),
    });
    this.#options.toServer(message);
  }

  /** Which formats and types the rows have, where the client does not ask. */
  #ask(portal: string, behind: readonly Prepared[]): void {
    this.#options.answers.push({ kind: 'describe', hidden: true, described: describing(behind) });
    describe(this.#out, 'P', this.#options.encoding().bytes(portal));
    this.#options.toServer(this.#out.take());
  }

  #close(message: Buffer, { kind, target }: { kind: 'S' | 'P'; target: string }): void {
    const { answers, statements } = this.#options;
    const names = kind === 'S' ? statements.prepared : statements.portals;
    answers.push({ kind: 'close', done: () => names.remove(storedName(target)) });
    this.#options.toServer(message);
  }

  #function(message: Buffer, objectId: number): void {
    const { answers, statements } = this.#options;
    const statement = notUnderstood(`function ${objectId}`, 'a function called by its number (FunctionCall)');
    const policies = statements.decide({ ...statement, verb: 'call' });
    const decided = LARGE_OBJECT.has(objectId) ? policies : statements.show(policies);
    if (passes(decided.decision)) {
      answers.push({ kind: 'function', running: [statements.begin(decided)] });
      this.#options.toServer(message);
      return;
    }
    this.#instead('query', new Run(), '', this.#denied(decided));
  }

  /** @param before the text of `run`, which is not denied */
  #instead(kind: 'query' | 'parse' | 'execute', run: Run, before: string, denied: Denial): void {
    this.#options.answers.push({ kind, ...run, denial: denied });
    if (kind === 'query') query(this.#out, this.#options.encoding().bytes(before + denied.statement));
    else parse(this.#out, '', denied.statement);
    this.#options.toServer(this.#out.take());
  }

  #read(text: string | null, bytes: Buffer): Analysis['statements'] {
    if (text !== null) return this.#options.analyse(text).statements;
    const encoding = this.#options.encoding();
    return [
      notUnderstood(encoding.show(bytes), `is no text in ${encoding.name}, the session's client_encoding`),
    ];
  }
}

const NOWHERE = notUnderstood('', 'what was prepared or declared under this name is not known');
