import { closeSync, readSync } from 'node:fs';
import { type HlTask, hlTaskSize, readHlTask } from './layouts.generated.ts';
import { errorName, type Libbpf, type Pointer } from './libbpf.ts';

/**
 * Every process on the machine, by the task iterator of the `recover` object
 * (https://docs.kernel.org/bpf/bpf_iterators.html), with exact start times.
 */
export function readTasks(lib: Libbpf, object: Pointer): HlTask[] {
  const program = lib.nextProgram(object, null);
  const link = lib.attachIter(program, null);
  if (!link) throw new Error(`can't attach the task iterator: ${errorName(lib.errno())}`);
  const fd = lib.iterCreate(lib.linkFd(link));
  if (fd < 0) throw new Error(`can't run the task iterator: ${errorName(fd)}`);
  const tasks: HlTask[] = [];
  const chunk = Buffer.alloc(hlTaskSize * 512);
  let held = 0;
  try {
    for (let got = 1; got > 0; ) {
      got = readSync(fd, chunk, held, chunk.length - held, null);
      held += got;
      const whole = held - (held % hlTaskSize);
      const copy = Uint8Array.from(chunk.subarray(0, whole));
      const view = new DataView(copy.buffer);
      for (let at = 0; at < whole; at += hlTaskSize) tasks.push(readHlTask(view, at));
      chunk.copyWithin(0, whole, held);
      held -= whole;
    }
  } finally {
    closeSync(fd);
    lib.linkDestroy(link);
  }
  return tasks;
}
