/**
 * Run by open.test.ts on a file system of 1 MB: fills it from inside a batch, then makes room, and prints what the
 * store said at each step.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { openStore } from '../../src/store/open.ts';
import { BOOT, id, process as image, login } from './seed.ts';

const path = process.argv[2] ?? '';
const ballast = `${path}.ballast`;
writeFileSync(ballast, Buffer.alloc(256 << 10));
const { writer, reader } = openStore({ path, boot: BOOT });
writer.insertLogin(login());

const said = (fn: () => void): string => {
  try {
    fn();
    return 'nothing';
  } catch (error) {
    return error instanceof Error && 'code' in error ? `${error.name} ${error.code}` : String(error);
  }
};
const argv = ['x'.repeat(4000)];
let after = '';
const fill = () =>
  writer.batch(() => {
    for (let n = 1; n < 10_000; n++) {
      try {
        writer.insertProcess(image({ id: n, pid: n, argv }));
      } catch (error) {
        after = said(() => writer.insertLogin(login({ id: id(1) })));
        throw error;
      }
    }
  });
const first = said(fill);
const outside = said(() => {
  for (let n = 1; n < 10_000; n++)
    writer.batch(() => writer.insertLogin(login({ id: id(n), tty: argv[0] ?? '' })));
});
const counted = reader.tree({ login: id(0) }).logins[0]?.processes.length;
rmSync(ballast);
const written = writer.insertLogin(login({ id: id(99_999) })) && reader.login(id(99_999)) !== undefined;
console.log(JSON.stringify({ first, after, outside, counted, written }));
