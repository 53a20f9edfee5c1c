/** Patterns of the configuration, in RE2's syntax, which are matched in a time linear to the text. */
import { RE2JS, RE2JSSyntaxException } from 're2js';
import type { MaskForm } from '../forms.ts';
import type { Report } from './hit.ts';

export interface OwnPattern {
  readonly name: string;
  /** RE2 syntax: https://github.com/google/re2/wiki/Syntax. Matched against the text as it is, leftmost-longest. */
  readonly pattern: string;
  /** How a hit is masked. */
  readonly form: MaskForm;
}

/** A pattern, or a detector's name, of the configuration cannot be used. */
export class DetectorError extends Error {
  override readonly name = 'DetectorError';
  /** Of the detector or pattern. */
  readonly detector: string;
  /** Where in the pattern, counted in characters from 0; null where no place is meant. */
  readonly position: number | null;

  constructor(detector: string, message: string, position: number | null = null) {
    super(`${JSON.stringify(detector)}: ${message}`);
    this.detector = detector;
    this.position = position;
  }
}

const LONGEST_PATTERN = 1000;
/** Instructions: each costs a step at every character in the worst case. */
const LARGEST_PROGRAM = 2000;
/**
 * Characters that all searches of one text may cover in the worst case, 40 ns each. One search is linear, but a
 * pattern such as `a(.*b)?` looks to the end of the text for each of its hits.
 */
const MOST_STEPS = 8_000_000;

export class OwnDetector {
  readonly name: string;
  readonly form: MaskForm;
  /** ASCII that every hit begins with; null where there is none. */
  readonly prefix: Buffer | null;
  readonly #pattern: RE2JS;

  /** @throws DetectorError with the place of a mistake */
  constructor({ name, pattern, form }: OwnPattern) {
    if (pattern.length > LONGEST_PATTERN)
      throw new DetectorError(
        name,
        `a pattern of ${pattern.length} characters, where ${LONGEST_PATTERN} are the most`,
      );
    this.name = name;
    this.form = form;
    this.#pattern = compile(name, pattern);
    const size = this.#pattern.programSize();
    if (size > LARGEST_PROGRAM)
      throw new DetectorError(
        name,
        `the pattern is too large: ${size} steps, where ${LARGEST_PROGRAM} are the most`,
      );
    if (this.#pattern.test('')) throw new DetectorError(name, 'the pattern matches the empty text');
    const prefix = this.#pattern.re2().prefix;
    this.prefix = prefix !== '' && /^[\x20-\x7e]+$/.test(prefix) ? Buffer.from(prefix) : null;
  }

  find(text: string, report: Report): void {
    if (!this.#pattern.test(text)) return;
    const matcher = this.#pattern.matcher(text);
    let steps = text.length;
    while (matcher.find()) {
      const end = matcher.end();
      if (end > matcher.start()) report(matcher.start(), end);
      steps += text.length - end;
      if (steps > MOST_STEPS) {
        report(0, text.length);
        return;
      }
    }
  }
}

function compile(name: string, pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern, RE2JS.LONGEST_MATCH);
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    const position = positionOf(pattern, error);
    throw new DetectorError(
      name,
      `${error.getDescription()} at character ${position + 1} of ${pattern}`,
      position,
    );
  }
}

/**
 * RE2 names the offending part, not its place. That ends where the shortest beginning of the pattern ends that has
 * the same mistake; something that is missing is missing from where the longest correct beginning ends.
 */
function positionOf(pattern: string, error: RE2JSSyntaxException): number {
  const part = error.getPattern();
  const whole = part === null || part === pattern;
  let correct = 0;
  for (let end = 0; end <= pattern.length; end++) {
    const found = syntaxError(pattern.slice(0, end));
    if (found === null) correct = end;
    else if (!whole && found.getDescription() === error.getDescription() && found.getPattern() === part)
      return [...pattern.slice(0, end - part.length)].length;
  }
  return [...pattern.slice(0, correct)].length;
}

function syntaxError(pattern: string): RE2JSSyntaxException | null {
  try {
    RE2JS.compile(pattern);
    return null;
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) return error;
    throw error;
  }
}
