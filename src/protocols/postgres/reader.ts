/** Reads the fields of one message, within its bounds. */
import { DecodeError } from './errors.ts';
import { Fields } from './fields.ts';
import type { Format, Text } from './messages.ts';
import type { Encoding } from './text.ts';

const HEADER = 5;
/** Bytes in which a terminator is looked for before a search is called, which costs as much. */
const NEAR = 24;

export class Reader {
  readonly #message: Buffer;
  readonly #name: string;
  #at: number;

  /**
   * @param message one message, from its first byte on
   * @param name the specification's, for errors
   * @param type its type byte; null for the packets that begin with their length
   * @throws DecodeError where type byte or length are not the message's
   */
  constructor(message: Buffer, name: string, type: number | null) {
    this.#message = message;
    this.#name = name;
    this.#at = type === null ? HEADER - 1 : HEADER;
    if (message.length < this.#at) this.fail('shorter than its header');
    if (type !== null && message[0] !== type) this.fail('another type byte');
    if (message.readInt32BE(this.#at - 4) !== message.length - this.#at + 4) this.fail('another length');
  }

  fail(what: string): never {
    throw new DecodeError(this.#name, what);
  }

  /** Bytes that are still to be read. */
  get left(): number {
    return this.#message.length - this.#at;
  }

  uint8(): number {
    return this.#message[this.#take(1)] as number;
  }

  int16(): number {
    return this.#message.readInt16BE(this.#take(2));
  }

  uint16(): number {
    return this.#message.readUInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#message.readInt32BE(this.#take(4));
  }

  uint32(): number {
    return this.#message.readUInt32BE(this.#take(4));
  }

  /** A view. */
  bytes(length: number): Buffer {
    const start = this.#take(length);
    return this.#message.subarray(start, start + length);
  }

  /** All that is left; a view. */
  rest(): Buffer {
    return this.bytes(this.left);
  }

  /** A String, as a view without its terminator. */
  string(): Buffer {
    const start = this.#at;
    return this.#message.subarray(start, this.#terminated());
  }

  /** A String of the specification's own words or a setting's name, as Latin-1: it loses nothing. */
  word(): string {
    const start = this.#at;
    const end = this.#terminated();
    return start === end ? '' : this.#message.toString('latin1', start, end);
  }

  /** A String that names something, in the client's encoding. */
  identifier(encoding: Encoding): string {
    const start = this.#at;
    const end = this.#terminated();
    if (start === end) return '';
    return (
      encoding.text(this.#message.subarray(start, end)) ?? this.fail(`a name that is not ${encoding.name}`)
    );
  }

  text(encoding: Encoding): Text {
    const bytes = this.string();
    return { bytes, text: encoding.text(bytes) };
  }

  format(): Format {
    const code = this.uint16();
    return code === 0 || code === 1 ? code : this.fail(`format code ${code}`);
  }

  /** An Int16 count and so many format codes. */
  formats(): readonly Format[] {
    const count = this.uint16();
    if (count === 0) return NO_FORMATS;
    this.#fits(2 * count, `${count} format codes`);
    const formats: Format[] = [];
    while (formats.length < count) formats.push(this.format());
    return formats;
  }

  /** An Int16 count and so many object ids. */
  objectIds(): readonly number[] {
    const count = this.uint16();
    this.#fits(4 * count, `${count} object ids`);
    const ids: number[] = [];
    while (ids.length < count) ids.push(this.uint32());
    return ids;
  }

  /** @param into is read over; a new one by default */
  fields(into: Fields = new Fields()): Fields {
    this.#at = into.read(this.#message, this.#at, this.#name);
    return into;
  }

  /** @throws DecodeError where something is left */
  end(): void {
    if (this.left !== 0) this.fail(`${this.left} bytes after its end`);
  }

  /** Goes behind the String that begins here. @returns where its terminator is */
  #terminated(): number {
    const message = this.#message;
    let end = this.#at;
    const near = Math.min(message.length, end + NEAR);
    while (end < near && message[end] !== 0) end += 1;
    if (end === near) end = message.indexOf(0, near);
    if (end < 0) this.fail('a string without its terminator');
    this.#at = end + 1;
    return end;
  }

  #take(length: number): number {
    this.#fits(length, 'a field');
    const start = this.#at;
    this.#at += length;
    return start;
  }

  #fits(length: number, what: string): void {
    if (length > this.#message.length - this.#at) this.fail(`${what} longer than the message`);
  }
}

const NO_FORMATS: readonly Format[] = [];
