import type { Database } from 'better-sqlite3';
import { normaliseId } from '../core/ids.ts';
import type { Hop, Id, Login, Micros, Recording } from '../core/types.ts';
import { LookupError } from './errors.ts';
import type { Queries } from './query.ts';
import {
  HOP_COLUMNS,
  type HopRow,
  hopFromRow,
  LOGIN_COLUMNS,
  type LoginRow,
  loginFromRow,
  RECORDING_COLUMNS,
} from './rows.ts';

export type Resolved =
  | { readonly type: 'login'; readonly login: Login }
  | { readonly type: 'hop'; readonly hop: Hop }
  | { readonly type: 'user'; readonly user: string; readonly logins: readonly Login[] };

/** From what a person types to the record that is meant; all of them throw LookupError. */
export interface Lookups {
  /** By whole id or unique beginning of it, in any case. */
  login(ref: string): Login;
  hop(ref: string): Hop;
  /** By its hop, or its login, and its number there: `C9ZYV7-1`. */
  recording(ref: string): Recording;
  /**
   * A login, a hop, or a user with logins that are open, or that led to other hosts in the last week; `login:`, `hop:` and
   * `user:` before it say which.
   */
  resolve(what: string): Resolved;
}

const CANDIDATES = 10;
const WEEK: Micros = 7 * 86_400_000_000;

export function lookups(db: Database, boot: string, lists: Queries): Lookups {
  const ids = (table: 'logins' | 'hops') =>
    db
      .prepare<[Id, Id, number], Id>(`SELECT id FROM ${table} WHERE id >= ? AND id < ? ORDER BY id LIMIT ?`)
      .pluck();
  const prefixed = { login: ids('logins'), hop: ids('hops') };
  const loginById = db.prepare<[string, Id], LoginRow>(`SELECT ${LOGIN_COLUMNS} WHERE l.id = ?`);
  const hopById = db.prepare<[Id], HopRow>(`SELECT ${HOP_COLUMNS} WHERE h.id = ?`);

  const matches = (kind: 'login' | 'hop', ref: string): Id[] => {
    const prefix = normaliseId(ref);
    if (!/^[0-9A-Z]{1,12}$/.test(prefix)) return [];
    return prefixed[kind].all(prefix, `${prefix}~`, CANDIDATES + 1);
  };
  const one = (kind: 'login' | 'hop', ref: string): Id => {
    const found = matches(kind, ref);
    const [first] = found;
    if (first === undefined)
      throw new LookupError('not_found', `no ${kind} has an id that begins with "${ref}"`);
    if (found.length > 1) throw ambiguous(ref, `${kind}s`, found);
    return first;
  };
  const login = (ref: string): Login => {
    const row = loginById.get(boot, one('login', ref));
    if (row === undefined) throw new LookupError('not_found', `no login ${ref}`);
    return loginFromRow(row);
  };
  const hop = (ref: string): Hop => {
    const row = hopById.get(one('hop', ref));
    if (row === undefined) throw new LookupError('not_found', `no hop ${ref}`);
    return hopFromRow(row);
  };
  const recordingById = db.prepare<[string], Recording>(`SELECT ${RECORDING_COLUMNS} WHERE r.id = ?`);
  const recording = (ref: string): Recording => {
    const [, of, number] = /^(\w{1,12})-([1-9]\d{0,8})$/.exec(ref) ?? [];
    const all = of === undefined ? [] : [...matches('hop', of), ...matches('login', of)];
    const rows = all.map((id) => recordingById.get(`${id}-${number}`)).filter((row) => row !== undefined);
    const [row] = rows;
    if (row === undefined) throw new LookupError('not_found', `no recording ${ref}`);
    if (rows.length > 1)
      throw ambiguous(
        ref,
        'recordings',
        rows.map(({ id }) => id),
      );
    return row;
  };
  const loginsOf = (name: string, limit: number): Login[] => {
    const since = Date.now() * 1000 - WEEK;
    const parents = lists.logins({ all: true, parents: true, user: name, since, limit });
    const all = [...lists.logins({ user: name, limit }), ...parents];
    return [...new Map(all.map((one) => [one.id, one])).values()];
  };
  const user = (name: string): Resolved => {
    // All of them: what ends what a person may do must not leave their oldest login out.
    const logins = loginsOf(name, -1);
    if (logins.length === 0) throw new LookupError('not_found', `no open login of a user "${name}"`);
    return { type: 'user', user: name, logins };
  };

  const resolve = (what: string): Resolved => {
    const [, kind, rest] = /^(login|hop|user):(.+)$/s.exec(what) ?? [];
    if (rest !== undefined) {
      if (kind === 'login') return { type: 'login', login: login(rest) };
      return kind === 'hop' ? { type: 'hop', hop: hop(rest) } : user(rest);
    }
    const found = [
      ...(loginsOf(what, 1).length > 0 ? [`user:${what}`] : []),
      ...matches('login', what).map((id) => `login:${id}`),
      ...matches('hop', what).map((id) => `hop:${id}`),
    ];
    const [first] = found;
    if (first === undefined) {
      throw new LookupError('not_found', `"${what}" is no login, no hop and no user with an open login`);
    }
    if (found.length > 1) throw ambiguous(what, 'things', found);
    return resolve(first);
  };
  return { login, hop, recording, resolve };
}

function ambiguous(ref: string, what: string, found: readonly string[]): LookupError {
  const shown = found.slice(0, CANDIDATES);
  const more = found.length > CANDIDATES ? ', …' : '';
  return new LookupError('ambiguous', `"${ref}" may mean several ${what}: ${shown.join(', ')}${more}`, shown);
}
