/** The whole configuration as one snapshot: what the daemon runs on, replaced as a whole or not at all. */
import { loadConfig } from '../config/load.ts';
import { type Problem, sortProblems } from '../config/problem.ts';
import type { Config, LoadOptions } from '../config/types.ts';
import type { Route } from '../core/types.ts';
import { checkPolicies } from './check.ts';
import { routeWarnings } from './route-warnings.ts';
import { compileRoutes } from './routes.ts';
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
  const routes = compileRoutes(config, policies, firstRouteId);
  return {
    config,
    policies,
    routes,
    warnings: sortProblems([...config.warnings, ...routeWarnings(routes, config)]),
  };
}
