/** Lines that a terminal showed, with a text in them. */
import { TerminalText } from '../../core/terminal-text.ts';
import type { Replayed } from '../../recording/replay.ts';

export interface Hit {
  readonly action: number;
  /** Microseconds since the Unix epoch. */
  readonly at: number;
  readonly line: string;
}

/** Of a line that never ends. */
const MOST = 64 * 1024;

interface Line {
  readonly text: TerminalText;
  begun: number;
  line: string;
}

export class Search {
  readonly #wanted: string;
  readonly #lines = new Map<string, Line>();

  /** @param wanted in any case */
  constructor(wanted: string) {
    this.#wanted = wanted.toLowerCase();
  }

  *take(event: Replayed): Generator<Hit, void> {
    if (event.type === 'closed') {
      for (const stream of ['stdout', 'stderr'])
        yield* this.#found(event.action, `${event.action}.${stream}`);
      return;
    }
    if (event.type !== 'stdout' && event.type !== 'stderr') return;
    const key = `${event.action}.${event.type}`;
    const open = this.#lines.get(key) ?? { text: new TerminalText('text'), begun: event.at, line: '' };
    this.#lines.set(key, open);
    const parts = open.text.push(event.bytes).split(/[\r\n]+/);
    for (const [index, part] of parts.entries()) {
      if (index > 0) {
        yield* this.#found(event.action, key);
        open.begun = event.at;
      }
      open.line = `${open.line}${part}`.slice(-MOST);
    }
  }

  *#found(action: number, key: string): Generator<Hit, void> {
    const open = this.#lines.get(key);
    if (open === undefined) return;
    const { line, begun } = open;
    open.line = '';
    if (line.toLowerCase().includes(this.#wanted)) yield { action, at: begun, line };
  }
}
