import type { Action, Decision, Endpoint, Hop, Identity, Link, Login, Process } from '../core/types.ts';

/**
 * How rows become the records of the vocabulary. Each `…_COLUMNS` is a SELECT list with its FROM and joins; the
 * statement that uses it adds WHERE and ORDER BY. The aliases: l login, p process, x its end, h hop, n handoff or notice.
 */

const learnt = (column: string, from = column) =>
  `ifnull((SELECT i.${from} FROM login_identities i WHERE i.login = l.id AND i.${from} IS NOT NULL
    ORDER BY i.seq DESC LIMIT 1), l.${from}) AS ${column}`;

/** Takes one parameter first: the boot id of now, without which nothing of a login can still be running. */
export const LOGIN_COLUMNS = `l.id, l.host, l.kind, l.source, ${learnt('user')}, ${learnt('uid')}, ${learnt('identity')},
  ${learnt('address', 'client_address')}, ${learnt('port', 'client_port')}, ${learnt('tty')},
  ${learnt('parentHop', 'parent_hop')}, ${learnt('link')}, l.started, l.recovered,
  (SELECT min(e.at) FROM login_ends e WHERE e.login = l.id) AS ended,
  (l.boot = ? AND EXISTS (SELECT 1 FROM login_ends e WHERE e.login = l.id AND e.lingering = 1)
    AND NOT EXISTS (SELECT 1 FROM login_ends e WHERE e.login = l.id AND e.lingering = 0)) AS lingering,
  (SELECT min(r.at) FROM login_revocations r WHERE r.login = l.id) AS revoked
  FROM logins l`;

export interface LoginRow {
  readonly id: string;
  readonly host: string;
  readonly kind: Login['kind'];
  readonly source: Login['source'];
  readonly user: string | null;
  readonly uid: number | null;
  readonly identity: string | null;
  readonly address: string | null;
  readonly port: number | null;
  readonly tty: string | null;
  readonly parentHop: string | null;
  readonly link: string | null;
  readonly started: number;
  readonly recovered: number;
  readonly ended: number | null;
  readonly lingering: number;
  readonly revoked: number | null;
}

export function loginFromRow(row: LoginRow): Login {
  const { address, port, identity, link, ...rest } = row;
  return {
    ...rest,
    identity: identity === null ? null : (JSON.parse(identity) as Identity),
    link: link === null ? null : (JSON.parse(link) as Link),
    client: address === null ? null : { address, port: port ?? 0 },
    lingering: row.lingering === 1,
    recovered: row.recovered === 1,
  };
}

export const PROCESS_COLUMNS = `p.id, p.login, p.parent, p.pid, p.ppid, p.start_ns AS startNs, p.image, p.exe,
  p.exe_verified AS exeVerified, p.argv, p.argv_bytes AS argvBytes, p.uid, p.started, p.recovered, x.at AS exited,
  x.exit_code AS exitCode, x.signal FROM processes p LEFT JOIN process_exits x ON x.process = p.id`;

export interface ProcessRow extends Omit<Process, 'argv' | 'exeVerified' | 'recovered'> {
  readonly argv: string;
  readonly exeVerified: number;
  readonly recovered: number;
}

export function processFromRow(row: ProcessRow): Process {
  return {
    ...row,
    argv: JSON.parse(row.argv) as string[],
    exeVerified: row.exeVerified === 1,
    recovered: row.recovered === 1,
  };
}

/** On this host, where the hop went round to it, or as another host has told. */
const CHILD = `coalesce((SELECT c.id FROM logins c WHERE c.parent_hop = h.id LIMIT 1),
  (SELECT c.login FROM login_identities c WHERE c.parent_hop = h.id LIMIT 1),
  (SELECT c.login FROM hop_children c WHERE c.hop = h.id ORDER BY c.at LIMIT 1)) AS childLogin,
  (SELECT c.host FROM hop_children c WHERE c.hop = h.id ORDER BY c.at LIMIT 1) AS childHost`;

export const HOP_COLUMNS = `h.id, h.login, h.process, h.chain, h.target, h.name, h.transport, h.protocol, h.address,
  h.port, h.source_address AS sourceAddress, h.source_port AS sourcePort, h.started, h.mode, x.at AS ended, x.bytes_up AS bytesUp, x.bytes_down AS bytesDown, x.reason AS endReason,
  d.outcome, d.policies, d.reason, d.observed, d.errors, d.version,
  (SELECT count(*) FROM actions a WHERE a.hop = h.id) AS actions, ${CHILD},
  o.address AS dialedAddress, o.port AS dialedPort
  FROM hops h LEFT JOIN hop_ends x ON x.hop = h.id LEFT JOIN hop_dials o ON o.hop = h.id
  LEFT JOIN decisions d ON d.seq = (SELECT v.seq FROM decisions v WHERE v.hop = h.id AND v.action = 0
    ORDER BY v.at DESC LIMIT 1)`;

