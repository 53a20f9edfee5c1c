/** A hop's steps as lines for a person. Everything that came from outside goes through `printable`. */
import type { ActionJson, RecordingJson } from '../../api/json.ts';
import { printable } from '../../core/text.ts';
import type { Replayed, ReplayedColumn } from '../../recording/replay.ts';
import { bytes, count } from '../format.ts';
import { resultWords } from '../result-words.ts';
import type { Style } from '../style.ts';
import type { Found } from './fetch.ts';
import { RowsTable } from './rows.ts';
import { TerminalView } from './terminal.ts';

export interface ScreenOptions {
  readonly style: Style;
  /** Of one value; null: whatever it takes. */
  readonly width: number | null;
  /** Recordings that there is something to be read of. */
  readonly reels: number;
  /** Draws what terminals showed; null: lines. */
  readonly write: ((text: string) => void) | null;
  print(lines: readonly string[]): void;
}

/** Characters of a statement, where not all is asked for. */
const STATEMENT = 4000;

/** Statements whose rows are still awaited: portals may give theirs by turns, and of some the end is missing. */
const AWAITED = 100;

interface Awaited {
  readonly action: ActionJson;
  columns: readonly ReplayedColumn[] | null;
  shown: number;
}

export class Screen {
  readonly #options: ScreenOptions;
  readonly #awaited = new Map<number, Awaited>();
  /** Whose rows come. */
  #of: number | null = null;
  #table: RowsTable | null = null;
  readonly #terminals: TerminalView;
  #last = 0;
  #reels: number;

  constructor(options: ScreenOptions) {
    this.#options = options;
    this.#reels = options.reels;
    this.#terminals = new TerminalView(options);
  }

