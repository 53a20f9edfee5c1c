/**
 * Run by store-recorder.test.ts on a file system of 64 MB: records until the disk is full, makes room, and prints what
 * became of it.
 */
import { rmSync, writeFileSync } from 'node:fs';
import type { Call } from '../../src/api/connection.ts';
import { WatchHub } from '../../src/api/watch.ts';
import { StoreRecorder } from '../../src/daemon/store-recorder.ts';
import { openStore } from '../../src/store/open.ts';
import { BOOT, login, T0 } from '../store/seed.ts';

const path = process.argv[2] ?? '';
const ballast = `${path}.ballast`;
writeFileSync(ballast, Buffer.alloc(62 << 20));
using store = openStore({ path, boot: BOOT });
const { reader, writer } = store;
const errors: string[] = [];
const onError = (error: Error) => errors.push('code' in error ? String(error.code) : String(error));
const watch = new WatchHub();
const record = new StoreRecorder({ reader, writer, watch, nextProcessId: 1, onError });
const watched: number[] = [];
const emit = (json: string) => {
  const { type, record } = JSON.parse(json);
  if (type === 'notice' && record.kind === 'refused') watched.push(record.count);
  return true;
};
void watch.handler({}, { signal: new AbortController().signal, emit } as unknown as Call);

let told = 0;
const notice = () =>
  record.notice({
    at: T0 + told,
    kind: 'refused',
    login: null,
    count: ++told,
    detail: `${told}${'x'.repeat(40_000)}`,
  });
record.login(login());
while (!record.full && told < 10_000) {
  // More than SQLite caches: the disk is full in the middle of it.
  for (let n = 0; n < 500; n++) notice();
  record.flush();
}
const full = record.full;
const kept = reader.notices({ limit: 10_000 }).length;
notice();
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
let batches = 0;
const batch = writer.batch.bind(writer);
writer.batch = (fn) => {
  batches += 1;
  return batch(fn);
};
await wait(1100);
record.flush();
const began = performance.now();
const tried = batches;
const refused = Array.from({ length: 1000 }, () => record.flush());
// Once a second, however often it is asked.
const atOnce = refused.every((done) => !done) && batches - tried <= (performance.now() - began) / 1000;
const again = record.flush();
rmSync(ballast);
await wait(1100);
const written = record.flush();
const after = reader.notices({ kind: 'refused', limit: 10_000 }).map(({ count }) => count);
record.flush();
const [disk] = reader.notices({ kind: 'disk' });
console.log(
  JSON.stringify({
    full,
    kept,
    again,
    atOnce,
    watched: watched.length === told && watched.every((count, n) => count === n + 1),
    errors,
    written,
    stillFull: record.full,
    all: after.reverse().every((count, n) => count === n + 1) && after.length === told,
    disk: disk?.detail,
  }),
);