/** Key in `meta`: every hop up to this number has ended. */
export const ENDED_MARK = 'hops-ended-through';
export const ENDED_THROUGH = `ifnull((SELECT CAST(value AS INTEGER) FROM meta WHERE key = '${ENDED_MARK}'
  ORDER BY seq DESC LIMIT 1), 0)`;
/** Condition on HOP_COLUMNS: has not ended. */
export const UNENDED = `h.seq > ${ENDED_THROUGH} AND NOT EXISTS (SELECT 1 FROM hop_ends e WHERE e.hop = h.id)`;

export interface HopRow extends Omit<Hop, 'chain' | 'destination' | 'source' | 'dialed' | 'decision'> {
  readonly chain: string;
  readonly address: string;
  readonly port: number;
  readonly sourceAddress: string | null;
  readonly sourcePort: number | null;
  readonly dialedAddress: string | null;
  readonly dialedPort: number | null;
  readonly outcome: Decision['outcome'];
  readonly policies: string;
  readonly reason: string;
  readonly observed: number;
  readonly errors: string;
  readonly version: string;
}

export function hopFromRow(row: HopRow): Hop {
  const { address, port, sourceAddress, sourcePort, dialedAddress, dialedPort, chain, ...decided } = row;
  const { outcome, policies, reason, observed, errors, version, ...rest } = decided;
  return {
    ...rest,
    chain: JSON.parse(chain) as string[],
    destination: { address, port },
    source: endOf(sourceAddress, sourcePort),
    dialed: endOf(dialedAddress, dialedPort),
    decision: decisionOf({ outcome, policies, reason, observed, errors, version }),
  };
}

function endOf(address: string | null, port: number | null): Endpoint | null {
  return address === null ? null : { address, port: port ?? 0 };
}

type DecisionRow = Pick<HopRow, 'outcome' | 'policies' | 'reason' | 'observed' | 'errors' | 'version'>;

function decisionOf({ policies, observed, errors, ...rest }: DecisionRow): Decision {
  return {
    ...rest,
    policies: JSON.parse(policies) as string[],
    observed: observed === 1,
    errors: JSON.parse(errors) as string[],
  };
}

export const ACTION_COLUMNS = `a.id, a.hop, h.login, h.target, h.chain, a.seq, a.kind, a.subject, a.detail, a.at,
  e.at AS ended, e.detail AS result, d.outcome, d.policies, d.reason, d.observed, d.errors, d.version,
  (SELECT json_group_array(json_object('id', p.id, 'outcome', w.outcome, 'by', w."by", 'reason', w.reason) ORDER BY p.id)
    FROM approvals p LEFT JOIN approval_answers w ON w.approval = p.id WHERE p.hop = a.hop AND p.action = a.seq)
    AS approvals
  FROM actions a JOIN hops h ON h.id = a.hop LEFT JOIN action_ends e ON e.hop = a.hop AND e.seq = a.seq
  LEFT JOIN decisions d ON d.seq = ifnull((SELECT v.seq FROM decisions v WHERE v.hop = a.hop AND v.action = a.seq
    ORDER BY v.at DESC LIMIT 1), a.decision)`;

export interface ActionRow
  extends Omit<Action, 'chain' | 'detail' | 'result' | 'decision' | 'approvals'>,
    DecisionRow {
  readonly approvals: string;
  readonly chain: string;
  readonly detail: string;
  readonly result: string | null;
}

export function actionFromRow(row: ActionRow): Action {
  const { chain, detail, result, ...decided } = row;
  const { outcome, policies, reason, observed, errors, version, ...rest } = decided;
  return {
    ...rest,
    chain: JSON.parse(chain) as string[],
    detail: JSON.parse(detail) as Action['detail'],
    result: result === null ? null : (JSON.parse(result) as Action['detail']),
    decision: decisionOf({ outcome, policies, reason, observed, errors, version }),
    approvals: JSON.parse(row.approvals) as Action['approvals'],
  };
}

export const RECORDING_COLUMNS = `r.id, r.hop, ifnull(r.login, h.login) AS login, r.kind, r.file, r.started, e.at AS ended, e.bytes, e.sha256, e.reason,
  x.at AS removed, x.reason AS removal
  FROM recordings r LEFT JOIN hops h ON h.id = r.hop LEFT JOIN recording_ends e ON e.recording = r.id
  LEFT JOIN recording_removals x ON x.recording = r.id`;

export const HANDOFF_COLUMNS = `n.id, n.kind, n.login, n.process, n.to_login AS toLogin, n.to_pid AS toPid, n.via, n.at
  FROM handoffs n`;

export const NOTICE_COLUMNS = 'n.id, n.at, n.kind, n.login, n.count, n.detail FROM notices n';
