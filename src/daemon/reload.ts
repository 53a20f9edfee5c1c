import { isDeepStrictEqual } from 'node:util';
import type { Checked, Reloaded } from '../api/protocol.ts';
import { ConfigError } from '../config/problem.ts';
import type { Config } from '../config/types.ts';
import { loadAll } from '../policy/load.ts';
import type { Daemon } from './daemon.ts';
import { reconfigure } from './kernel-half.ts';
import { decideConnect } from './policy-state.ts';

/** Settings that sockets, files and programs were made from. */
const FIXED: readonly (keyof Config)[] = ['host', 'scope', 'paths', 'ssh', 'origins'];

/**
 * Takes up a new configuration as one snapshot, or refuses all of it and goes on with the one it has.
 * Connections that the new policy does not allow are closed.
 */
export function reload(daemon: Daemon): Reloaded {
  const before = daemon.policy;
  try {
    const next = daemon.loader.load();
    const changed = FIXED.filter((key) => !isDeepStrictEqual(next.config[key], before.config[key]));
    if (!isDeepStrictEqual(next.config.proxy.listen, before.config.proxy.listen)) changed.push('proxy');
    daemon.policy = next;
    try {
      daemon.installRoutes();
    } catch (error) {
      daemon.policy = before;
      daemon.installRoutes();
      throw error;
    }
    reconfigure(daemon.kernel, next.config, true);
    const { claim, dial } = next.config.proxy.timeouts;
    daemon.pool.replaceSnapshot({
      version: next.snapshot.version,
      claimTimeoutMs: claim,
      dialTimeoutMs: dial,
    });
    const closed = closeDenied(daemon);
    const waiting = changed.length > 0 ? `; ${changed.join(', ')} changed and need a restart` : '';
    note(
      daemon,
      `policy ${before.snapshot.version} → ${next.snapshot.version}, ${closed} hops closed${waiting}`,
    );
    daemon.log.info({ version: next.snapshot.version, closed, restart: changed }, 'reloaded');
    return { ok: true, version: next.snapshot.version, problems: [], warnings: next.warnings };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    daemon.log.error({ problems: error.problems }, 'the new configuration is refused; the running one stays');
    note(daemon, `refused: ${error.problems.length} problems; ${before.snapshot.version} stays in force`);
    return { ok: false, version: before.snapshot.version, problems: error.problems, warnings: [] };
  }
}

/** Checks a directory as a reload would, and changes nothing. */
export function checkConfig(directory: string): Checked {
  try {
    const { config, policies, warnings } = loadAll(directory);
    return {
      ok: true,
      problems: [],
      warnings,
      policies: policies.policies.length,
      targets: config.targets.length,
      users: config.identities.length,
    };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { ok: false, problems: error.problems, warnings: [], policies: 0, targets: 0, users: 0 };
  }
}

function closeDenied(daemon: Daemon): number {
  let closed = 0;
  for (const open of daemon.open.inspected()) {
    const route = daemon.routing.find(
      open.hop.transport,
      open.hop.destination.address,
      open.hop.destination.port,
    );
    const decision =
      route?.decision ??
      decideConnect(daemon.policy, { ...open.hop, target: route?.target ?? null }, open.root);
    if (decision.outcome === 'allow' || decision.observed) continue;
    if (daemon.revocations.hop(open, `a new policy denies it: ${decision.reason}`)) closed++;
  }
  return closed;
}

function note(daemon: Daemon, detail: string): void {
  daemon.record.notice({ at: daemon.now(), kind: 'reload', login: null, count: 1, detail });
  daemon.record.flush();
}
