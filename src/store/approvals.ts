import type { Database } from 'better-sqlite3';
import type { AnswerOutcome, Approval, Asking } from '../core/types.ts';
import { LookupError } from './errors.ts';

export interface ApprovalFilter {
  /** Those that were answered as well; else only those that wait. */
  readonly all?: boolean | undefined;
  readonly limit?: number | undefined;
}

export interface ApprovalQueries {
  /** Newest first, at most `limit` (1,000 where none is given). */
  approvals(filter?: ApprovalFilter): Approval[];
  /** @throws LookupError where there is none of that number */
  approval(id: number): Approval;
  /** 0 in an empty store. */
  maxApprovalId(): number;
}

const LIMIT = 1000;

/** The action is no foreign key: a full disk may have kept the one and not the other. */
const COLUMNS = `p.id, p.hop, p.action, h.login, p.requester, p.user, h.chain, h.target, h.address, h.port,
  ifnull(a.kind, '') AS kind, ifnull(a.subject, '') AS subject, ifnull(a.detail, '{}') AS detail, p.asks, p.reason,
  p.at, p.expires, w.outcome, w.at AS answered, w."by", w.login AS answeredFrom, w.uid, w.reason AS said
  FROM approvals p JOIN hops h ON h.id = p.hop LEFT JOIN actions a ON a.hop = p.hop AND a.seq = p.action
  LEFT JOIN approval_answers w ON w.approval = p.id`;

interface Row extends Omit<Approval, 'chain' | 'destination' | 'detail' | 'asks' | 'answer'> {
  readonly chain: string;
  readonly address: string;
  readonly port: number;
  readonly detail: string;
  readonly asks: string;
  readonly outcome: AnswerOutcome | null;
  readonly answered: number;
  readonly by: string | null;
  readonly answeredFrom: string | null;
  readonly uid: number | null;
  readonly said: string;
}

export function approvalQueries(db: Database): ApprovalQueries {
  const all = db.prepare<[number], Row>(`SELECT ${COLUMNS} ORDER BY p.id DESC LIMIT ?`);
  const open = db.prepare<[number], Row>(
    `SELECT ${COLUMNS} WHERE w.approval IS NULL ORDER BY p.id DESC LIMIT ?`,
  );
  const one = db.prepare<[number], Row>(`SELECT ${COLUMNS} WHERE p.id = ?`);
  const highest = db.prepare<[], number | null>('SELECT max(id) FROM approvals').pluck();
  return {
    approvals: (filter = {}) => (filter.all === true ? all : open).all(filter.limit ?? LIMIT).map(fromRow),
    approval(id) {
      const row = one.get(id);
      if (row === undefined) throw new LookupError('not_found', `no approval has the number ${id}`);
      return fromRow(row);
    },
    maxApprovalId: () => highest.get() ?? 0,
  };
}

function fromRow(row: Row): Approval {
  const { address, port, outcome, answered, by, answeredFrom, uid, said, ...rest } = row;
  return {
    ...rest,
    chain: JSON.parse(row.chain) as string[],
    destination: { address, port },
    detail: JSON.parse(row.detail) as Approval['detail'],
    asks: JSON.parse(row.asks) as Asking[],
    answer: outcome === null ? null : { outcome, at: answered, by, login: answeredFrom, uid, reason: said },
  };
}
