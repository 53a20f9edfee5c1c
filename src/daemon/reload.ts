import { isDeepStrictEqual } from 'node:util';
import type { Reloaded } from '../api/protocol.ts';
import { ConfigError, type Problem, problem } from '../config/problem.ts';
import type { Config } from '../config/types.ts';
import type { Daemon } from './daemon.ts';
import { reconfigure } from './kernel-half.ts';
import { decideConnect, type PolicyState } from './policy-state.ts';
import type { Closing } from './revoke.ts';

/** Settings that sockets, files, programs and processes were made from, as a person writes them. */
const FIXED: Readonly<Record<string, (config: Config) => unknown>> = {
  host: ({ host }) => host,
  scope: ({ scope }) => scope,
  paths: ({ paths }) => paths,
  ssh: ({ ssh }) => ssh,
  origins: ({ origins }) => origins,
  record: ({ record }) => record,
  tripwire: ({ tripwire }) => tripwire,
  'proxy.listen': ({ proxy }) => proxy.listen,
  'proxy.workers': ({ proxy }) => proxy.workers,
  'proxy.user': ({ proxy }) => proxy.user,
};

/** Keys whose value is another than the daemon was started with. */
export function needRestart(started: Config, now: Config): string[] {
  const keys = Object.entries(FIXED);
  return keys.filter(([, of]) => !isDeepStrictEqual(of(started), of(now))).map(([key]) => key);
}

/**
 * Takes up a new configuration as one snapshot, or refuses all of it and goes on with the one it has.
 * Connections that the new policy does not allow are closed.
 */
export async function reload(daemon: Daemon): Promise<Reloaded> {
  const before = daemon.policy;
  try {
    takeUp(daemon, daemon.loader.load());
  } catch (error) {
    return refused(daemon, error as Error);
  }
  const { config, snapshot, warnings } = daemon.policy;
  giveBack(daemon, before);
  daemon.log.level = config.log.level;
  daemon.credentials.replace(config.credentials);
  daemon.fleet.peering.replace(config);
  daemon.tellWorkers();
  daemon.shells.settle();
  const restart = needRestart(daemon.startedWith, config);
  const { closed, open } = await daemon.revocations.close(denied(daemon));
  const left = open.length > 0 ? `, ${open.length} could not be closed` : '';
  const waiting = restart.length > 0 ? `; ${restart.join(', ')} changed and need a restart` : '';
  note(
    daemon,
    `policy ${before.snapshot.version} → ${snapshot.version}, ${closed.length} hops closed${left}${waiting}`,
  );
  daemon.log.info({ version: snapshot.version, closed: closed.length, open, restart }, 'reloaded');
  return { ok: true, version: snapshot.version, problems: [], warnings, restart };
}

/** @throws Error where the kernel does not take it; the state from before is in force then */
function takeUp(daemon: Daemon, next: PolicyState): void {
  const before = daemon.policy;
  try {
    daemon.installRoutes(next.routes);
    try {
      reconfigure(daemon.kernel, next.config, true);
    } catch (error) {
      daemon.installRoutes(before.routes);
      throw error;
    }
  } catch (error) {
    giveBack(daemon, next);
    throw error;
  }
  daemon.policy = next;
}

/** Cedar keeps prepared policies until it is told. That it can't be told is no reason to refuse what is in force. */
function giveBack(daemon: Daemon, { snapshot }: PolicyState): void {
  try {
    snapshot[Symbol.dispose]();
  } catch (error) {
    daemon.log.error({ err: error }, 'policies that are no longer in force stay in memory');
  }
}

function refused(daemon: Daemon, error: Error): Reloaded {
  const { version } = daemon.policy.snapshot;
  const problems = error instanceof ConfigError ? error.problems : [unexpected(daemon, error)];
  daemon.log.error(
    { problems, ...(error instanceof ConfigError ? {} : { err: error }) },
    'the new configuration is refused; the running one stays',
  );
  note(daemon, `refused: ${problems.length} problems; ${version} stays in force`);
  return { ok: false, version, problems, warnings: [], restart: [] };
}

/** Nothing in the files is wrong, but they could not be put into force. */
function unexpected(daemon: Daemon, error: Error): Problem {
  const detail = { message: `could not be put into force: ${error.message}` };
  return problem(daemon.options.configPath, { line: 0, column: 0 }, '', detail);
}

/**
 * The hops that the new policy would not let begin. Not UDP: the kernel looks up each datagram's destination again
 * once there is another table.
 */
function denied(daemon: Daemon): Closing[] {
  return daemon.open.all().flatMap((open) => {
    const { transport, destination } = open.hop;
    if (transport !== 'tcp') return [];
    const route = daemon.routing.find(transport, destination.address, destination.port);
    const decision =
      route?.decision ??
      decideConnect(daemon.policy, { ...open.hop, target: route?.target ?? null }, open.root);
    if (decision.outcome === 'allow' || decision.observed) return [];
    return [{ open, reason: `a new policy denies it: ${decision.reason}` }];
  });
}

function note(daemon: Daemon, detail: string): void {
  daemon.record.notice({ at: daemon.now(), kind: 'reload', login: null, count: 1, detail });
  daemon.record.flush();
}
