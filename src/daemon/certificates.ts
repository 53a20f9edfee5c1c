/** The host's own authority: its key stays here, workers get the certificates that it signs. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mint } from '../tls/mint.ts';
import type { Minted } from '../tls/minted.ts';

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
    const { directory, host, publicDirectory } = this.#options;
    const [{ openAuthority, CERTIFICATE_FILE }, { Mint }] = await Promise.all([
      import('../tls/ca.ts'),
      import('../tls/mint.ts'),
    ]);
    const authority = await openAuthority({ directory, host });
    copyFileSync(join(directory, CERTIFICATE_FILE), join(publicDirectory, CERTIFICATE_FILE));
    return new Mint({ authority });
  }
}
