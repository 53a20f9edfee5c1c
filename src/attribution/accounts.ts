import { readFileSync, statSync } from 'node:fs';

/**
 * Names of host accounts by number, from passwd(5). Accounts of a directory service are not in that
 * file; sshd's PAM hook names those, and elsewhere the number stands for them.
 */
export class Accounts {
  readonly #path: string;
  #mtime = -1;
  #names = new Map<number, string>();

  constructor(path = '/etc/passwd') {
    this.#path = path;
  }

  nameOf(uid: number): string {
    this.#refresh();
    return this.#names.get(uid) ?? `uid:${uid}`;
  }

  #refresh(): void {
    const mtime = statSync(this.#path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (mtime === this.#mtime) return;
    this.#mtime = mtime;
    this.#names = new Map();
    if (mtime === 0) return;
    for (const line of readFileSync(this.#path, 'utf8').split('\n')) {
      const [name, , uid] = line.split(':');
      if (name && uid && !this.#names.has(Number(uid))) this.#names.set(Number(uid), name);
    }
  }
}
