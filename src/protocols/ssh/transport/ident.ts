/** The line with which each side begins (RFC 4253 section 4.2). */
import { SshError } from '../errors.ts';
import { Disconnect } from '../numbers.ts';

/**
 * OpenSSH, on either side, keeps what it does beyond the RFCs (telling that a pipe broke, no more sessions) for peers
 * whose version begins like its own; what it sends there reaches the other end unchanged.
 */
export const IDENT = 'SSH-2.0-OpenSSH_Hopline';

/** RFC 4253: 255 with CR and LF. Lines before it have no limit there; OpenSSH's are these (kex.c). */
const LONGEST_LINE = 8192;
const MOST_LINES = 1024;

export interface Ident {
  /** Without CR LF, as it is hashed. */
  readonly line: Buffer;
  /** What came behind it. */
  readonly rest: Buffer;
}

export class IdentReader {
  #held: Buffer = Buffer.alloc(0);
  #lines = 0;
  readonly #othersBefore: boolean;

  /** @param othersBefore a server may send other lines first */
  constructor(othersBefore: boolean) {
    this.#othersBefore = othersBefore;
  }

  /** @returns null while the line is not whole. @throws SshError where it is none */
  push(chunk: Buffer): Ident | null {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    for (;;) {
      const end = this.#held.indexOf(0x0a);
      if (end > LONGEST_LINE || (end < 0 && this.#held.length > LONGEST_LINE))
        throw none('a line that is too long');
      if (end < 0) {
        // A copy: the chunk belongs to the socket's reader.
        this.#held = Buffer.from(this.#held);
        return null;
      }
      const line = this.#held.subarray(0, this.#held[end - 1] === 0x0d ? end - 1 : end);
      const rest = this.#held.subarray(end + 1);
      if (line.subarray(0, 4).equals(PREFIX)) {
        if (!/^SSH-(?:2\.0|1\.99)-[^\0]*$/.test(line.toString('latin1')))
          throw none(`another version: ${line.toString('latin1').slice(0, 60)}`);
        return { line: Buffer.from(line), rest };
      }
      this.#lines += 1;
      if (!this.#othersBefore || this.#lines > MOST_LINES) throw none('something else than an SSH peer');
      this.#held = rest;
    }
  }
}

const PREFIX = Buffer.from('SSH-');

function none(what: string): SshError {
  return new SshError(Disconnect.PROTOCOL_ERROR, `not understood: ${what}`);
}
