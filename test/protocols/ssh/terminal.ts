/** A program on a terminal, and what is on it. */
import { spawn } from 'node-pty';
import { until } from '../../until.ts';

export interface Terminal {
  readonly pid: number;
  /** Everything shown so far. */
  shown(): string;
  /** Waits until this is shown behind what was waited for before. */
  expect(what: RegExp): Promise<string>;
  type(text: string): void;
  resize(columns: number, rows: number): void;
  /** Its exit code. */
  exit(): Promise<number>;
}

export function terminal(command: string, args: readonly string[]): Terminal {
  const { SSH_AUTH_SOCK: _, SSH_ASKPASS_REQUIRE: __, ...env } = process.env;
  const pty = spawn(command, [...args], {
    cols: 100,
    rows: 30,
    name: 'xterm-256color',
    env: env as Record<string, string>,
  });
  let text = '';
  let seen = 0;
  let code: number | null = null;
  pty.onData((data) => {
    text += data;
  });
  pty.onExit(({ exitCode }) => {
    code = exitCode;
  });
  return {
    pid: pty.pid,
    shown: () => text,
    async expect(what) {
      const found = await until(
        () => what.exec(text.slice(seen)),
        `${what} on the terminal, which shows: ${text}`,
      );
      seen += found.index + found[0].length;
      return found[0];
    },
    type: (typed) => pty.write(typed),
    resize: (columns, rows) => pty.resize(columns, rows),
    exit: async () =>
      (await until(() => (code === null ? null : { code }), `the end of ${command}: ${text}`)).code,
  };
}
