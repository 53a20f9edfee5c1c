/**
 * Run by recordings.test.ts on a file system of 1 MB: records until the disk is full, and prints what became of it.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SegmentReader } from '../../src/recording/reader.ts';
import { recordings } from './recordings.ts';

const directory = process.argv[2] ?? '';
writeFileSync(join(directory, 'ballast'), Buffer.alloc(300_000));
const made = recordings({ directory, onFailure: process.argv[3] === 'end' ? 'end' : 'continue' });
const { archive, hop, reader } = made;
const open = await archive.open({ hop }, 'rows');
let taken = 0;
let failure = '';
while (failure === '' && taken < 1000) {
  const bytes = randomBytes(50_000);
  try {
    await open.segment({ at: Date.now() * 1000, codec: 0, raw: bytes.length, bytes });
    taken += 1;
  } catch (error) {
    failure = (error as Error).message;
  }
}
const [found] = reader.recordings();
const [notice] = reader.notices({ kind: 'recording' });
const bytes = readFileSync(join(directory, found?.file ?? ''));
const segments = [...new SegmentReader().push(bytes)].length;
rmSync(join(directory, 'ballast'));
const again = await archive.open({ hop }, 'rows');
await again.end(null);
console.log(
  JSON.stringify({
    failure,
    several: taken > 3,
    segments: segments - taken,
    whole: found?.bytes === bytes.length,
    reason: found?.reason,
    notice: notice?.detail,
    again: reader.recordings()[0]?.reason,
  }),
);
