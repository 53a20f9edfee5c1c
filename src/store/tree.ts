import type { Database } from 'better-sqlite3';
import type { Handoff, Hop, Id, Login, Micros, Process } from '../core/types.ts';
import type { Lookups } from './lookup.ts';
import type { Queries } from './query.ts';
import {
  HANDOFF_COLUMNS,
  HOP_COLUMNS,
  type HopRow,
  hopFromRow,
  PROCESS_COLUMNS,
  type ProcessRow,
  processFromRow,
} from './rows.ts';

/** A login with everything below it, in order of start. */
export interface TreeLogin extends Login {
  readonly processes: readonly Process[];
  readonly hops: readonly Hop[];
  /** Those of the login itself, in their order. */
  readonly recordings: readonly string[];
  /** Both those that left this login and those that came into it. */
  readonly handoffs: readonly Handoff[];
}

export interface Forest {
  /** Oldest first. */
  readonly logins: readonly TreeLogin[];
  /** Hops that no login is known for, within the same time. */
  readonly unattributed: readonly Hop[];
  /** Logins that the limit left out. */
  readonly omitted: number;
}

export interface TreeFilter {
  /** Id or unique beginning of one. */
  readonly login?: string | undefined;
  /** Every login, not only those that are open or began in the last day. */
  readonly all?: boolean | undefined;
  readonly limit?: number | undefined;
  readonly now?: Micros | undefined;
}

const DAY: Micros = 86_400_000_000;
const LIMIT = 50;

/** @throws LookupError when `filter.login` names none or several */
export type TreeQuery = (filter?: TreeFilter) => Forest;

export function treeQuery(db: Database, lists: Queries, lookup: Lookups): TreeQuery {
  const processes = db.prepare<[Id], ProcessRow>(`SELECT ${PROCESS_COLUMNS} WHERE p.login = ? ORDER BY p.id`);
  const hops = db.prepare<[Id], HopRow>(`SELECT ${HOP_COLUMNS} WHERE h.login = ? ORDER BY h.started, h.seq`);
  const handoffs = db.prepare<[Id, Id], Handoff>(
    `SELECT ${HANDOFF_COLUMNS} WHERE n.login = ? OR n.to_login = ? ORDER BY n.id`,
  );
  const recordings = db
    .prepare<[Id], string>('SELECT id FROM recordings WHERE login = ? ORDER BY seq')
    .pluck();
  const grow = (login: Login): TreeLogin => ({
    ...login,
    processes: processes.all(login.id).map(processFromRow),
    hops: hops.all(login.id).map(hopFromRow),
    recordings: recordings.all(login.id),
    handoffs: handoffs.all(login.id, login.id),
  });
  // One read transaction, so that the tree is of one moment while the writer goes on.
  return db.transaction((filter: TreeFilter = {}): Forest => {
    if (filter.login !== undefined) {
      return { logins: [grow(lookup.login(filter.login))], unattributed: [], omitted: 0 };
    }
    const limit = filter.limit ?? LIMIT;
    const since = filter.all === true ? undefined : (filter.now ?? Date.now() * 1000) - DAY;
    const wanted = new Map<Id, Login>();
    for (const login of lists.logins({ all: true, since, limit: -1 })) wanted.set(login.id, login);
    for (const login of lists.openLogins()) wanted.set(login.id, login);
    const newest = [...wanted.values()].sort((a, b) => b.started - a.started);
    const shown = newest.slice(0, limit).reverse();
    const unattributed = lists.hops({ unattributed: true, since }).reverse();
    return { logins: shown.map(grow), unattributed, omitted: newest.length - shown.length };
  });
}
