import { AddressError, parseAddress } from './address.ts';
import { readText } from './files.ts';
import { type Problem, problem } from './problem.ts';

export interface ResolversResult {
  /** Canonical addresses, each once, in the order of the file. */
  readonly resolvers: readonly string[];
  readonly warnings: readonly Problem[];
}

/**
 * The nameservers in a resolv.conf(5). A file that is missing or names none means the resolver on
 * 127.0.0.1, as the C library takes it.
 */
export function systemResolvers(path: string): ResolversResult {
  const read = readText(path, null);
  const warnings: Problem[] = [...read.problems];
  const found: string[] = [];
  for (const [index, line] of (read.text ?? '').split('\n').entries()) {
    const match = /^nameserver[ \t]+(\S+)/.exec(line);
    if (match === null) continue;
    const [, written = ''] = match;
    try {
      // A zone says by which interface a link-local resolver is reached; the address is what connects.
      found.push(parseAddress(written.replace(/%.*$/, '')));
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      const at = { line: index + 1, column: line.indexOf(written) + 1 };
      warnings.push(
        problem(path, at, 'nameserver', { message: error.message, hint: 'this line was passed over' }),
      );
    }
  }
  if (found.length > 0) return { resolvers: [...new Set(found)], warnings };
  warnings.push(
    problem(path, { line: 0, column: 0 }, '', {
      message: 'names no resolver: DNS is allowed to 127.0.0.1 only',
      hint: 'list addresses under dns: resolvers: in hopline.yaml',
    }),
  );
  return { resolvers: ['127.0.0.1'], warnings };
}
