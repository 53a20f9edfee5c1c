import type { Handlers } from '../api/connection.ts';
import { type ApprovalJson, approvalJson, rfc3339 } from '../api/json.ts';
import type { Peer } from '../api/peer.ts';
import {
  ControlError,
  MAX_RECORDING_BYTES,
  type Params,
  type RecordingBytes,
  type Revoked,
  type Status,
} from '../api/protocol.ts';
import { ControlServer } from '../api/server.ts';
import { storeHandlers } from '../api/store.ts';
import type { Id } from '../core/types.ts';
import { HlLoss } from '../kernel/layouts.generated.ts';
import type { RevokedOn } from '../peers/protocol.ts';
import { authorityKeys } from './authority-keys.ts';
import { checkConfig } from './check-config.ts';
import type { Daemon } from './daemon.ts';
import { explain } from './explain.ts';
import { peerHandlers } from './peer-control.ts';
import { personOf } from './person.ts';
import { reload } from './reload.ts';
import type { Closed } from './revoke.ts';
import { wholeTree } from './whole-tree.ts';

export interface ControlOptions {
  readonly path: string;
  readonly group: number | null;
  readonly version: string;
}

/** The control socket of a daemon that runs. What it answers was committed before. */
export function controlServer(daemon: Daemon, options: ControlOptions): ControlServer {
  /** What the kernel has reported by now is in the store before a question is answered. */
  const fresh =
    <P extends unknown[], R>(handler: (...args: P) => R) =>
    (...args: P): R => {
      daemon.events.drain();
      daemon.events.commit();
      return handler(...args);
    };
  const reads = storeHandlers(daemon.store.reader);
  const handlers: Handlers = {
    logins: fresh(reads.logins),
    tree: fresh(({ local = false, ...params }) => {
      const own = reads.tree(params);
      return local ? own : wholeTree(daemon, own);
    }),
    hops: fresh(reads.hops),
    actions: fresh(reads.actions),
    recordings: fresh(reads.recordings),
    'recording.read': (params, { peer }) => readRecording(daemon, params, `uid ${peer.uid}`),
    handoffs: fresh(reads.handoffs),
    notices: fresh(reads.notices),
    approvals: fresh(reads.approvals),
    approve: fresh(({ approval, reason }, { peer }) =>
      answer(daemon, approval, 'approved', peer, reason ?? ''),
    ),
    deny: fresh(({ approval, reason }, { peer }) => answer(daemon, approval, 'denied', peer, reason)),
    watch: daemon.watch.handler,
    status: fresh(() => statusOf(daemon, options.version)),
    revoke: fresh(({ what, reason }, { peer }) =>
      revoke(daemon, what, `uid ${peer.uid}`, reason ?? 'no reason given'),
    ),
    reload: () => reload(daemon),
    ca: ({ do: what }, { peer }) => authorityKeys(daemon, what, peer.uid),
    ...peerHandlers(daemon),
    'policy.explain': fresh((params) => explain(daemon, params)),
    'config.check': ({ dir }, { peer }) => {
      // Threat: what is wrong with a file is told by quoting it, and the daemon reads as root.
      if (dir !== undefined && peer.uid !== 0)
        throw new ControlError('refused', 'only root may name another directory');
      return checkConfig(dir ?? daemon.options.configPath, daemon.options.protocols);
    },
  };
  return new ControlServer(
    {
      path: options.path,
      ...(options.group === null ? {} : { group: options.group }),
      onError: (error, method) => daemon.log.error({ err: error, method }, 'control'),
    },
    handlers,
  );
}

/** @throws ControlError `refused`, LookupError */
function answer(
  daemon: Daemon,
  approval: number,
  outcome: 'approved' | 'denied',
  peer: Peer,
  reason: string,
): ApprovalJson {
  const { reader } = daemon.store;
  reader.approval(approval);
  const person = personOf(peer, {
    rootOf: (pid, startTicks) => daemon.attribution.process(pid, startTicks, daemon.now())?.root ?? null,
    identities: () => daemon.policy.config.identities,
  });
  daemon.approvals.answer(approval, outcome, person, reason);
  return approvalJson(reader.approval(approval));
}

