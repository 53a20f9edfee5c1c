import { readFileSync, statSync } from 'node:fs';

/**
 * Names and numbers of host accounts, from passwd(5). Accounts of a directory service are not in that
 * file; sshd's PAM hook names those, and elsewhere the number stands for them.
 */
export class Accounts {
  readonly #path: string;
  #mtime = -1;
  #names = new Map<number, string>();
  #uids = new Map<string, number>();
  #shells = new Map<number, Set<string>>();

  constructor(path = '/etc/passwd') {
    this.#path = path;
  }

  nameOf(uid: number): string {
    this.#refresh();
    return this.#names.get(uid) ?? `uid:${uid}`;
  }

  /** Null for an account that is not in the file. */
  uidOf(name: string): number | null {
    this.#refresh();
    return this.#uids.get(name) ?? null;
  }

  /** What the accounts of a number have for a shell. */
  shellsOf(uid: number): ReadonlySet<string> {
    this.#refresh();
    return this.#shells.get(uid) ?? new Set();
  }

  #refresh(): void {
    const mtime = statSync(this.#path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (mtime === this.#mtime) return;
    this.#mtime = mtime;
    this.#names = new Map();
    this.#uids = new Map();
    this.#shells = new Map();
    if (mtime === 0) return;
    for (const line of readFileSync(this.#path, 'utf8').split('\n')) {
      const [name, , uid, , , , shell] = line.split(':');
      if (!name || !uid) continue;
      if (!this.#names.has(Number(uid))) this.#names.set(Number(uid), name);
      if (!this.#uids.has(name)) this.#uids.set(name, Number(uid));
      const shells = this.#shells.get(Number(uid)) ?? new Set();
      this.#shells.set(Number(uid), shells.add(shell || '/bin/sh'));
    }
  }
}
