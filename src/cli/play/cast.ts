/** A terminal of a recording as asciicast v3 (asciinema's file format, https://docs.asciinema.org/manual/asciicast/v3/). */
import { StringDecoder } from 'node:string_decoder';
import type { ActionJson } from '../../api/json.ts';
import type { Replayed } from '../../recording/replay.ts';

/** What players draw where there was no terminal. */
const PLAIN = { cols: 80, rows: 24 };

export class Cast {
  readonly #action: number;
  readonly #print: (line: string) => void;
  readonly #decoders = new Map<string, StringDecoder>();
  #last: number | null = null;

  /** @param action whose terminal, by its number within the hop */
  constructor(action: number, print: (line: string) => void) {
    this.#action = action;
    this.#print = print;
  }

  /** The header has been written. */
  get begun(): boolean {
    return this.#last !== null;
  }

  take(event: Replayed): void {
    if (event.action !== this.#action) return;
    switch (event.type) {
      case 'terminal': {
        const { terminal, command, at } = event;
        this.#last = at;
        const term =
          terminal === null ? PLAIN : { cols: terminal.columns, rows: terminal.rows, type: terminal.term };
        const what = command === null ? {} : { command };
        this.#print(JSON.stringify({ version: 3, term, timestamp: Math.floor(at / 1e6), ...what }));
        return;
      }
      case 'stdout':
      case 'stderr':
        this.#event(event.at, 'o', this.#text(event.type, event.bytes));
        return;
      case 'input':
        this.#event(event.at, 'i', this.#text('input', event.bytes));
        return;
      case 'withheld':
        this.#event(event.at, 'm', `${event.count} bytes of input are not kept`);
        return;
      case 'binary':
        if (event.sum === null) this.#event(event.at, 'm', `${event.stream} is no text, and kept no more`);
        else
          this.#event(
            event.at,
            'm',
            `${event.stream}: ${event.sum.bytes} bytes, SHA-256 ${event.sum.sha256}`,
          );
        return;
      case 'resize':
        this.#event(event.at, 'r', `${event.columns}x${event.rows}`);
        return;
    }
  }

  /** How the program ended, where that is known. */
  end({ result, at }: ActionJson): void {
    const { exitStatus, milliseconds } = result ?? {};
    if (!this.begun || typeof exitStatus !== 'number') return;
    const took = typeof milliseconds === 'number' ? milliseconds * 1000 : 0;
    this.#event(Date.parse(at) * 1000 + took, 'x', `${exitStatus}`);
  }

  #event(at: number, code: string, data: string): void {
    const before = this.#last;
    if (before === null || data === '') return;
    this.#last = Math.max(before, at);
    const seconds = (this.#last - before) / 1e6;
    this.#print(JSON.stringify([Number(seconds.toFixed(6)), code, data]));
  }

  /** A character may begin in one record and end in a later one. */
  #text(stream: string, bytes: Buffer): string {
    const decoder = this.#decoders.get(stream) ?? new StringDecoder('utf8');
    this.#decoders.set(stream, decoder);
    return decoder.write(bytes);
  }
}
