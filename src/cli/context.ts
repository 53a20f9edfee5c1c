import type { ControlClient } from '../api/client.ts';
import type { Checked } from '../api/protocol.ts';
import type { Replayer } from '../recording/replay.ts';
import { type Style, styleFor } from './style.ts';

export const DEFAULT_SOCKET = '/run/hopline/control.sock';

/** Options that every command has. */
export interface GlobalOptions {
  readonly socket: string;
  readonly json?: boolean;
  readonly color: boolean;
  readonly ascii?: boolean;
}

/** What the entry hands in: the rooms that the CLI does not import itself. */
export interface Wiring {
  /** Reads and validates a configuration directory without the daemon. */
  readonly checkConfig: (dir: string) => Promise<Checked>;
  /** Reads recordings of a kind; null where none can. */
  readonly replayer: (kind: string) => Promise<Replayer | null>;
  readonly version: string;
}

/** What a command works with. */
export interface Context {
  readonly json: boolean;
  readonly style: Style;
  readonly socket: string;
  readonly wiring: Wiring;
  /** Writes lines to standard output. */
  print(lines: string | readonly string[]): void;
  /** Writes to standard output as it is; null where that is no terminal. */
  readonly write: ((text: string) => void) | null;
  printJson(value: unknown): void;
  /** For a person beside the result: standard error. */
  note(line: string): void;
  /** Connects, runs, closes. @throws ControlError when there is no daemon */
  ask<T>(fn: (client: ControlClient) => Promise<T>): Promise<T>;
}

export function createContext(options: GlobalOptions, wiring: Wiring): Context {
  const { stdout } = process;
  const json = options.json === true;
  return {
    json,
    style: styleFor({
      tty: stdout.isTTY === true && !json,
      columns: stdout.columns,
      color: options.color,
      ascii: options.ascii === true,
      env: process.env,
    }),
    socket: options.socket,
    wiring,
    print(lines) {
      const text = typeof lines === 'string' ? lines : lines.join('\n');
      if (text !== '') stdout.write(`${text}\n`);
    },
    write: stdout.isTTY === true && !json ? (text) => void stdout.write(text) : null,
    printJson: (value) => void stdout.write(`${JSON.stringify(value)}\n`),
    note: (line) => void process.stderr.write(`${line}\n`),
    async ask(fn) {
      const { ControlClient } = await import('../api/client.ts');
      using client = await ControlClient.connect({ path: options.socket });
      return await fn(client);
    },
  };
}
