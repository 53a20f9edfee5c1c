import { close, constants, fstat, open, write } from 'node:fs';
import type { Image } from '../attribution/image.ts';
import { ttyPath } from '../attribution/proc.ts';
import type { Root } from '../attribution/roots.ts';
import { readStat } from '../core/stat.ts';

const REPEAT_MS = 1000;
/** Texts that a login gets in WINDOW_MS; of those beyond it only the number. */
const TEXTS = 5;
const WINDOW_MS = 10_000;
const REMEMBERED = 1000;

/** The process that was refused. Its pid may be another's by now; below sudo and su its number is not the login's. */
type Refused = Pick<Image, 'pid' | 'startNs' | 'uid'>;
type Login = Pick<Root, 'id' | 'uid' | 'tty' | 'ended'>;

interface Terminal {
  readonly path: string;
  /** Whose device it has to be: a terminal that was closed is soon another person's. */
  readonly owners: readonly number[];
}

interface Told {
  readonly since: number;
  count: number;
  more: number;
  last: string;
  lastAt: number;
}

/**
 * Tells a person, on the terminal of the process it concerns, why a connection was refused. Never waits
 * for a terminal: one that is stopped (Ctrl-S) loses the line, the record has it.
 */
export class Terminals {
  readonly #told = new Map<string, Told>();
  readonly #write: (terminal: Terminal, text: string) => void;

  constructor(writer = writeLine) {
    this.#write = writer;
  }

  /** @returns the terminal that it is meant for, or null where there is none */
  tell(refused: Refused, login: Login, text: string): string | null {
    const terminal = terminalOf(refused, login);
    if (terminal === null) return null;
    const now = Date.now();
    const told = this.#of(login.id, terminal, now);
    if (told.last === text && now - told.lastAt < REPEAT_MS) return terminal.path;
    told.last = text;
    told.lastAt = now;
    if (told.count >= TEXTS) told.more++;
    else {
      told.count++;
      this.#write(terminal, text);
    }
    return terminal.path;
  }

  #of(login: string, terminal: Terminal, now: number): Told {
    const known = this.#told.get(login);
    if (known && now - known.since < WINDOW_MS) return known;
    if (this.#told.size >= REMEMBERED) this.#told.delete(this.#told.keys().next().value as string);
    const told: Told = { since: now, count: 0, more: 0, last: '', lastAt: 0 };
    this.#told.delete(login);
    this.#told.set(login, told);
    const close = () => {
      if (this.#told.get(login) === told) this.#told.delete(login);
      if (told.more > 0) this.#write(terminal, `and ${told.more} more: hopline hops --denied`);
    };
    setTimeout(close, WINDOW_MS).unref();
    return told;
  }
}

/** The process's own, or that of its login while that lasts. */
function terminalOf({ pid, startNs, uid }: Refused, login: Login): Terminal | null {
  const stat = readStat(pid);
  const device = stat?.startTicks === Number(startNs / 10_000_000n) ? stat.tty : 0;
  const own = device === 0 ? null : ttyPath(device);
  const owners = login.uid === null ? [] : [login.uid];
  if (own !== null) return { path: own, owners: [...owners, uid] };
  const path = login.ended === null ? login.tty : null;
  return path !== null && /^\/dev\/(?:pts\/\d+|tty\d+)$/.test(path) ? { path, owners } : null;
}

function writeLine({ path, owners }: Terminal, text: string): void {
  const line = Buffer.from(`\r\nhopline: ${printable(text)}\r\n`);
  const { O_WRONLY, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK } = constants;
  open(path, O_WRONLY | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK, (error, fd) => {
    if (error) return;
    fstat(fd, (failed, stat) => {
      const end = () => close(fd, () => {});
      if (failed || !stat.isCharacterDevice() || !owners.includes(stat.uid)) end();
      else write(fd, line, end);
    });
  });
}

/** Names in a reason come from targets and policies, and a terminal obeys what it is sent. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}]/gu, '�').slice(0, 500);
}
