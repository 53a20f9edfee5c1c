import { loadConfig } from '../../src/config/load.ts';
import { ConfigError, type Problem } from '../../src/config/problem.ts';
import type { Config, LoadOptions } from '../../src/config/types.ts';

/** What `t.testdir` takes: a name is a file's text, or a directory. */
interface Tree {
  [name: string]: string | Tree;
}

/** An empty hopline.yaml with a resolv.conf of its own, and what a test adds. */
export function files(extra: Tree = {}): Tree {
  const own = { 'hopline.yaml': '', 'resolv.conf': 'nameserver 10.0.0.53\n', policies: { 'a.cedar': '' } };
  return { ...own, ...extra };
}

export function load(directory: string, options: LoadOptions = {}): Config {
  return loadConfig(directory, {
    resolvConf: `${directory}/resolv.conf`,
    hostname: 'bastion1',
    processors: 2,
    ...options,
  });
}

/** The problems of a configuration that is refused; empty where it loads. */
export function problemsOf(run: () => unknown): readonly Problem[] {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

/** `file:line:column path` of each. */
export function places(problems: readonly Problem[]): readonly string[] {
  return problems.map(({ file, line, column, path }) =>
    `${file.split('/').at(-1)}:${line}:${column} ${path}`.trim(),
  );
}