  statement(action: ActionJson): void {
    this.#flush();
    const { style, width, print } = this.#options;
    const { colors } = style;
    const { seq, detail, at, decision, subject, result } = action;
    const text = typeof detail.statement === 'string' ? detail.statement : subject;
    const whole = width === null || text.length <= STATEMENT;
    const shown = whole ? text : `${text.slice(0, STATEMENT).toWellFormed()}…`;
    print([
      '',
      [colors.dim(timeOf(at)), colors.cyan(`#${seq}`), outcomeOf(action, style), ...timing(action)].join(
        '  ',
      ),
      ...shown.split('\n').map((line) => `  ${colors.bold(printable(line.replaceAll('\t', '    ')))}`),
      ...parameters(detail).map((line) => `  ${line}`),
      ...(decision.outcome === 'allow' ? [] : [`  ${colors.red(printable(decision.reason))}`]),
      ...masked({ ...detail, ...result }).map((line) => `  ${colors.yellow(line)}`),
    ]);
    this.#last = seq;
    if (this.#reels > 0 && (result === null || result.recorded))
      this.#await({ action, columns: null, shown: 0 });
    else if (result === null) return;
    else if (gaveRows(result)) this.#foot(action, 0);
  }

  replayed(event: Replayed): void {
    if (event.type !== 'result' && event.type !== 'row' && event.type !== 'end') {
      this.#terminals.take(event);
      return;
    }
    const awaited = this.#awaited.get(event.action);
    if (event.type === 'end') {
      this.#flush();
      this.#awaited.delete(event.action);
      if (awaited !== undefined) this.#foot(awaited.action, awaited.shown);
      return;
    }
    if (event.type === 'result') {
      if (awaited !== undefined) awaited.columns = event.columns;
      this.#open(event.action, event.columns);
      return;
    }
    if (this.#of !== event.action) this.#open(event.action, awaited?.columns ?? null);
    this.#table?.add(event.values, event.cut);
    if (awaited !== undefined) awaited.shown += 1;
  }

  recording({ id, bytes: length }: RecordingJson, { damage, missing }: Found): void {
    this.end();
    this.#reels -= 1;
    const { style, print } = this.#options;
    const { colors } = style;
    const size = length === null ? '' : ` (${bytes(length)})`;
    if (damage !== null) print(['', colors.red(`recording ${id}${size}: ${printable(damage)}`)]);
    if (missing !== null) print(['', colors.yellow(`recording ${id}${size}: ${printable(missing)}`)]);
  }

  /** Nothing more comes of what is awaited. */
  end(): void {
    this.#terminals.end();
    this.#flush();
    for (const { action, shown } of this.#awaited.values()) if (shown > 0) this.#foot(action, shown);
    this.#awaited.clear();
  }

  #await(awaited: Awaited): void {
    this.#awaited.set(awaited.action.seq, awaited);
    const [oldest] = this.#awaited.keys();
    if (this.#awaited.size > AWAITED && oldest !== undefined) this.#awaited.delete(oldest);
  }

  #open(action: number, columns: readonly ReplayedColumn[] | null): void {
    this.#flush();
    const { style, width, print } = this.#options;
    if (this.#last !== action) print(['', `  ${style.colors.dim(`rows of #${action}:`)}`]);
    this.#last = action;
    this.#of = action;
    const indented = (lines: readonly string[]) => print(lines.map((line) => `  ${line}`));
    this.#table = new RowsTable(columns, { style, width, print: indented });
  }

  #flush(): void {
    this.#table?.flush();
    this.#table = null;
    this.#of = null;
  }

  #foot(action: ActionJson, shown: number): void {
    const { style, print } = this.#options;
    print([`  ${style.colors.dim(rowsLine(action, shown))}`]);
  }
}

function rowsLine({ result }: ActionJson, shown: number): string {
  const rows = typeof result?.rows === 'number' ? result.rows : null;
  if (rows === null) return `(${count(shown, 'row')} recorded; how many there were is not)`;
  if (shown >= rows) return `(${count(rows, 'row')})`;
  if (shown > 0) return `(the first ${shown} of ${count(rows, 'row')} recorded)`;
  return result?.recorded
    ? `(${count(rows, 'row')}; what was recorded of them is not there)`
    : `(${count(rows, 'row')}, none recorded)`;
}

/** The tag of what only changes rows counts them as well; nobody saw any. */
function gaveRows({ rows, tag }: NonNullable<ActionJson['result']>): boolean {
  return typeof rows === 'number' && rows > 0 && !/^(?:INSERT|UPDATE|DELETE|MERGE)\b/.test(String(tag));
}

function timing({ result }: ActionJson): string[] {
  if (result === null) return ['its end is not on record'];
  const { milliseconds } = result;
  const time = typeof milliseconds === 'number' ? [`${milliseconds.toFixed(1)} ms`] : [];
  return [...time, ...resultWords(result, true)];
}

function outcomeOf({ decision }: ActionJson, { colors }: Style): string {
  const { outcome, observed } = decision;
  if (outcome === 'allow') return colors.green('allow');
  return colors.red(observed ? `${outcome} (observed, let pass)` : outcome);
}

function parameters(detail: ActionJson['detail']): string[] {
  const given = Array.isArray(detail.parameters) ? detail.parameters : [];
  return given.map((value, at) =>
    value === null ? `$${at + 1} = NULL` : `$${at + 1} = '${printable(String(value))}'`,
  );
}

/** Of what was held the end tells it, else the beginning. */
function masked(detail: ActionJson['detail']): string[] {
  const names = (value: unknown) =>
    Array.isArray(value) ? value.map((name) => printable(String(name))) : [];
  const [now, would] = [names(detail.masked), names(detail.wouldMask)];
  return [
    ...(now.length > 0 ? [`masked: ${now.join(', ')}`] : []),
    ...(would.length > 0 ? [`would be masked: ${would.join(', ')}`] : []),
  ];
}

/** With the milliseconds: statements follow each other quickly. */
function timeOf(text: string): string {
  const time = new Date(text);
  const two = (value: number) => String(value).padStart(2, '0');
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
  return `${clock}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}
