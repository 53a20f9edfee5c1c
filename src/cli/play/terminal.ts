/** Terminals of a recording, for a person: drawn again on a terminal, as lines in a pipe. */

import { TERMINAL_RESET, TerminalText } from '../../core/terminal-text.ts';
import { printable } from '../../core/text.ts';
import type { Replayed } from '../../recording/replay.ts';
import { bytes } from '../format.ts';
import type { Style } from '../style.ts';

export interface TerminalViewOptions {
  readonly style: Style;
  /** Draws, on a terminal; null: lines. */
  readonly write: ((text: string) => void) | null;
  print(lines: readonly string[]): void;
}

/** Of a line that never ends. */
const MOST = 64 * 1024;

export type TerminalEvent = Exclude<Replayed, { type: 'result' | 'row' | 'end' }>;

type Shown = 'stdout' | 'stderr';

/** What one action gave. */
class Action {
  readonly texts: Readonly<Record<Shown, TerminalText>>;
  readonly lines: Record<Shown, string> = { stdout: '', stderr: '' };

  constructor(use: 'screen' | 'text') {
    this.texts = { stdout: new TerminalText(use), stderr: new TerminalText(use) };
  }
}

export class TerminalView {
  readonly #options: TerminalViewOptions;
  readonly #actions = new Map<number, Action>();
  #drawn = false;

  constructor(options: TerminalViewOptions) {
    this.#options = options;
  }

  take(event: TerminalEvent): void {
    const { style, write, print } = this.#options;
    const { colors } = style;
    switch (event.type) {
      case 'terminal': {
        this.#actions.set(event.action, new Action(write === null ? 'text' : 'screen'));
        const { terminal } = event;
        const size =
          terminal === null ? 'no terminal' : `terminal of ${terminal.columns} by ${terminal.rows}`;
        print([`  ${colors.dim(`${size}:`)}`]);
        return;
      }
      case 'stdout':
      case 'stderr':
        this.#output(event.action, event.type, event.bytes);
        return;
      case 'resize':
        if (write === null) print([`  ${colors.dim(`(the terminal is ${event.columns} by ${event.rows})`)}`]);
        return;
      case 'withheld':
        if (write === null) print([`  ${colors.dim(`(${event.count} bytes of input are not kept)`)}`]);
        return;
      case 'binary':
        this.#binary(event);
        return;
      case 'closed':
        this.#close(event.action);
        return;
      // What was typed is in what the screen showed.
      case 'input':
        return;
    }
  }

  /** Nothing more comes. */
  end(): void {
    for (const action of [...this.#actions.keys()]) this.#close(action);
  }

  #output(number: number, stream: Shown, bytes: Buffer): void {
    const { write } = this.#options;
    const action = this.#actions.get(number);
    if (action === undefined) return;
    const text = action.texts[stream].push(bytes);
    if (write !== null) {
      this.#drawn = true;
      write(text);
      return;
    }
    const lines = `${action.lines[stream]}${text}`.split(/\r*\n/);
    const last = lines.pop() ?? '';
    action.lines[stream] = last.length > MOST ? '' : last;
    this.#lines(stream, last.length > MOST ? [...lines, last] : lines);
  }

  /** Drawn, nothing is said before the end: what is drawn would be gone. */
  #binary({ stream, kept, sum }: TerminalEvent & { type: 'binary' }): void {
    const { style, write, print } = this.#options;
    if (sum === null && write !== null) return;
    this.#reset();
    const what =
      sum === null
        ? `${stream} is no text: ${bytes(kept)} of it are kept`
        : `${stream}: ${sum.bytes} bytes in all, SHA-256 ${sum.sha256}`;
    print([`  ${style.colors.dim(`(${printable(what)})`)}`]);
  }

  #close(number: number): void {
    const action = this.#actions.get(number);
    if (action === undefined) return;
    this.#actions.delete(number);
    for (const stream of ['stdout', 'stderr'] as const)
      if (action.lines[stream] !== '') this.#lines(stream, [action.lines[stream]]);
    this.#reset();
  }

  #reset(): void {
    if (this.#drawn) this.#options.write?.(`${TERMINAL_RESET}\r\n`);
    this.#drawn = false;
  }

  #lines(stream: Shown, lines: readonly string[]): void {
    const { style, print } = this.#options;
    const mark = stream === 'stderr' ? `${style.colors.red('!')} ` : '';
    // A line that was written over, as progress is, shows what it was at last.
    const last = (line: string) => line.slice(line.lastIndexOf('\r') + 1);
    if (lines.length > 0)
      print(lines.map((line) => `  ${mark}${printable(last(line).replaceAll('\t', '    '))}`));
  }
}
