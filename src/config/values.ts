/** Shapes of single values: what a person writes becomes what the program uses, or a problem that says how to write it. */
import { z } from 'zod';
import type { Endpoint } from '../core/types.ts';
import { AddressError, isIPv6Prefix, isLoopback, parseAddress, parsePrefix } from './address.ts';
import { A_DURATION, parseDuration } from './duration.ts';

/** What an issue carries beside its message, for the problem that is made of it. */
export interface IssueParams {
  readonly expected?: string;
  readonly hint?: string | null;
}

type Context<T> = z.core.$RefinementCtx<T>;

/** Reports a value as wrong, from inside a transform; a value that has an unknown key has been reported already. */
export function refuse<T>(ctx: Context<T>, message: string, params: IssueParams = {}): never {
  if (ctx.issues.length > 0) return z.NEVER;
  ctx.issues.push({ code: 'custom', message, input: ctx.value, params: { ...params } });
  return z.NEVER;
}

/**
 * A mapping that knows all of its keys. Empty in the file, it is a mapping with nothing in it; its known
 * keys travel in the message of the unrecognised one, for "did you mean".
 */
export function section<S extends z.core.$ZodLooseShape>(shape: S) {
  const keys = Object.keys(shape).join(' ');
  const error = (issue: { code: string }) => (issue.code === 'unrecognized_keys' ? keys : undefined);
  return z.preprocess((value) => value ?? {}, z.strictObject(shape, { error }));
}

/** Text that has to look like something. */
export function text(pattern: RegExp, expected: string, most = 253) {
  return z.string().transform((value, ctx): string => {
    if (value.length > most) return refuse(ctx, `is longer than ${most} characters`, { expected });
    return pattern.test(value) ? value : refuse(ctx, 'is not allowed here', { expected });
  });
}

/** The canonical text of an address or prefix. */
export const prefix = z.string().transform((value, ctx): string => addressOr(ctx, () => parsePrefix(value)));
export const address = z
  .string()
  .transform((value, ctx): string => addressOr(ctx, () => parseAddress(value)));

export const port = z.int().transform((value, ctx): number => {
  const expected = 'a port from 1 to 65535';
  return value >= 1 && value <= 65_535 ? value : refuse(ctx, 'is out of range', { expected });
});

export const absolutePath = text(/^\/[^\0]*$/, 'an absolute path', 4095);

/** Milliseconds of `250ms`, `10s`, `5m` or `1h`. */
export const duration = z.string().transform((value, ctx): number => {
  const parsed = parseDuration(value);
  return typeof parsed === 'number' ? parsed : refuse(ctx, parsed, { expected: A_DURATION });
});

/** Bytes of `500kB`, `256MB`, `1GB` or `2TB`: powers of 1,000. */
export const size = z.string().transform((value, ctx): number => {
  const match = /^(\d{1,6})\s?(kB|MB|GB|TB)$/.exec(value);
  const scale = { kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 }[match?.[2] ?? ''];
  const expected = 'a size such as 500kB, 256MB, 1GB or 2TB';
  if (match === null || scale === undefined) return refuse(ctx, 'is no size', { expected });
  return Number(match[1]) > 0 ? Number(match[1]) * scale : refuse(ctx, 'is out of range', { expected });
});

const ENDPOINT = {
  4: { shape: /^([\d.]+):(\d{1,5})$/, example: 'such as 127.0.0.1:15001' },
  6: { shape: /^\[([0-9a-fA-F:.]+)\]:(\d{1,5})$/, example: 'such as "[::1]:15001"' },
} as const;

/** An address of either family with a port. */
export const endpoint = z.string().transform((value, ctx): Endpoint => {
  const parsed = endpointOf(ctx, value, value.startsWith('[') ? 6 : 4);
  return (
    parsed ??
    refuse(ctx, 'is no address with a port', { expected: 'such as 10.0.0.5:7422 or "[fd00::5]:7422"' })
  );
});

/** @returns null where it has another form */
function endpointOf(ctx: Context<string>, value: string, family: 4 | 6): Endpoint | null {
  const [, host = '', digits = ''] = ENDPOINT[family].shape.exec(value) ?? [];
  const number = Number(digits);
  if (host === '' || number < 1 || number > 65_535) return null;
  const parsed = addressOr(ctx, () => parseAddress(host));
  if (parsed === z.NEVER) return z.NEVER;
  return isIPv6Prefix(parsed) === (family === 6) ? { address: parsed, port: number } : null;
}

/** `127.0.0.1:15001` or `[::1]:15001`: a loopback address of the family. */
export function loopbackEndpoint(family: 4 | 6) {
  const expected = ENDPOINT[family].example;
  return z.string().transform((value, ctx): Endpoint => {
    const parsed = endpointOf(ctx, value, family);
    if (parsed === null) return refuse(ctx, `is no IPv${family} address with a port`, { expected });
    if (parsed === z.NEVER) return z.NEVER;
    if (!isLoopback(parsed.address)) {
      return refuse(ctx, 'the proxy listens on loopback only, else it is open to the network', { expected });
    }
    return parsed;
  });
}

function addressOr(ctx: Context<string>, parse: () => string): string {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    return refuse(ctx, error.message, { hint: error.hint });
  }
}

/** `SHA256:` and 43 characters, as ssh-keygen prints it; padding is cut off. */
export const fingerprint = z.string().transform((value, ctx): string => {
  const plain = value.replace(/=$/, '');
  if (/^SHA256:[A-Za-z0-9+/]{43}$/.test(plain)) return plain;
  const wholeKey = /^(ssh|ecdsa|sk)-\S+ AAAA/.test(value);
  return refuse(ctx, wholeKey ? 'is a key, not its fingerprint' : 'is no SHA256 fingerprint', {
    expected: 'SHA256: and 43 characters of base64',
    hint: 'ssh-keygen -lf KEY.pub prints it, in the second column',
  });
});
