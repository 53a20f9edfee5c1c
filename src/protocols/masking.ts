/** What policies say of a target's columns, as rooms ask for it. */
import type { Target } from '../core/target.ts';
import type { MaskKey } from '../masking/key.ts';
import type { Facts, Masking } from './room.ts';

/** What is said of a target's columns to who came this way. */
export interface Revealing {
  readonly subject: string;
  readonly observed: boolean;
  mask(facts: Facts): string | null;
}

export function maskingOf(
  revealing: Revealing,
  { columns, detect }: Pick<Target, 'columns' | 'detect'>,
  key: MaskKey,
): Masking {
  const rules = columns.map(({ pattern, tags }) => ({ parts: pattern.split('.').map(globbed), tags }));
  return {
    subject: revealing.subject,
    observed: revealing.observed,
    key,
    detectors: detect.detectors,
    patterns: detect.patterns,
    tagsOf: (...names) => [
      ...new Set(
        rules
          .filter(({ parts }) => parts.every((part, at) => part.test(names[at] ?? '')))
          .flatMap(({ tags }) => tags),
      ),
    ],
    reveal: (facts) => ({ mask: revealing.mask(facts) }),
  };
}

/** `*` is any characters. */
function globbed(part: string): RegExp {
  const literal = part.split('*').map((text) => text.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`, 's');
}
