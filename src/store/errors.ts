/**
 * What the store reports. `full`: the disk would not take it, nothing of it was kept. `orphan`: an end or a decision of
 * something that was never recorded. `newer`: written by a later version of Hopline. `corrupt`, `open`: not usable.
 */
export type StoreErrorCode = 'full' | 'orphan' | 'newer' | 'corrupt' | 'open' | 'other';

export class StoreError extends Error {
  override readonly name: string = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

export class StoreFullError extends StoreError {
  override readonly name = 'StoreFullError';

  constructor(message: string, cause?: unknown) {
    super('full', message, cause);
  }
}

/** What a person named is not there, or may be several things. */
export class LookupError extends Error {
  override readonly name = 'LookupError';
  readonly code: 'not_found' | 'ambiguous';
  /** What was meant, perhaps: ids or names, at most ten. */
  readonly candidates: readonly string[];

  constructor(code: 'not_found' | 'ambiguous', message: string, candidates: readonly string[] = []) {
    super(message);
    this.code = code;
    this.candidates = candidates;
  }
}

const FULL = /^(SQLITE_FULL|SQLITE_IOERR|ENOSPC|EDQUOT)/;
const CORRUPT = /^(SQLITE_CORRUPT|SQLITE_NOTADB)/;

/** The store's own error for one of SQLite's; any other error comes back as it is. */
export function translate(error: unknown, doing: string): unknown {
  if (!(error instanceof Error) || error instanceof StoreError) return error;
  const code = 'code' in error ? String(error.code) : '';
  if (FULL.test(code)) {
    return new StoreFullError(`${doing}: the disk does not take it (${code}: ${error.message})`, error);
  }
  if (code === 'SQLITE_CONSTRAINT_FOREIGNKEY') {
    return new StoreError('orphan', `${doing}: it belongs to something that was never recorded`, error);
  }
  if (CORRUPT.test(code)) return new StoreError('corrupt', `${doing}: ${error.message}`, error);
  if (code.startsWith('SQLITE_'))
    return new StoreError('other', `${doing}: ${code}: ${error.message}`, error);
  return error;
}
