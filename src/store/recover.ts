import type { Database } from 'better-sqlite3';
import type { Hop, Id, Login, Micros, Process, Recording } from '../core/types.ts';
import type { Writer } from './append.ts';
import {
  ENDED_MARK,
  ENDED_THROUGH,
  HOP_COLUMNS,
  type HopRow,
  hopFromRow,
  PROCESS_COLUMNS,
  type ProcessRow,
  processFromRow,
  RECORDING_COLUMNS,
  UNENDED,
} from './rows.ts';

/** What a daemon that starts again has to know of the one before it. */
export interface RecoveryQueries {
  /** Images of this boot without an exit, in logins that are open or lingering. */
  liveProcesses(): Process[];
  /** Hops of any boot without an end. */
  unendedHops(): Hop[];
  /** An image, and those above it up to the first, in that order; empty where the record has none. */
  lineage(login: Id, pid: number, startNs: string, image: number): Process[];
  /** Those after this number that have no record of their end. */
  unendedRecordings(seq: number): Recording[];
  /** How many recordings of a login itself there are. */
  loginRecordings(login: Id): number;
  /** The highest number of a recording; 0 in an empty store. */
  maxRecording(): number;
  /** In the order of their beginning, from behind the one with this number in the store on; 0 is before all. */
  recordingsAfter(seq: number, limit: number): (Recording & { readonly seq: number })[];
  /** 0 in an empty store. */
  maxProcessId(): number;
  /** The latest value under a key; see `Writer.insertMeta`. */
  meta(key: string): string | null;
}

/** Deeper chains are cut at their upper end. */
const DEEPEST = 1000;

/** @param openLogins the logins of this boot that are open or lingering */
export function recoveryQueries(db: Database, openLogins: () => Login[]): RecoveryQueries {
  const live = db.prepare<[Id], ProcessRow>(
    `SELECT ${PROCESS_COLUMNS} WHERE p.login = ? AND x.process IS NULL ORDER BY p.id`,
  );
  const one = db.prepare<[Id, number, string, number], ProcessRow>(
    `SELECT ${PROCESS_COLUMNS} WHERE p.login = ? AND p.pid = ? AND p.start_ns = ? AND p.image = ?`,
  );
  const byId = db.prepare<[number], ProcessRow>(`SELECT ${PROCESS_COLUMNS} WHERE p.id = ?`);
  const lineage = (login: Id, pid: number, startNs: string, image: number): Process[] => {
    const chain: Process[] = [];
    for (let row = one.get(login, pid, startNs, image); row && chain.length < DEEPEST; ) {
      const process = processFromRow(row);
      chain.push(process);
      row = process.parent === null ? undefined : byId.get(process.parent);
    }
    return chain;
  };
  const unended = db.prepare<[], HopRow>(`SELECT ${HOP_COLUMNS} WHERE ${UNENDED} ORDER BY h.seq`);
  const open = db.prepare<[number], Recording>(
    `SELECT ${RECORDING_COLUMNS} WHERE r.seq > ? AND e.recording IS NULL ORDER BY r.seq`,
  );
  const ofLogin = db.prepare<[Id], number>('SELECT count(*) FROM recordings WHERE login = ?').pluck();
  const maxRecording = db.prepare<[], number | null>('SELECT max(seq) FROM recordings').pluck();
  const after = db.prepare<[number, number], Recording & { seq: number }>(
    `SELECT r.seq, ${RECORDING_COLUMNS} WHERE r.seq > ? ORDER BY r.seq LIMIT ?`,
  );
  const maxProcess = db.prepare<[], number | null>('SELECT max(id) FROM processes').pluck();
  const meta = db
    .prepare<[string], string>('SELECT value FROM meta WHERE key = ? ORDER BY seq DESC LIMIT 1')
    .pluck();
  return {
    liveProcesses: () => openLogins().flatMap((login) => live.all(login.id).map(processFromRow)),
    lineage,
    unendedHops: () => unended.all().map(hopFromRow),
    unendedRecordings: (seq) => open.all(seq),
    loginRecordings: (login) => ofLogin.get(login) ?? 0,
    maxRecording: () => maxRecording.get() ?? 0,
    recordingsAfter: (seq, limit) => after.all(seq, limit),
    maxProcessId: () => maxProcess.get() ?? 0,
    meta: (key) => meta.get(key) ?? null,
  };
}

/**
 * Records up to which hop all have ended, so that the next start does not look through the whole history for those
 * that have not. An end is never taken back, so the mark stays true.
 */
export function markEnded(db: Database, writer: Writer, at: Micros): void {
  const through = db
    .prepare<[], number | null>(
      `SELECT ifnull((SELECT min(h.seq) - 1 FROM hops h WHERE ${UNENDED}), (SELECT max(seq) FROM hops))`,
    )
    .pluck()
    .get();
  const before = db.prepare<[], number>(`SELECT ${ENDED_THROUGH}`).pluck().get() ?? 0;
  if (typeof through === 'number' && through > before) writer.insertMeta(at, ENDED_MARK, String(through));
}
