/** What a client sends after its startup packet: statements are decided and recorded before the server sees them. */
import type { Answers, Running } from './awaited.ts';
import {
  decodeBind,
  decodeClose,
  decodeExecute,
  decodeFunctionCall,
  decodeParse,
  decodeQuery,
} from './decode-frontend.ts';
import { type Denial, denial } from './deny.ts';
import { parse, query } from './encode-frontend.ts';
import { ProtocolError } from './errors.ts';
import type { Disposition, FrameHandler } from './frame.ts';
import { WHOLE } from './limits.ts';
import { type Bind, Frontend, formatOf, type Text } from './messages.ts';
import { type Analysis, notUnderstood } from './sql/statement.ts';
import { type Prepared, type Proposal, passes, type Statements } from './statements.ts';
import { storedName } from './stored-name.ts';
import type { Encoding } from './text.ts';
import { Writer } from './writer.ts';

/** Of one parameter, and of all of a Bind: what the record keeps. */
const PARAMETER_KEPT = 1024;
const PARAMETERS_KEPT = 256;
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
      case Frontend.Query:
        this.#query(message, decodeQuery(message, encoding).query);
        break;
      case Frontend.Parse: {
        const { statement, query: text } = decodeParse(message, encoding);
        this.#parse(message, storedName(statement), text);
        break;
      }
      case Frontend.Bind:
        this.#bind(message, decodeBind(message, encoding));
        break;
      case Frontend.Execute:
        this.#execute(message, storedName(decodeExecute(message, encoding).portal));
        break;
      case Frontend.Close:
        this.#close(message, decodeClose(message, encoding));
        break;
      case Frontend.PasswordMessage:
        this.#options.onAnswer(message);
        break;
      case Frontend.FunctionCall:
        this.#function(message, decodeFunctionCall(message).objectId);
        break;
      default:
        this.#options.answers.push({ kind: type === Frontend.Describe ? 'describe' : 'sync' });
        this.#options.toServer(message);
    }
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
      this.#bound(names[0] ?? '', names[1] ?? '', null);
      return true;
    }
    const statement = notUnderstood('', `longer than ${WHOLE} bytes, which are not read`);
    const decided = statements.decide(statement);
    if (!passes(decided.decision)) {
      statements.end(statements.begin(decided), { error: 'denied' });
      this.#denial = denial(decided.decision);
    } else if (type === Frontend.Query) answers.push({ kind: 'query', running: [statements.begin(decided)] });
    else this.#parsed(names[0] ?? '', { statements: [statement], parameters: null, running: null });
    return true;
  }

  #query(message: Buffer, { text, bytes }: Text): void {
    const { answers, statements, encoding } = this.#options;
    const run = new Run();
    for (const statement of this.#read(text, bytes)) {
      const decided = statements.decide(statement);
      if (passes(decided.decision)) {
        run.add(statements.begin(decided), statements.propose(decided.statement));
        continue;
      }
      statements.end(statements.begin(decided), { error: 'denied' });
      const before = text === null ? '' : text.slice(0, statement.start);
      // What cannot be written again as it came does not run: most of it would be rolled back anyway.
      if (encoding().text(encoding().bytes(before)) === before)
        this.#instead('query', run, before, denial(decided.decision));
      else {
        for (const one of run.running) statements.end(one, { error: 'denied with what follows it' });
        run.failed();
        this.#instead('query', new Run(), '', denial(decided.decision));
      }
      return;
    }
    answers.push({ kind: 'query', ...run });
    this.#options.toServer(message);
  }

  /** Decided when it is prepared, so that it fails there already, and again at each Execute, which is what is recorded. */
  #parse(message: Buffer, name: string, { text, bytes }: Text): void {
    const { statements } = this.#options;
    const read = this.#read(text, bytes);
    const decided = statements.decideAll(read);
    if (decided !== null && !passes(decided.decision)) {
      statements.end(statements.begin(decided), { error: 'denied' });
      this.#instead('parse', new Run(), '', denial(decided.decision));
      return;
    }
    this.#parsed(name, { statements: read, parameters: null, running: null });
    this.#options.toServer(message);
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

  #bind(message: Buffer, bound: Bind): void {
    this.#bound(
      storedName(bound.portal),
      storedName(bound.statement),
      parametersOf(bound, this.#options.encoding()),
    );
    this.#options.toServer(message);
  }

  #bound(portal: string, name: string, parameters: readonly (string | null)[] | null): void {
    const { answers, statements } = this.#options;
    const behind = statements.prepared.behind(name);
    const value: Prepared = {
      statements: behind.length === 0 ? [NOWHERE] : behind.flatMap((one) => one.statements),
      parameters,
      running: null,
    };
    statements.portals.propose(portal, value);
    answers.push({
      kind: 'bind',
      done: () => statements.portals.confirm(portal, value),
      failed: () => statements.portals.reject(portal, value),
    });
  }

  #execute(message: Buffer, portal: string): void {
    const { answers, statements } = this.#options;
    const behind = statements.portals.behind(portal);
    const suspended = behind.length === 1 ? (behind[0]?.running ?? null) : null;
    if (suspended !== null) {
      answers.push({ kind: 'execute', running: [suspended] });
      this.#options.toServer(message);
      return;
    }
    const decided = statements.decideAll(
      behind.length === 0 ? [NOWHERE] : behind.flatMap((one) => one.statements),
    );
    if (decided === null) {
      answers.push({ kind: 'execute' });
      this.#options.toServer(message);
      return;
    }
    const running = statements.begin(decided, behind[0]?.parameters ?? null);
    if (!passes(decided.decision)) {
      statements.end(running, { error: 'denied' });
      this.#instead('execute', new Run(), '', denial(decided.decision));
      return;
    }
    for (const one of behind) one.running = running;
    const proposal = statements.propose(decided.statement);
    answers.push({
      kind: 'execute',
      running: [running],
      done: () => {
        for (const one of behind) one.running = null;
        proposal?.done();
      },
      failed: () => proposal?.failed(),
    });
    this.#options.toServer(message);
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
    const decided = statements.decide({ ...statement, verb: 'call' });
    const running = statements.begin(decided);
    if (passes(decided.decision)) {
      answers.push({ kind: 'function', running: [running] });
      this.#options.toServer(message);
      return;
    }
    statements.end(running, { error: 'denied' });
    this.#instead('query', new Run(), '', denial(decided.decision));
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

