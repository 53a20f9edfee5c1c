/** What the bastion's store holds of statements, and whether connections went the ways that they are named for. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from './lab.ts';

/** Recorded so far. */
export async function statements(lab: Lab): Promise<number> {
  const [row] = await lab.query<{ n: number }>(
    'bastion1',
    "SELECT count(*) n FROM actions WHERE kind = 'query'",
  );
  return row?.n ?? 0;
}

/** Waits until the store holds all that was done, each with its end. @returns how many */
export async function ended(lab: Lab): Promise<number> {
  let last = -1;
  for (let tries = 0; tries < 60; tries++) {
    const [row] = await lab.query<{ begun: number; over: number }>(
      'bastion1',
      "SELECT (SELECT count(*) FROM actions WHERE kind = 'query') begun, (SELECT count(*) FROM action_ends) over",
    );
    const { begun = 0, over = 0 } = row ?? {};
    if (begun === over && over === last) return over;
    last = over;
    await sleep(200);
  }
  throw new Error('not every statement that was begun has its end in the store');
}

/** @throws Error where a figure would compare something with itself */
export async function checkHops(lab: Lab): Promise<void> {
  const rows = await lab.query<{ target: string; mode: string; protocol: string; n: number }>(
    'bastion1',
    "SELECT target, mode, protocol, count(*) n FROM hops WHERE target IN ('bench-db-direct', 'bench-pgbouncer', 'bench-db', 'bench-db-masked', 'bench-db-idle') GROUP BY 1, 2, 3",
  );
  for (const { target, mode, protocol, n } of rows) {
    const inspected = !/direct|pgbouncer/.test(target);
    if (mode !== (inspected ? 'inspect' : 'direct') || (inspected && protocol !== 'postgres'))
      throw new Error(`${n} connections to ${target} are recorded as ${mode} ${protocol}`);
  }
  if (new Set(rows.map(({ target }) => target)).size < 5) throw new Error('not every way was gone');
}
