/** Places that PostgreSQL counts in bytes of UTF-8 → indexes of the string (UTF-16). */

const ASCII = /^[\0-\x7f]*$/;

export class Offsets {
  readonly #text: string;
  readonly #ascii: boolean;
  #byte = 0;
  #index = 0;

  constructor(text: string) {
    this.#text = text;
    this.#ascii = ASCII.test(text);
  }

  /** Fast where places are asked for in ascending order. A byte inside of a character counts as the next one's. */
  index(byte: number): number {
    if (this.#ascii) return Math.min(byte, this.#text.length);
    if (byte < this.#byte) {
      this.#byte = 0;
      this.#index = 0;
    }
    while (this.#byte < byte && this.#index < this.#text.length) {
      const code = this.#text.codePointAt(this.#index) ?? 0;
      this.#byte += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      this.#index += code < 0x10000 ? 1 : 2;
    }
    return this.#index;
  }
}