/** The statements of one simple query, as the server comes to them. */
class Run {
  readonly running: Running[] = [];
  readonly #proposals: (Proposal | null)[] = [];
  #over = 0;

  add(running: Running, proposal: Proposal | null): void {
    this.running.push(running);
    this.#proposals.push(proposal);
  }

  readonly done = (at: number): void => {
    this.#over = at + 1;
    this.#proposals[at]?.done();
  };

  readonly failed = (): void => {
    for (const proposal of this.#proposals.slice(this.#over)) proposal?.failed();
  };
}

const NOWHERE = notUnderstood('', 'what was prepared or declared under this name is not known');

/** @returns null where the message ends before its names do */
function namesIn(message: Buffer, count: number): string[] | null {
  const names: string[] = [];
  let at = 5;
  while (names.length < count) {
    const end = message.indexOf(0, at);
    if (end < 0) return null;
    names.push(storedName(message.toString('utf8', at, end)));
    at = end + 1;
  }
  return names;
}

function parametersOf({ parameters, parameterFormats }: Bind, encoding: Encoding): (string | null)[] {
  const shown: (string | null)[] = [];
  for (let at = 0; at < Math.min(parameters.count, PARAMETERS_KEPT); at += 1) {
    const value = parameters.value(at);
    const kept = value?.subarray(0, PARAMETER_KEPT) ?? null;
    if (value === null || kept === null) shown.push(null);
    else {
      const text = formatOf(parameterFormats, at) === 0 ? encoding.show(kept) : `\\x${kept.toString('hex')}`;
      shown.push(kept.length === value.length ? text : `${text}… (${value.length} bytes)`);
    }
  }
  if (parameters.count > shown.length) shown.push(`… (${parameters.count} parameters)`);
  return shown;
}
