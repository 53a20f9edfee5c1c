/**
 * UK national insurance numbers: two letters that are ever assigned (HMRC, NIM39110), six digits, A to D; in any
 * case, with a space or dash between pairs or not. There is no check digit, so codes of the same shape are taken for
 * one.
 */
import type { Report } from './hit.ts';

const NINO =
  /(?<![A-Z0-9])(?!BG|GB|KN|NK|NT|TN|ZZ)[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z](?:[ -]?\d{2}){3}[ -]?[A-D](?![A-Z0-9])/gi;

export function findNinos(text: string, report: Report): void {
  for (const match of text.matchAll(NINO)) report(match.index, match.index + match[0].length);
}
