import { readFileSync } from 'node:fs';
import type { Detail } from './problem.ts';

/**
 * Authorities are part of the configuration: read with it, and refused with it.
 * @returns the text of a file in PEM, or what is wrong with it
 */
export function pem(path: string): string | Detail {
  const expected = 'a file with certificates in PEM';
  try {
    const text = readFileSync(path, 'latin1');
    if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
    return { message: `there is no certificate in ${path}`, expected };
  } catch (error) {
    return { message: `cannot read ${path}: ${(error as Error).message}`, expected };
  }
}
