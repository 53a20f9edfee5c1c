import { join } from 'node:path';
import { type Problem, problem } from '../config/problem.ts';
import type { Config } from '../config/types.ts';
import type { Route } from '../core/target.ts';

/** Targets that policy treats otherwise than their mode in targets.yaml says. */
export function routeWarnings(
  routes: readonly Route[],
  config: Pick<Config, 'targets' | 'paths'>,
): readonly Problem[] {
  const file = join(config.paths.config, 'targets.yaml');
  const warn = (target: string, message: string, hint: string) =>
    problem(file, { line: 0, column: 0 }, `targets.${target}`, { message, hint });
  return config.targets.flatMap(({ name, mode, transport }) => {
    const own = routes.find(({ target }) => target === name);
    if (own === undefined || mode !== 'direct') return [];
    const hint =
      'permit it for every principal without conditions on principal or context, or change its mode';
    if (transport === 'tcp' && own.action === 'inspect') {
      return [
        warn(
          name,
          'is redirected although its mode is direct, because policy asks who connects or how',
          hint,
        ),
      ];
    }
    const undecided = transport === 'udp' && own.decision?.policies.length === 0;
    return undecided ? [warn(name, `is denied: ${own.decision?.reason ?? ''}`, hint)] : [];
  });
}
