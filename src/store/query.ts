import type { Database, Statement } from 'better-sqlite3';
import type { Action, Handoff, Hop, Id, Login, Micros, Notice, Outcome, Recording } from '../core/types.ts';
import {
  ACTION_COLUMNS,
  type ActionRow,
  actionFromRow,
  HANDOFF_COLUMNS,
  HOP_COLUMNS,
  type HopRow,
  hopFromRow,
  LOGIN_COLUMNS,
  type LoginRow,
  loginFromRow,
  NOTICE_COLUMNS,
  RECORDING_COLUMNS,
  UNENDED,
} from './rows.ts';

export interface LoginFilter {
  /** Those that are over as well. */
  readonly all?: boolean | undefined;
  /** Host account or name of the identity. */
  readonly user?: string | undefined;
  /** Started at or after. */
  readonly since?: Micros | undefined;
  /** Only those by which others came on other hosts. */
  readonly parents?: boolean | undefined;
  readonly limit?: number | undefined;
}

export interface HopFilter {
  readonly hop?: Id | undefined;
  readonly login?: Id | undefined;
  readonly user?: string | undefined;
  /** A target, a name from DNS, or an address. */
  readonly target?: string | undefined;
  readonly since?: Micros | undefined;
  readonly outcome?: Outcome | undefined;
  /** Only those that no login is known for. */
  readonly unattributed?: boolean | undefined;
  /** Only those that have not ended. */
  readonly open?: boolean | undefined;
  readonly limit?: number | undefined;
}

export interface EventFilter {
  readonly login?: Id | undefined;
  readonly since?: Micros | undefined;
  readonly kind?: string | undefined;
  readonly limit?: number | undefined;
}

export interface ActionFilter {
  readonly hop?: Id | undefined;
  readonly login?: Id | undefined;
  readonly user?: string | undefined;
  readonly target?: string | undefined;
  readonly since?: Micros | undefined;
  /** Begun before. */
  readonly until?: Micros | undefined;
  readonly kind?: string | undefined;
  readonly outcome?: Outcome | undefined;
  /** In the subject or in the statement, in any case. */
  readonly text?: string | undefined;
  /** Those that come after this one in the list. */
  readonly before?: Pick<Action, 'hop' | 'seq'> | undefined;
  /** In a hop, those with a higher number than this; oldest first. */
  readonly after?: number | undefined;
  readonly limit?: number | undefined;
}

export interface RecordingFilter {
  readonly hop?: Id | undefined;
  readonly login?: Id | undefined;
  readonly user?: string | undefined;
  readonly target?: string | undefined;
  readonly since?: Micros | undefined;
  readonly kind?: string | undefined;
  readonly limit?: number | undefined;
}

/** Lists; newest first, at most `limit` (1,000 where none is given). */
export interface Queries {
  logins(filter?: LoginFilter): Login[];
  /** Of this boot, not over or lingering: those of which something can still run. */
  openLogins(): Login[];
  /** Of an earlier boot and without an end: the machine stopped under them. */
  staleLogins(): Login[];
  hops(filter?: HopFilter): Hop[];
  actions(filter?: ActionFilter): Action[];
  recordings(filter?: RecordingFilter): Recording[];
  handoffs(filter?: EventFilter): Handoff[];
  notices(filter?: EventFilter): Notice[];
}

const LIMIT = 1000;
const LIVE = 'NOT EXISTS (SELECT 1 FROM login_ends e WHERE e.login = l.id AND e.lingering = 0)';
const PARENT = 'EXISTS (SELECT 1 FROM hops h JOIN hop_children c ON c.hop = h.id WHERE h.login = l.id)';
/** Logins of a person: two parameters, the same name twice for account and identity, each at both places. */
const OF_USER = `(SELECT id FROM logins WHERE user = ? UNION SELECT id FROM logins WHERE identity_name = ?
  UNION SELECT login FROM login_identities WHERE user = ? UNION SELECT login FROM login_identities WHERE identity_name = ?)`;

/** Narrows by the index of refusals; the decision in force is compared besides. */
const REFUSED = "h.id IN (SELECT hop FROM decisions WHERE outcome <> 'allow' AND outcome = ? AND action = 0)";

/** Of an action: in a list of the newest first it stands behind another. */
const BEFORE = '(a.at, a.id) < (SELECT p.at, p.id FROM actions p WHERE p.hop = ? AND p.seq = ?)';

/** Conditions that a filter adds, with their values in order. */
class Where {
  readonly conditions: string[] = [];
  readonly values: unknown[] = [];

  /** Adds the condition unless `value` is absent. */
  add(condition: string, value: unknown, ...more: unknown[]): this {
    if (value === undefined || value === false) return this;
    this.conditions.push(condition);
    if (value !== true) this.values.push(value, ...more);
    return this;
  }

  get text(): string {
    return this.conditions.length === 0 ? '' : `WHERE ${this.conditions.join(' AND ')}`;
  }
}

