/** What the record and the session keep of a Bind. */
import { ProtocolError } from './errors.ts';
import { type Bind, formatOf } from './messages.ts';
import type { Encoding } from './text.ts';

/** Of one parameter, and of all of a Bind: what the record keeps. */
const PARAMETER_KEPT = 1024;
const PARAMETERS_KEPT = 256;
/** Two names and their ends; PostgreSQL itself tells apart 63 bytes of each. */
const NAMES_LONGEST = 2048;

/**
 * The names that a long message begins with.
 * @param last nothing more of it comes
 * @returns null where more of it is needed
 * @throws ProtocolError where one is no text in the encoding, or too long
 */
export function namesIn(message: Buffer, count: number, encoding: Encoding, last: boolean): string[] | null {
  const names: string[] = [];
  let at = 5;
  while (names.length < count) {
    const end = message.indexOf(0, at);
    if (end < 0) {
      if (!last && message.length < NAMES_LONGEST) return null;
      throw new ProtocolError('too_long', 'a long message', 'its names are longer than they can be');
    }
    const name = encoding.text(message.subarray(at, end));
    if (name === null) throw new ProtocolError('malformed', 'a name', `is not ${encoding.name}`);
    names.push(name);
    at = end + 1;
  }
  return names;
}

export function parametersOf(
  { parameters, parameterFormats }: Pick<Bind, 'parameters' | 'parameterFormats'>,
  encoding: Encoding,
): (string | null)[] {
  const shown: (string | null)[] = [];
  for (let at = 0; at < Math.min(parameters.count, PARAMETERS_KEPT); at += 1) {
    const value = parameters.value(at);
    const kept = value?.subarray(0, PARAMETER_KEPT) ?? null;
    if (value === null || kept === null) shown.push(null);
    else {
      const text = formatOf(parameterFormats, at) === 0 ? encoding.show(kept) : `\\x${kept.toString('hex')}`;
      shown.push(kept.length === value.length ? text : `${text}… (${value.length} bytes)`);
    }
  }
  if (parameters.count > shown.length) shown.push(`… (${parameters.count} parameters)`);
  return shown;
}
