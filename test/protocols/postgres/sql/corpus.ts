/** Every statement of the tables and of corpus.sql, as text. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const HERE = import.meta.dirname;
const EXPECTED = /^-- > /;

export interface Case {
  readonly sql: string;
  /** What summary.ts makes of it. */
  readonly expected: readonly string[];
}

export const CASES: ReadonlyMap<string, readonly Case[]> = new Map(
  readdirSync(join(HERE, 'cases')).map((file) => {
    const blocks = readFileSync(join(HERE, 'cases', file), 'utf8')
      .trimEnd()
      .split('\n\n');
    const cases = blocks.map((block) => {
      const lines = block.split('\n');
      return {
        sql: lines.filter((line) => !EXPECTED.test(line)).join('\n'),
        expected: lines.filter((line) => EXPECTED.test(line)).map((line) => line.replace(EXPECTED, '')),
      };
    });
    return [file, cases];
  }),
);

/** Statements of real programs; the file's first block is about the file. */
export const CORPUS: readonly string[] = readFileSync(join(HERE, 'corpus.sql'), 'utf8')
  .trimEnd()
  .split('\n\n')
  .slice(1);

export const ALL: readonly string[] = [...[...CASES.values()].flat().map(({ sql }) => sql), ...CORPUS];
