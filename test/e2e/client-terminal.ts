/** A person's terminal on the laptop, with the real ssh client in it. */
import { type IPty, spawn } from 'node-pty';
import type { Test } from 'tap';
import { labEnv, labScript, until } from './support.ts';

export class ClientTerminal {
  said = '';
  readonly pty: IPty;
  readonly ended: Promise<number>;

  /** Gone at the test's end. @param args of `scripts/lab` */
  constructor(t: Test, args: readonly string[]) {
    this.pty = spawn(labScript, [...args], { cols: 100, rows: 30, env: { ...labEnv, TERM: 'xterm' } });
    this.pty.onData((text) => {
      this.said += text;
    });
    this.ended = new Promise((resolve) => this.pty.onExit(({ exitCode }) => resolve(exitCode)));
    t.teardown(async () => {
      this.pty.kill();
      await this.ended;
    });
  }

  async sees(pattern: RegExp): Promise<void> {
    await until(() => pattern.test(this.said), `${pattern}`).catch((error: Error) => {
      throw new Error(`${error.message} in ${JSON.stringify(this.said)}`);
    });
  }

  /** Types, and waits for what comes of it. */
  async types(text: string, pattern: RegExp): Promise<void> {
    const from = this.said.length;
    this.pty.write(text);
    await until(() => pattern.test(this.said.slice(from)), `${pattern}`).catch((error: Error) => {
      throw new Error(`${error.message} in ${JSON.stringify(this.said.slice(from))}`);
    });
  }
}
