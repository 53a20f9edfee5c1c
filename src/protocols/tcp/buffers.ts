/**
 * Where bytes are read to. Idle connections share one buffer; a direction that fills it is lent a large one of its
 * own until its reads get small again. Lending is capped, so a worker's buffers never exceed `LENT_LIMIT * LARGE`.
 */

/** Reads go here by default. One is enough: what is read is copied out before the next read of anyone. */
export const SHARED = Buffer.allocUnsafeSlow(64 * 1024);

/** Larger reads mean fewer system calls; beyond this the cache, not the call, is the cost. */
const LARGE = 512 * 1024;
const LENT_LIMIT = 32;

const free: Buffer[] = [];
let lent = 0;

/** @returns a large buffer, or null where all are lent: the caller goes on with `SHARED` */
export function borrow(): Buffer | null {
  if (lent >= LENT_LIMIT) return null;
  lent += 1;
  return free.pop() ?? Buffer.allocUnsafeSlow(LARGE);
}

/** @param buffer one that `borrow` gave, and that no write still reads from */
export function giveBack(buffer: Buffer): void {
  lent -= 1;
  if (free.length < 4) free.push(buffer);
}
