import type { Checked } from '../api/protocol.ts';
import { ConfigError } from '../config/problem.ts';
import { loadAll } from '../policy/load.ts';

/**
 * Checks a directory as a start or a reload would, and changes nothing.
 * @param protocols names of the protocol rooms
 */
export function checkConfig(directory: string, protocols: readonly string[]): Checked {
  try {
    const { config, policies, warnings } = loadAll(directory, { protocols });
    using snapshot = policies;
    return {
      ok: true,
      problems: [],
      warnings,
      policies: snapshot.policies.length,
      targets: config.targets.length,
      users: config.identities.length,
    };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { ok: false, problems: error.problems, warnings: [], policies: 0, targets: 0, users: 0 };
  }
}
