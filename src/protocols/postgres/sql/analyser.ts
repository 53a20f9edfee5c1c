/**
 * `analyseText` with its answers remembered: by the text, and by the text's shape, so that a statement with other
 * literals needs no parser. What is remembered is what a fresh analysis says, places in the message apart, which are
 * always those of the text at hand.
 */
import { analyseText, type Reading } from './analyse.ts';
import { Cache } from './cache.ts';
import { MOST_BYTES } from './parse.ts';
import { normalisedOf, type Shape, shapeOf } from './shape.ts';
import type { Analysis, Statement } from './statement.ts';

export interface AnalyserLimits {
  /** What is longer in UTF-8 is not parsed: a statement of the verb `unknown`. */
  readonly mostBytes: number;
  /** Of each of the two caches. */
  readonly mostEntries: number;
  /** Of each of the two caches, by estimate. */
  readonly mostCacheBytes: number;
}

export const ANALYSER_LIMITS: AnalyserLimits = {
  mostBytes: MOST_BYTES,
  mostEntries: 10_000,
  mostCacheBytes: 16 * 1024 * 1024,
};

/** By estimate: two bytes a character, 64 an item, 400 a statement. */
function weight(key: string, { statements }: Analysis): number {
  let bytes = 2 * key.length;
  for (const { text, reads, writes, columns, functions, unknown } of statements)
    bytes +=
      400 +
      2 * text.length +
      64 * (reads.length + writes.length + columns.length + functions.length + unknown.length);
  return bytes;
}

/** The statements as they lie in this text. */
function placed(sql: string, shape: Shape, remembered: Analysis): Analysis {
  const statements = remembered.statements.map((statement, nth): Statement => {
    const { start, end } = shape.spans[nth] ?? { start: 0, end: 0 };
    return { ...statement, text: sql.slice(start, end), start, length: end - start };
  });
  return { statements, error: null, normalised: remembered.normalised };
}

export class Analyser {
  readonly #limits: AnalyserLimits;
  readonly #texts: Cache<Analysis>;
  readonly #shapes: Cache<Analysis>;

  constructor(limits: Partial<AnalyserLimits> = {}) {
    this.#limits = { ...ANALYSER_LIMITS, ...limits };
    this.#texts = new Cache(this.#limits.mostEntries, this.#limits.mostCacheBytes);
    this.#shapes = new Cache(this.#limits.mostEntries, this.#limits.mostCacheBytes);
  }

  /** What is remembered now, by estimate. */
  get size(): { readonly entries: number; readonly bytes: number } {
    return {
      entries: this.#texts.size + this.#shapes.size,
      bytes: this.#texts.bytes + this.#shapes.bytes,
    };
  }

  /**
   * Everything that the text of a Query or Parse says about its statements. Never throws on account of the text.
   * @param sql decoded by the session's client_encoding
   * @throws Error before `loadParser`
   */
  analyse(
    sql: string,
    { standardConformingStrings = true }: Pick<Reading, 'standardConformingStrings'> = {},
  ): Analysis {
    const { mostBytes } = this.#limits;
    if (3 * sql.length > mostBytes && Buffer.byteLength(sql) > mostBytes)
      return analyseText(sql, { mostBytes }).analysis;
    if (sql.includes('\0') || !sql.isWellFormed()) return analyseText(sql, { mostBytes }).analysis;
    // Without a backslash the setting has nothing to decide about.
    if (!standardConformingStrings && sql.includes('\\'))
      return analyseText(sql, { mostBytes, standardConformingStrings }).analysis;
    const known = this.#texts.get(sql);
    if (known !== undefined) return known;
    const shape = shapeOf(sql);
    if (shape === null) return this.#fresh(sql);
    const remembered = this.#shapes.get(shape.key);
    if (remembered === undefined) return this.#freshShape(sql, shape);
    const analysis = placed(sql, shape, remembered);
    if (shape.exact) this.#texts.set(sql, analysis, weight(sql, analysis));
    return analysis;
  }

  #fresh(sql: string): Analysis {
    const { analysis } = analyseText(sql, { mostBytes: this.#limits.mostBytes });
    if (analysis.error === null) this.#texts.set(sql, analysis, weight(sql, analysis));
    return analysis;
  }

  #freshShape(sql: string, shape: Shape): Analysis {
    const { analysis, literal } = analyseText(sql, { mostBytes: this.#limits.mostBytes });
    if (analysis.error !== null || literal || analysis.statements.length !== shape.spans.length)
      return analysis;
    const named = { ...analysis, normalised: normalisedOf(shape.key) };
    const shared = { ...named, statements: named.statements.map((each) => ({ ...each, text: '' })) };
    this.#shapes.set(shape.key, shared, weight(shape.key, shared));
    if (shape.exact) this.#texts.set(sql, named, weight(sql, named));
    return named;
  }
}