async function revoke(daemon: Daemon, what: string, by: string, reason: string): Promise<Revoked> {
  const found = daemon.store.reader.resolve(what);
  if (found.type === 'hop') {
    const open = daemon.open.get(found.hop.id);
    if (!open) return revokeBelow(daemon, found.hop.id, by, reason);
    const done = await daemon.revocations.close([{ open, reason: `revoked by ${by}: ${reason}` }]);
    const [left] = done.open;
    if (left) throw new ControlError('refused', `hop ${left.hop} goes on: ${left.reason}`);
    const below = await daemon.fleet.revocations.belowHop(found.hop.id, by, reason);
    return revoked('hop', [], [done], below);
  }
  const ids = (found.type === 'login' ? [found.login] : found.logins).map(({ id }) => id);
  const { logins, closed, hosts } = await daemon.fleet.revocations.tree(ids, by, reason);
  if (logins.length === 0) throw new ControlError('refused', `nothing of ${what} is alive any more`);
  return revoked(found.type, logins, closed, hosts);
}

/** Of a hop that is over: what came by it may go on. */
async function revokeBelow(daemon: Daemon, hop: Id, by: string, reason: string): Promise<Revoked> {
  const hosts = await daemon.fleet.revocations.belowHop(hop, by, reason);
  const over = `hop ${hop} is not open any more`;
  const direct = daemon.store.reader.childrenOfHop(hop).map(({ host }) => host);
  const untold = hosts.find((one) => one.reason !== null && direct.includes(one.host));
  if (untold)
    throw new ControlError(
      'refused',
      `${over}, and ${untold.host} was not told (${untold.reason}): what came there by it goes on. Revoke it when it answers`,
    );
  if (!hosts.some(({ logins }) => logins.length > 0)) throw new ControlError('refused', over);
  return revoked('hop', [], [], hosts);
}

/** Who looks at what others were shown is on record, too. */
async function readRecording(
  daemon: Daemon,
  { id, offset, limit = MAX_RECORDING_BYTES }: Params['recording.read'],
  by: string,
): Promise<RecordingBytes> {
  const recording = daemon.store.reader.recording(id);
  const bytes = await daemon.recordings.read(recording, offset, limit).catch((error: Error) => {
    throw new ControlError('refused', `recording ${recording.id} cannot be read: ${error.message}`);
  });
  if (offset === 0) {
    const detail = `${by} reads recording ${recording.id}`;
    daemon.record.notice({ at: daemon.now(), kind: 'recording', login: null, count: 1, detail });
  }
  return { bytes: bytes.toString('base64'), ended: recording.ended !== null };
}

function revoked(
  type: Revoked['type'],
  logins: readonly string[],
  all: readonly Closed[],
  hosts: readonly RevokedOn[],
): Revoked {
  return {
    type,
    logins,
    hops: all.flatMap(({ closed }) => closed),
    silenced: all.flatMap(({ silenced }) => silenced),
    open: all.flatMap(({ open }) => open),
    hosts,
  };
}

function statusOf(daemon: Daemon, version: string): Status {
  const { config, routes, snapshot } = daemon.policy;
  const losses = daemon.kernel.maps.losses();
  const options = daemon.kernel.hopOption.counts;
  const problems = [...daemon.kernel.missing];
  if (daemon.record.full)
    problems.push('the disk is full: what can not be recorded is refused in enforce mode');
  for (const { host, down } of daemon.fleet.peering.list())
    if (down !== null) problems.push(`${host} of the fleet is not connected: ${down}`);
  const workers = daemon.pool.workers();
  const down = workers.filter(({ ready }) => !ready).length;
  if (down > 0) problems.push(`${down} of ${workers.length} proxy workers are not ready`);
  const { schema, ...counts } = daemon.store.reader.stats();
  return {
    version,
    host: config.host,
    mode: config.mode,
    pid: process.pid,
    started: rfc3339(daemon.started),
    policy: { version: snapshot.version, policies: snapshot.policies.length, targets: config.targets.length },
    workers,
    store: { ...counts, schema },
    kernel: {
      continued: daemon.kernel.continued,
      eventsHandled: daemon.events.handled,
      eventsLost: Number(losses[HlLoss.LOSS_EVENT] ?? 0n),
      routes: routes.length,
      liveImages: daemon.attribution.images.live(),
      openHops: daemon.open.size,
      synOptionsWithoutRoom: Number(options.noRoom),
      synOptionsLost: Number(options.lost),
    },
    problems,
  };
}
