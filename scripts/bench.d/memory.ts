/** What processes hold in memory, from /proc/PID/smaps. */
import { readFileSync } from 'node:fs';

export interface Memory {
  /** kB: private pages of each, and shared file pages once for all of them. */
  readonly once: number;
  /** kB: each shared page divided by its users on the whole machine. */
  readonly pss: number;
  /** kB: shared pages once for each process. */
  readonly rss: number;
  readonly each: readonly { readonly name: string; readonly rss: number }[];
}

export function memoryOf(pids: readonly number[]): Memory {
  const files = new Map<string, number>();
  let mine = 0;
  let pss = 0;
  const each: { name: string; rss: number }[] = [];
  for (const pid of pids) {
    let rss = 0;
    for (const { file, ring, fields } of mappings(readFileSync(`/proc/${pid}/smaps`, 'utf8'))) {
      if (ring) continue;
      const shared = (fields.Shared_Clean ?? 0) + (fields.Shared_Dirty ?? 0);
      mine += (fields.Private_Clean ?? 0) + (fields.Private_Dirty ?? 0);
      rss += fields.Rss ?? 0;
      pss += fields.Pss ?? 0;
      if (file === null) mine += shared;
      else files.set(file, Math.max(files.get(file) ?? 0, shared));
    }
    each.push({ name: nameOf(pid), rss });
  }
  const shared = [...files.values()].reduce((sum, kb) => sum + kb, 0);
  return { once: mine + shared, pss, rss: each.reduce((sum, { rss }) => sum + rss, 0), each };
}

interface Mapping {
  /** Which part of which file, or null for memory that is of no file. */
  readonly file: string | null;
  readonly ring: boolean;
  readonly fields: Readonly<Record<string, number>>;
}

function mappings(smaps: string): Mapping[] {
  const list: { file: string | null; ring: boolean; fields: Record<string, number> }[] = [];
  for (const line of smaps.split('\n')) {
    const head = /^[0-9a-f]+-[0-9a-f]+ \S+ ([0-9a-f]+) (\S+) (\d+)/.exec(line);
    if (head) {
      // The ring of events is the kernel's memory, and counted with its maps; it is mapped twice over besides.
      const ring = line.endsWith('anon_inode:bpf-map');
      list.push({ ring, file: head[3] === '0' ? null : `${head[2]}:${head[3]}:${head[1]}`, fields: {} });
      continue;
    }
    const field = /^(\w+):\s+(\d+) kB$/.exec(line);
    const last = list.at(-1);
    if (field?.[1] && last) last.fields[field[1]] = Number(field[2]);
  }
  return list;
}

function nameOf(pid: number): string {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  const entry = words.find((word) => /\.[jt]s$/.test(word)) ?? words[0] ?? '';
  return entry.slice(entry.lastIndexOf('/') + 1).replace(/\.[jt]s$/, '');
}
