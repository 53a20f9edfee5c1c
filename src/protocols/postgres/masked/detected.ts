/** What content tells in columns that nobody named: the detectors of a target, and how their hits are masked. */
import { Detectors } from '../../../masking/detectors/detectors.ts';
import { FULL, type MaskForm } from '../../../masking/forms.ts';
import type { Scan } from '../../../masking/scan.ts';
import type { Masking } from '../../room.ts';
import type { SessionFacts } from '../actions.ts';
import { formOf } from './masks.ts';

/** Compiling patterns takes long beside a connection's life. */
const made = new WeakMap<Masking['key'], Map<string, Scan | null>>();

/** Null: nothing is looked for. A detector's hit is revealed, or not, as a column tagged with the detector's name. */
export function scanOf(masking: Masking, { database, role }: SessionFacts): Scan | null {
  const nowhere = { database, databaseUser: role, schema: '', table: '', column: '' };
  const maskOf = (name: string): string | null => masking.reveal({ ...nowhere, tags: [name] }).mask;
  const built = masking.detectors.flatMap((name) => ({ name, mask: maskOf(name) }));
  const own = masking.patterns.map(({ name, pattern }) => ({ name, pattern, mask: maskOf(name) }));
  const key = JSON.stringify([built, own]);
  const known = made.get(masking.key) ?? new Map<string, Scan | null>();
  made.set(masking.key, known);
  const before = known.get(key);
  if (before !== undefined) return before;
  const scan = build(
    built.filter(({ mask }) => mask !== null),
    own.filter(({ mask }) => mask !== null),
    masking,
  );
  known.set(key, scan);
  return scan;
}

interface Named {
  readonly name: string;
  readonly mask: string | null;
}

function build(
  built: readonly Named[],
  own: readonly (Named & { readonly pattern: string })[],
  masking: Masking,
): Scan | null {
  if (built.length === 0 && own.length === 0) return null;
  const form = ({ mask }: Named): MaskForm => (mask === null ? FULL : formOf(mask, masking));
  const [first, ...others] = built;
  const patterns = own.map(({ name, pattern, mask }) => ({ name, pattern, form: form({ name, mask }) }));
  return {
    detectors: new Detectors({ enabled: built.map(({ name }) => name), patterns }),
    // One form serves all that come with Hopline: where policies name several, nothing is left to see.
    form: first !== undefined && others.every(({ mask }) => mask === first.mask) ? form(first) : FULL,
  };
}
