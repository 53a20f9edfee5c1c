/** Questions to hosts that did not answer, in a file: they are asked again also by the daemon after this one. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { endpoint, record } from '../core/fields.ts';
import { replaceFile } from '../core/replace-file.ts';
import type { Endpoint, Id, LinkEvidence, Micros } from '../core/types.ts';

/** The connection by which a login came, as sshd has it. */
export interface Arriving {
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly at: Micros;
}

export interface Asking {
  readonly login: Id;
  readonly host: string;
  readonly evidence: LinkEvidence;
  readonly arriving: Arriving;
  /** Of the SYN option; 16 hexadecimal digits. */
  readonly handle: string | null;
}

/** Many logins come while a host is away: the file is written once for what comes together. */
const TOGETHER_MS = 100;
const EVIDENCE: readonly unknown[] = ['certificate', 'syn-option', 'four-tuple'] satisfies LinkEvidence[];

export class Unanswered {
  readonly #path: string;
  readonly #all: () => Iterable<Asking>;
  readonly #onError: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;
  #written: string | undefined;

  /** @param all those that have no answer at the time */
  constructor(path: string, all: () => Iterable<Asking>, onError: (error: Error) => void) {
    this.#path = path;
    this.#all = all;
    this.#onError = onError;
  }

  /** What the daemon before left. What is not readable is told of, and left out. */
  read(): Asking[] {
    if (!existsSync(this.#path)) return [];
    try {
      const written: unknown = JSON.parse(readFileSync(this.#path, 'utf8'));
      return Array.isArray(written) ? written.flatMap((one) => asking(one) ?? []) : [];
    } catch (error) {
      this.#onError(error as Error);
      return [];
    }
  }

  changed(): void {
    this.#timer ??= setTimeout(() => this.write(), TOGETHER_MS).unref();
  }

  write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const all = [...this.#all()].map(({ login, host, evidence, arriving, handle }) => {
      return { login, host, evidence, arriving, handle };
    });
    const text = JSON.stringify(all);
    // Asked again in vain.
    if (text === this.#written) return;
    try {
      if (all.length === 0) rmSync(this.#path, { force: true });
      else {
        mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
        replaceFile(this.#path, text, 0o600);
      }
      this.#written = text;
    } catch (error) {
      this.#onError(error as Error);
    }
  }
}

function asking(value: unknown): Asking | null {
  const { login, host, evidence, arriving, handle } = record(value) ?? {};
  const { client, server, at } = record(arriving) ?? {};
  const ends = { client: endpoint(client), server: endpoint(server) };
  if (typeof login !== 'string' || typeof host !== 'string' || typeof at !== 'number') return null;
  if (ends.client === null || ends.server === null || !EVIDENCE.includes(evidence)) return null;
  if (handle !== null && typeof handle !== 'string') return null;
  const came = { client: ends.client, server: ends.server, at };
  return { login, host, evidence: evidence as LinkEvidence, arriving: came, handle };
}
