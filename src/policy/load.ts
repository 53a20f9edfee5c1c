/** The whole configuration as one snapshot: what the daemon runs on, replaced as a whole or not at all. */
import { join } from 'node:path';
import { loadConfig } from '../config/load.ts';
import { ConfigError, type Problem, problem, sortProblems } from '../config/problem.ts';
import type { Config, LoadOptions } from '../config/types.ts';
import type { Route } from '../core/target.ts';
import { checkPolicies } from './check.ts';
import { routeWarnings } from './route-warnings.ts';
import { compileRoutes, MOST_ROUTES } from './routes.ts';
import { compilePolicies, type PolicySnapshot } from './snapshot.ts';

export interface Loaded {
  readonly config: Config;
  readonly policies: PolicySnapshot;
  readonly routes: readonly Route[];
  /** Of the configuration and of the routes. */
  readonly warnings: readonly Problem[];
}

export interface LoadAllOptions extends Omit<LoadOptions, 'checkPolicies'> {
  /** See {@link compileRoutes}. */
  readonly firstRouteId?: number;
}

/**
 * @param path the directory of hopline.yaml, or that file
 * @throws ConfigError with every problem of every file, policies included
 */
export function loadAll(path: string, options: LoadAllOptions = {}): Loaded {
  const { firstRouteId = 1, ...rest } = options;
  const config = loadConfig(path, { ...rest, checkPolicies });
  const policies = compilePolicies({ ...config, files: config.policies });
  try {
    const routes = compileRoutes(config, policies, firstRouteId);
    if (routes.length > MOST_ROUTES) throw new ConfigError([tooMany(config, routes.length)]);
    const warnings = sortProblems([...config.warnings, ...routeWarnings(routes, config)]);
    return { config, policies, routes, warnings };
  } catch (error) {
    policies[Symbol.dispose]();
    throw error;
  }
}

function tooMany(config: Config, count: number): Problem {
  const lines = config.targets.map(
    ({ name, addresses, ports }) => [name, addresses.length * ports.length] as const,
  );
  const [name, most] = lines.reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0]);
  return problem(join(config.paths.config, 'targets.yaml'), { line: 0, column: 0 }, '', {
    message: 'the routing table would have more lines than the kernel holds: one for each address and port',
    got: `${count} lines, ${most} of them of target "${name}"`,
    expected: `at most ${MOST_ROUTES}`,
    hint: 'write prefixes in place of addresses that lie together, or list fewer ports',
  });
}
