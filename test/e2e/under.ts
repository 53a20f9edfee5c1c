/** bastion2 under another configuration, for tests that hold it `exclusively`. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Test } from 'tap';
import { hopline, rootOf } from './support.ts';

export const HOST = 'bastion2';

export const etc = (file: string) => `${rootOf(HOST)}/etc/hopline/${file}`;

/** Runs under another configuration, which is put back whatever happens. */
export async function under(
  t: Test,
  changes: Record<string, (text: string) => string>,
  action: () => Promise<void>,
): Promise<void> {
  const before = Object.keys(changes).map((file) => [file, readFileSync(etc(file), 'utf8')] as const);
  const reload = async () => {
    const { code, out, err } = await hopline(HOST, ['reload']);
    t.equal(code, 0, `reload ${code === 0 ? '' : out + err}`);
  };
  for (const [file, text] of before) writeFileSync(etc(file), changes[file]?.(text) ?? text);
  try {
    await reload();
    await action();
  } finally {
    for (const [file, text] of before) writeFileSync(etc(file), text);
    await reload();
  }
}