/** @param boot the boot id of now */
export function queries(db: Database, boot: string): Queries {
  const statements = new Map<string, Statement>();
  const all = <Row>(text: string, values: readonly unknown[]): Row[] => {
    const statement = statements.get(text) ?? db.prepare(text);
    statements.set(text, statement);
    return statement.all(values) as Row[];
  };
  const logins = (where: Where, limit: number): Login[] =>
    all<LoginRow>(`SELECT ${LOGIN_COLUMNS} ${where.text} ORDER BY l.started DESC, l.id DESC LIMIT ?`, [
      boot,
      ...where.values,
      limit,
    ]).map(loginFromRow);

  return {
    logins(filter = {}) {
      const where = new Where();
      const { user, since } = filter;
      if (filter.all !== true) where.add(`l.boot = ? AND ${LIVE}`, boot);
      where.add(`l.id IN ${OF_USER}`, user, user, user, user);
      where.add('l.started >= ?', since);
      where.add(PARENT, filter.parents);
      return logins(where, filter.limit ?? LIMIT);
    },
    openLogins: () => logins(new Where().add(`l.boot = ? AND ${LIVE}`, boot), -1),
    staleLogins: () => logins(new Where().add(`l.boot <> ? AND ${LIVE}`, boot), -1),
    hops(filter = {}) {
      const { hop, login, user, target, since, outcome } = filter;
      const where = new Where()
        .add('h.id = ?', hop)
        .add('h.login = ?', login)
        .add(`h.login IN ${OF_USER}`, user, user, user, user)
        .add('(h.target = ? OR h.name = ? OR h.address = ?)', target, target, target)
        .add('h.started >= ?', since)
        .add('d.outcome = ?', outcome)
        .add(REFUSED, outcome === 'allow' ? undefined : outcome)
        .add('h.login IS NULL', filter.unattributed)
        .add(UNENDED, filter.open);
      const text = `SELECT ${HOP_COLUMNS} ${where.text} ORDER BY h.started DESC, h.seq DESC LIMIT ?`;
      return all<HopRow>(text, [...where.values, filter.limit ?? LIMIT]).map(hopFromRow);
    },
    actions(filter = {}) {
      const { hop, login, user, target, since, until, kind, outcome, text, before, after } = filter;
      const where = new Where()
        .add('a.hop = ?', hop)
        .add('h.login = ?', login)
        .add(`h.login IN ${OF_USER}`, user, user, user, user)
        .add('(h.target = ? OR h.name = ? OR h.address = ?)', target, target, target)
        .add('a.at >= ?', since)
        .add('a.at < ?', until)
        .add(BEFORE, before?.hop, before?.seq)
        .add('a.seq > ?', after)
        .add('a.kind = ?', kind)
        .add('d.outcome = ?', outcome)
        .add(
          '(instr(lower(a.subject), ?) OR instr(lower(a.detail), ?))',
          text?.toLowerCase(),
          text?.toLowerCase(),
        );
      const order = after === undefined ? 'a.at DESC, a.id DESC' : 'a.hop, a.seq';
      const sql = `SELECT ${ACTION_COLUMNS} ${where.text} ORDER BY ${order} LIMIT ?`;
      return all<ActionRow>(sql, [...where.values, filter.limit ?? LIMIT]).map(actionFromRow);
    },
    recordings(filter = {}) {
      const { hop, login, user, target, since, kind } = filter;
      const where = new Where()
        .add('r.hop = ?', hop)
        .add('ifnull(r.login, h.login) = ?', login)
        .add(`ifnull(r.login, h.login) IN ${OF_USER}`, user, user, user, user)
        .add('(h.target = ? OR h.name = ? OR h.address = ?)', target, target, target)
        .add('r.started >= ?', since)
        .add('r.kind = ?', kind);
      const text = `SELECT ${RECORDING_COLUMNS} ${where.text} ORDER BY r.started DESC, r.seq DESC LIMIT ?`;
      return all<Recording>(text, [...where.values, filter.limit ?? LIMIT]);
    },
    handoffs(filter = {}) {
      const where = new Where()
        .add('(n.login = ? OR n.to_login = ?)', filter.login, filter.login)
        .add('n.at >= ?', filter.since)
        .add('n.kind = ?', filter.kind);
      const text = `SELECT ${HANDOFF_COLUMNS} ${where.text} ORDER BY n.id DESC LIMIT ?`;
      return all<Handoff>(text, [...where.values, filter.limit ?? LIMIT]);
    },
    notices(filter = {}) {
      const where = new Where()
        .add('n.login = ?', filter.login)
        .add('n.at >= ?', filter.since)
        .add('n.kind = ?', filter.kind);
      const text = `SELECT ${NOTICE_COLUMNS} ${where.text} ORDER BY n.id DESC LIMIT ?`;
      return all<Notice>(text, [...where.values, filter.limit ?? LIMIT]);
    },
  };
}
