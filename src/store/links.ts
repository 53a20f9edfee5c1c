/** What joins the trees of several hosts. */
import type { Database } from 'better-sqlite3';
import type { Endpoint, Hop, Id, Micros } from '../core/types.ts';
import { HOP_COLUMNS, type HopRow, hopFromRow } from './rows.ts';

/** A login on another host, and the hop of this one by which it came. */
export interface HopChild {
  readonly hop: Id;
  readonly host: string;
  readonly login: Id;
}

export interface LinkQueries {
  /** The connections that left from there to there and lived at that time, give or take `slack`. */
  hopsBetween(source: Endpoint, destination: Endpoint, at: Micros, slack: Micros): Hop[];
  /** Logins on other hosts below this login. */
  childrenOf(login: Id): HopChild[];
  childrenOfHop(hop: Id): HopChild[];
  /** The hop here by which a login on another host came, as far as it has been told. */
  hopOfChild(host: string, login: Id): Id | null;
  /** Logins on that host below logins or hops here that were revoked since. */
  revokedChildren(
    host: string,
    since: Micros,
  ): (HopChild & { readonly by: string; readonly reason: string })[];
  /** Logins here that came by one of these hops of that host's. */
  loginsBelow(host: string, hops: readonly Id[]): Id[];
}

export function linkQueries(db: Database): LinkQueries {
  const lived = 'h.started <= ? AND (x.at IS NULL OR x.at >= ?)';
  const dialed = db.prepare<unknown[], HopRow>(
    `SELECT ${HOP_COLUMNS} WHERE o.port = ? AND o.address = ? AND h.address = ? AND h.port = ? AND ${lived}`,
  );
  const direct = db.prepare<unknown[], HopRow>(
    `SELECT ${HOP_COLUMNS} WHERE h.address = ? AND h.port = ? AND h.source_address = ? AND h.source_port = ?
      AND h.mode = 'direct' AND ${lived}`,
  );
  const children = db.prepare<[Id], HopChild>(
    `SELECT c.hop, c.host, c.login FROM hops h JOIN hop_children c ON c.hop = h.id WHERE h.login = ? ORDER BY c.at`,
  );
  const ofHop = db.prepare<[Id], HopChild>(
    'SELECT hop, host, login FROM hop_children WHERE hop = ? ORDER BY at',
  );
  const ofChild = db
    .prepare<[Id, string], Id>('SELECT hop FROM hop_children WHERE login = ? AND host = ? ORDER BY at')
    .pluck();
  const revoked = db.prepare<[Micros, string], HopChild & { by: string; reason: string }>(
    `SELECT c.hop, c.host, c.login, r."by", r.reason FROM login_revocations r JOIN hops h ON h.login = r.login
      JOIN hop_children c ON c.hop = h.id WHERE r.at >= ? AND c.host = ?`,
  );
  // A hop that a person has revoked ends with who it was, and why: `revoked by uid 0: laptop stolen`. CROSS JOIN keeps the order:
  // few hops have children, and every hop has an end.
  const revokedHops = db.prepare<[Micros, string], HopChild & { why: string }>(
    `SELECT c.hop, c.host, c.login, x.reason AS why FROM hop_children c CROSS JOIN hop_ends x ON x.hop = c.hop
      WHERE x.at >= ? AND c.host = ? AND x.reason LIKE 'revoked by uid %'`,
  );
  const below = db
    .prepare<[Id, string], Id>(
      `SELECT i.login FROM login_identities i WHERE i.parent_hop = ? AND json_extract(i.link, '$.host') = ?`,
    )
    .pluck();
  const begun = db
    .prepare<[Id, string], Id>(
      `SELECT l.id FROM logins l WHERE l.parent_hop = ? AND json_extract(l.link, '$.host') = ?`,
    )
    .pluck();
  return {
    hopsBetween: (source, destination, at, slack) => {
      const within = [at + slack, at - slack];
      const from = [source.port, source.address, destination.address, destination.port];
      const straight = [destination.address, destination.port, source.address, source.port];
      return [...dialed.all(...from, ...within), ...direct.all(...straight, ...within)].map(hopFromRow);
    },
    childrenOf: (login) => children.all(login),
    childrenOfHop: (hop) => ofHop.all(hop),
    hopOfChild: (host, login) => ofChild.get(login, host) ?? null,
    revokedChildren: (host, since) => [
      ...revoked.all(since, host),
      ...revokedHops.all(since, host).flatMap(({ why, ...child }) => {
        const [, by, reason] = /^revoked by (uid \d+): (.*)$/s.exec(why) ?? [];
        return by === undefined || reason === undefined ? [] : [{ ...child, by, reason }];
      }),
    ],
    loginsBelow: (host, hops) => [
      ...new Set(hops.flatMap((hop) => [...below.all(hop, host), ...begun.all(hop, host)])),
    ],
  };
}
