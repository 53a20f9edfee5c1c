/** What the record and the session keep of a Bind. */
import { type Bind, formatOf } from './messages.ts';
import { storedName } from './stored-name.ts';
import type { Encoding } from './text.ts';

/** Of one parameter, and of all of a Bind: what the record keeps. */
const PARAMETER_KEPT = 1024;
const PARAMETERS_KEPT = 256;

/** @returns null where the message ends before its names do */
export function namesIn(message: Buffer, count: number): string[] | null {
  const names: string[] = [];
  let at = 5;
  while (names.length < count) {
    const end = message.indexOf(0, at);
    if (end < 0) return null;
    names.push(storedName(message.toString('utf8', at, end)));
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
