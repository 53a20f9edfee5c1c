/** What the bastion's store has of the connections that were measured. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../lab.ts';

export interface Expected {
  /** By each of the two ways. */
  readonly connections: number;
  readonly kind: 'shell' | 'exec' | 'transfer';
  /** Bytes that each recording has at least; null where there is to be none. */
  readonly recorded: number | null;
  /** SHA-256 of what was moved. */
  readonly hash?: string;
  /** Default: as many as through Hopline. */
  readonly direct?: number;
}

interface Row {
  readonly target: string;
  readonly mode: string;
  readonly protocol: string;
  readonly n: number;
  readonly decided: number;
  readonly recorded: number;
  readonly least: number | null;
  readonly hashed: number;
}

const ENDED = `
  SELECT h.target, h.mode, h.protocol, count(*) n, sum(decided) decided, sum(bytes IS NOT NULL) recorded, min(bytes) least,
    sum(hashed) hashed
  FROM (
    SELECT *,
      EXISTS (SELECT 1 FROM actions a JOIN action_ends x ON x.hop = a.hop AND x.seq = a.seq
        JOIN decisions d ON d.seq = a.decision AND d.outcome = 'allow' AND d.policies LIKE '%bench-hosts%'
        WHERE a.hop = h.id AND a.kind = ?) decided,
      (SELECT sum(q.bytes) FROM recordings r JOIN recording_ends q ON q.recording = r.id AND q.reason IS NULL
        WHERE r.hop = h.id AND r.kind = 'terminal') bytes,
      EXISTS (SELECT 1 FROM action_ends x WHERE x.hop = h.id AND instr(x.detail, ?) > 0) hashed
    FROM hops h JOIN hop_ends e ON e.hop = h.id
    WHERE h.seq > CAST(? AS INTEGER) AND h.target IN ('bench-ssh', 'bench-ssh-direct')) h
  GROUP BY 1, 2, 3 ORDER BY h.mode`;

/**
 * Measures, and sees to it that each connection is in the store as it was meant: its way, what was done in it decided by
 * policy and over, and recorded as long as it is.
 * @throws Error with what is there in its place
 */
export async function inStore<T>(lab: Lab, expected: Expected, measure: () => Promise<T>): Promise<T> {
  const { connections, kind, recorded, hash = '-', direct = connections } = expected;
  const [last] = await lab.query<{ seq: number }>('bastion1', 'SELECT coalesce(max(seq), 0) seq FROM hops');
  const measured = await measure();
  const wanted = [
    ...(direct > 0 ? [{ target: 'bench-ssh-direct', mode: 'direct', n: direct }] : []),
    {
      ...{ target: 'bench-ssh', mode: 'inspect', protocol: 'ssh', n: connections },
      ...{ decided: connections, recorded: recorded === null ? 0 : connections },
      ...(hash === '-' ? {} : { hashed: connections }),
    },
  ];
  let rows: Row[] = [];
  for (let tries = 0; tries < 40; tries++) {
    rows = await lab.query<Row>('bastion1', ENDED, kind, hash, `${last?.seq ?? 0}`);
    const found = rows.length === wanted.length && wanted.every((each, at) => has(rows[at], each));
    if (found && (recorded === null || (rows.at(-1)?.least ?? 0) >= recorded)) {
      await forget(lab);
      return measured;
    }
    await sleep(250);
  }
  throw new Error(`the store has ${JSON.stringify(rows)} of what is ${JSON.stringify({ wanted, recorded })}`);
}

function has(row: Row | undefined, wanted: Partial<Row>): boolean {
  return Object.entries(wanted).every(([key, value]) => row?.[key as keyof Row] === value);
}

/** The lab's disk is memory, and a recording is as long as what was measured. */
async function forget(lab: Lab): Promise<void> {
  await lab.exec('bastion1', ['find', '/var/lib/hopline/recordings', '-type', 'f', '-delete']);
}
