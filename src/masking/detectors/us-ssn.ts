/**
 * US social security numbers: three, two and four digits with dashes or spaces, in the ranges that are ever assigned
 * (Social Security Administration, POMS RM 10201). There is no check digit, so nine digits in one are not taken, and
 * other numbers of this shape are: nothing tells `250-12-2024` from one.
 */
import type { Report } from './hit.ts';

const DASHED = /(?<![A-Za-z0-9]|\d[-.])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![A-Za-z0-9]|[-.]\d)/g;
/** Among other numbers with spaces round them there is no telling. */
const SPACED = /(?<![A-Za-z0-9]|\d[-. ])(?!000|666|9)\d{3} (?!00)\d{2} (?!0000)\d{4}(?![A-Za-z0-9]|[-. ]\d)/g;

export function findSsns(text: string, report: Report): void {
  for (const match of text.matchAll(DASHED)) report(match.index, match.index + match[0].length);
  for (const match of text.matchAll(SPACED)) report(match.index, match.index + match[0].length);
}
