/**
 * Finds values by what they look like, wherever they stand in a text, in columns that nobody tagged. Not a barrier to
 * who writes the statement, who can always make a value look like something else; that is what tracing a column's
 * origin is for.
 *
 * Caught: ASCII, and what fold.ts makes of other characters. Not caught: digits of other scripts, letters that look
 * like digits, numbers with line ends, tabs or words between their digits, encoded values (base64, hexadecimal, XML
 * references).
 */
import { isUtf8 } from 'node:buffer';
import { maskBytes } from '../apply.ts';
import { FULL, type MaskForm } from '../forms.ts';
import { BUILT_IN, type BuiltIn } from './built-in.ts';
import { fold } from './fold.ts';
import type { Hit } from './hit.ts';
import { merge } from './merge.ts';
import { DetectorError, OwnDetector, type OwnPattern } from './own.ts';
import { survey, WIDE } from './prefilter.ts';

export interface DetectorConfig {
  /** Names of `BUILT_IN`: card, iban, email, phone, us-ssn, uk-nino, de-tax-id, fr-nir, nl-bsn. */
  readonly enabled: readonly string[];
  readonly patterns: readonly OwnPattern[];
}

/**
 * Longer texts (UTF-16 code units, or bytes) are not searched, which would hold everybody else up: one that could hold
 * anything is a single hit from its beginning to its end.
 */
export const SCAN_LIMIT = 256 * 1024;
/** The detector's name in that hit. */
export const TOO_LONG = 'too-long';

const NOTHING: readonly Hit[] = Object.freeze([]);

export class Detectors {
  readonly #builtIn: readonly BuiltIn[];
  readonly #own: readonly OwnDetector[];
  readonly #forms: ReadonlyMap<string, MaskForm>;
  /** Of the built-in detectors, in one set. */
  readonly #needs: number;
  /** Whether it is known what every detector needs. */
  readonly #filters: boolean;
  readonly #prefixes: readonly Buffer[];

  /** @throws DetectorError: a name that is unknown or there twice, a pattern that cannot be used */
  constructor({ enabled, patterns }: DetectorConfig) {
    const names = new Set<string>();
    for (const name of [...enabled, ...patterns.map((pattern) => pattern.name)]) {
      if (names.has(name)) throw new DetectorError(name, 'two detectors of this name');
      names.add(name);
    }
    this.#builtIn = enabled.map(builtIn);
    for (const { name } of patterns) {
      if (BUILT_IN.has(name) || name === TOO_LONG || name === '')
        throw new DetectorError(name, 'not a name for a pattern: it is taken');
    }
    this.#own = patterns.map((pattern) => new OwnDetector(pattern));
    this.#forms = new Map(this.#own.map(({ name, form }) => [name, form]));
    this.#needs = this.#builtIn.reduce((all, { need }) => all | need, 0);
    this.#filters = this.#own.every(({ prefix }) => prefix !== null);
    this.#prefixes = this.#own.flatMap(({ prefix }) => prefix ?? []);
  }

  /** True where there is no detector at all. */
  get empty(): boolean {
    return this.#builtIn.length === 0 && this.#own.length === 0;
  }

  /** Whether the configuration has patterns of its own, which may match anything. */
  get hasPatterns(): boolean {
    return this.#own.length > 0;
  }

  /**
   * False where `find` of these bytes as text has nothing to find. ASCII costs 1 to 5 ns a byte and allocates
   * nothing. Always true with a pattern of the configuration that does not begin with fixed ASCII, or for bytes that
   * are not UTF-8.
   * @param bytes of which those between `start` and `end` are one value
   */
  mayContain(bytes: Buffer, start = 0, end = bytes.length): boolean {
    if (!this.#filters) return true;
    const found = survey(this.#needs, true, bytes, start, end);
    if ((found & this.#needs) !== 0) return true;
    if (found === WIDE && !isUtf8(bytes.subarray(start, end))) return true;
    return this.#prefixes.length > 0 && this.#hasPrefix(bytes, start, end);
  }

  #hasPrefix(bytes: Buffer, start: number, end: number): boolean {
    const value = bytes.subarray(start, end);
    return this.#prefixes.some((prefix) => value.includes(prefix));
  }

  /** What is found, from left to right, never overlapping; the longest of several that begin at the same place. */
  find(text: string): readonly Hit[] {
    if (text.length > SCAN_LIMIT) return this.#whole(text);
    let hits: Hit[] | null = null;
    let detector = '';
    let places: Uint32Array | null = null;
    const report = (start: number, end: number): void => {
      hits ??= [];
      if (places === null) hits.push({ detector, start, end, merged: false });
      else hits.push({ detector, start: places[start] as number, end: places[end] as number, merged: false });
    };
    if (this.#needs !== 0) {
      const folded = fold(text);
      const bytes = Buffer.from(folded.text);
      const found = survey(this.#needs, false, bytes, 0, bytes.length);
      places = folded.places;
      for (const { name, find, need } of (found & this.#needs) === 0 ? [] : this.#builtIn) {
        if ((found & need) === 0) continue;
        detector = name;
        find(folded.text, report);
      }
      places = null;
    }
    for (const own of this.#own) {
      detector = own.name;
      own.find(text, report);
    }
    return hits === null ? NOTHING : merge(hits);
  }

  #whole(text: string): readonly Hit[] {
    if (!this.mayContain(Buffer.from(text))) return NOTHING;
    return [{ detector: TOO_LONG, start: 0, end: text.length, merged: true }];
  }

  /**
   * The text with every hit masked: one of a pattern of the configuration by its own form, others by `form`. The form
   * `null` shows as `***`: there is no NULL within a text.
   */
  maskIn(text: string, form: MaskForm): string {
    return this.maskHits(text, this.find(text), form);
  }

  /** As `maskIn`, for hits that `find` gave for this text. */
  maskHits(text: string, hits: readonly Hit[], form: MaskForm): string {
    if (hits.length === 0) return text;
    let masked = '';
    let from = 0;
    for (const hit of hits) {
      const shown = maskBytes(this.#shownAs(hit, form), Buffer.from(text.slice(hit.start, hit.end)));
      masked += text.slice(from, hit.start) + (shown?.toString() ?? '***');
      from = hit.end;
    }
    return masked + text.slice(from);
  }

  /** Whether a hit's form is `null`, so that the value around it is to be NULL. */
  isNulled(hits: readonly Hit[], form: MaskForm): boolean {
    return hits.some((hit) => (this.#forms.get(hit.detector) ?? form).kind === 'null');
  }

  #shownAs(hit: Hit, form: MaskForm): MaskForm {
    const own = this.#forms.get(hit.detector) ?? form;
    return !hit.merged || own.kind === 'null' ? own : FULL;
  }
}

function builtIn(name: string): BuiltIn {
  const found = BUILT_IN.get(name);
  if (found === undefined)
    throw new DetectorError(name, `no such detector; there are ${[...BUILT_IN.keys()].join(', ')}`);
  return found;
}
