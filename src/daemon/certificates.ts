/** The host's own authority: its key stays here, workers get the certificates that it signs. */
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import type { Mint } from '../tls/mint.ts';
import type { Minted } from '../tls/minted.ts';

/** As in tls/ca.ts, which is not loaded for its name. */
const CERTIFICATE = 'ca.crt';
const MAKING_MS = 30_000;
const MAKE =
  'const [url, directory, host] = process.argv.slice(1); import(url).then((ca) => ca.openAuthority({ directory, host }))';

export interface CertificatesOptions {
  /** Where the authority's key and certificate are, or are made. */
  readonly directory: string;
  readonly host: string;
  /** Where `ca.crt` is put for everybody to read. */
  readonly publicDirectory: string;
}

export class Certificates {
  readonly #options: CertificatesOptions;
  #mint: Promise<Mint> | null = null;

  constructor(options: CertificatesOptions) {
    this.#options = options;
  }

  /**
   * Puts the authority's certificate where clients read it, before the first of them connects: they look for the file
   * before they say the name that they want. One is made where there is none, once in the life of a host, by a process
   * of its own: what making takes of memory goes with it. What fails is told, and tried again by who asks for a name.
   */
  async publish(log: Pick<Logger, 'error'>): Promise<void> {
    try {
      await this.#publish();
    } catch (error) {
      const { message, stderr = '' } = error as Error & { stderr?: string };
      const why = /^(?:\w*Error): .*$/m.exec(stderr)?.[0] ?? message;
      log.error({ error: why }, 'ca.crt cannot be put where clients read it: those that verify fail');
    }
  }

  async #publish(): Promise<void> {
    const { directory, host, publicDirectory } = this.#options;
    if (!existsSync(join(directory, CERTIFICATE)))
      await promisify(execFile)(
        process.execPath,
        ['-e', MAKE, import.meta.resolve('../tls/ca.ts'), directory, host],
        { timeout: MAKING_MS },
      );
    copyFileSync(join(directory, CERTIFICATE), join(publicDirectory, CERTIFICATE));
  }

  /**
   * @param names as a worker gave them: they are checked
   * @throws CaError, MintError
   */
  async mint(names: readonly string[]): Promise<Minted> {
    this.#mint ??= this.#open();
    try {
      return await (await this.#mint).mint({ names });
    } catch (error) {
      // The next one who asks tries again: what was wrong with the files may be mended.
      if ((error as Error).name === 'CaError') this.#mint = null;
      throw error;
    }
  }

  /** Loaded when first asked for: a host without such clients spares the memory. */
  async #open(): Promise<Mint> {
    const { directory, host } = this.#options;
    const [{ openAuthority }, { Mint }] = await Promise.all([
      import('../tls/ca.ts'),
      import('../tls/mint.ts'),
    ]);
    const authority = await openAuthority({ directory, host });
    await this.#publish();
    return new Mint({ authority });
  }
}
