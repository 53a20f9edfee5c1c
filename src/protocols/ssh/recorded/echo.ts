/**
 * Which of what a person types shows on the screen. Whether the host's terminal echoes is not told on the wire, so it is
 * seen: what the host gives next begins with it, or it was not echoed. Threat: a password in a recording. What is in
 * doubt is withheld; keys of full-screen programs, which are not echoed either, are withheld with it.
 */

const ESC = 0x1b;
const DEL = 0x7f;

export interface EchoEvents {
  /** Was shown, or is a key that says nothing: Return, Backspace, an arrow. A view. */
  shown(bytes: Buffer): void;
  withheld(count: number): void;
}

export class Echo {
  readonly #events: EchoEvents;
  /** Keys that wait for the screen to show them, in their order. */
  #keys: Buffer[] = [];

  constructor(events: EchoEvents) {
    this.#events = events;
  }

  /** Whether something waits. */
  get waiting(): boolean {
    return this.#keys.length > 0;
  }

  typed(data: Buffer): void {
    for (let at = 0; at < data.length; ) {
      const end = keyEnd(data, at);
      // The caller's bytes are valid for this call only.
      this.#keys.push(Buffer.from(data.subarray(at, end)));
      at = end;
    }
    this.#settle();
  }

  /** @param data what the host gives, before it is recorded itself */
  given(data: Buffer): void {
    let [at, matched] = [0, 0];
    while (matched < this.#keys.length) {
      const key = this.#keys[matched] as Buffer;
      if (isSilent(key)) {
        matched += 1;
        continue;
      }
      at = pastSequences(data, at);
      if (at >= data.length || !data.subarray(at, at + key.length).equals(key)) break;
      at += key.length;
      matched += 1;
    }
    this.#show(matched);
    // More of it may be about to come.
    if (at >= data.length) {
      this.#settle();
      return;
    }
    // A line that was sent, and of which the host has given something else since, is not going to be shown.
    const sent = this.#keys.findIndex(isSilent);
    if (sent > 0) this.#withhold(sent);
    this.#settle();
  }

  /** What waits has not been shown for long enough, or nothing more comes. */
  over(): void {
    while (this.#keys.length > 0) {
      const silent = this.#keys.findIndex(isSilent);
      this.#withhold(silent < 0 ? this.#keys.length : silent);
      this.#settle();
    }
  }

  /** Keys at the front that say nothing need not wait. */
  #settle(): void {
    const speaking = this.#keys.findIndex((key) => !isSilent(key));
    this.#show(speaking < 0 ? this.#keys.length : speaking);
  }

  #show(count: number): void {
    if (count > 0) this.#events.shown(Buffer.concat(this.#keys.splice(0, count)));
  }

  #withhold(count: number): void {
    if (count === 0) return;
    const keys = this.#keys.splice(0, count);
    this.#events.withheld(keys.reduce((sum, { length }) => sum + length, 0));
  }
}

/** A control character, or an escape sequence of a key: ECMA-48 section 5.4 (CSI), 8.3.143 (SS3). */
function isSilent([first = 0]: Buffer): boolean {
  return first < 0x20 || first === DEL;
}

/** @returns where the key that begins at `at` ends */
function keyEnd(data: Buffer, at: number): number {
  if (data[at] !== ESC) return at + 1;
  const next = data[at + 1];
  if (next === 0x4f) return Math.min(at + 3, data.length);
  if (next !== 0x5b) return at + 1;
  return sequenceEnd(data, at);
}

/** @param at of an escape that a `[` follows. @returns behind its final byte, or where the data ends */
function sequenceEnd(data: Buffer, at: number): number {
  let end = at + 2;
  for (; end < data.length; end++) {
    const byte = data[end] as number;
    if (byte >= 0x40 && byte <= 0x7e) return end + 1;
    if (byte < 0x20 || byte > 0x7e) return end;
  }
  return end;
}

/** Line editors colour what they echo. */
function pastSequences(data: Buffer, from: number): number {
  let at = from;
  while (data[at] === ESC && data[at + 1] === 0x5b) at = sequenceEnd(data, at);
  return at;
}
