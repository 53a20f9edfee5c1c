import { close, constants, open, write } from 'node:fs';
import { readStat, ttyPath } from '../attribution/proc.ts';

const REPEAT_MS = 1000;
const REMEMBERED = 1000;

/**
 * Tells a person, on the terminal of the process it concerns, why a connection was refused. Never waits
 * for a terminal: one that is stopped (Ctrl-S) loses the line, the record has it.
 */
export class Terminals {
  readonly #last = new Map<string, { text: string; at: number }>();

  /**
   * @param pid the process that was refused
   * @param fallback the login's terminal, where the process has none of its own any more
   * @returns the terminal written to, or null where there is none
   */
  tell(pid: number, fallback: string | null, text: string): string | null {
    const device = readStat(pid)?.tty ?? 0;
    const tty = (device === 0 ? null : ttyPath(device)) ?? fallback;
    if (tty === null || !/^\/dev\/(?:pts\/\d+|tty\d+)$/.test(tty)) return null;
    const now = Date.now();
    const before = this.#last.get(tty);
    if (before && before.text === text && now - before.at < REPEAT_MS) return tty;
    if (this.#last.size > REMEMBERED) this.#last.clear();
    this.#last.set(tty, { text, at: now });
    const line = Buffer.from(`\r\nhopline: ${printable(text)}\r\n`);
    open(tty, constants.O_WRONLY | constants.O_NOCTTY | constants.O_NONBLOCK, (error, fd) => {
      if (!error) write(fd, line, () => close(fd, () => {}));
    });
    return tty;
  }
}

/** Names in a reason come from targets and policies, and a terminal obeys what it is sent. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}]/gu, '�').slice(0, 500);
}
