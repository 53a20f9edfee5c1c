/** Reads the configuration directory into one immutable snapshot, or says everything that is wrong with it. */
import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { directoryWarnings, readText } from './files.ts';
import { deepFreeze } from './freeze.ts';
import { readIdentities } from './identities.ts';
import { ConfigError, type Problem, problem, sortProblems } from './problem.ts';
import { systemResolvers } from './resolvers.ts';
import { settingsShape, type Written } from './settings.ts';
import { fit } from './shape.ts';
import { readTargets } from './targets.ts';
import type { Config, LoadOptions, PolicyFile } from './types.ts';
import { YamlFile } from './yaml.ts';

const NOWHERE = { line: 0, column: 0 };

/** What was read so far: texts go into the digest, problems into the error. */
class Reading {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly files: { readonly file: string; readonly text: string }[] = [];

  text(file: string, missing: Problem | null): string | null {
    const { text, problems, warnings } = readText(file, missing);
    this.problems.push(...problems);
    this.warnings.push(...warnings);
    if (text !== null) this.files.push({ file, text });
    return text;
  }
}

/**
 * @param path the directory of hopline.yaml, or that file itself
 * @throws ConfigError with every problem that was found; nothing is half loaded
 */
export function loadConfig(path: string, options: LoadOptions = {}): Config {
  const main = mainFile(path);
  const directory = dirname(main);
  const reading = new Reading();
  reading.warnings.push(...directoryWarnings(directory));

  const written = readSettings(main, reading, options);
  const home = written?.paths.config ?? directory;
  if (home !== directory) reading.warnings.push(...directoryWarnings(home));

  const targetsFile = join(home, 'targets.yaml');
  const targetsText = reading.text(targetsFile, null);
  const { targets, credentials, certificates, sshfp, ...targetsFound } = readTargets(
    new YamlFile(targetsFile, targetsText ?? ''),
    options.protocols,
  );
  const identitiesFile = join(home, 'identities.yaml');
  const identitiesText = reading.text(identitiesFile, null);
  const { users: identities, problems } = readIdentities(new YamlFile(identitiesFile, identitiesText ?? ''));
  const policies = readPolicies(join(home, 'policies'), reading);
  const checked = options.checkPolicies?.({ files: policies, targets, identities });

  reading.problems.push(...targetsFound.problems, ...problems, ...(checked?.problems ?? []));
  reading.warnings.push(...targetsFound.warnings, ...(checked?.warnings ?? []));
  if (written === null || reading.problems.length > 0) throw new ConfigError(reading.problems);

  const { resolvers: wanted } = written.dns;
  const system = wanted === 'auto' ? systemResolvers(options.resolvConf ?? '/etc/resolv.conf') : null;
  const resolvers = [...new Set(system?.resolvers ?? (wanted as readonly string[]))];
  reading.warnings.push(...(system?.warnings ?? []));
  return deepFreeze({
    ...written,
    version: digest([...reading.files.flatMap(({ file, text }) => [file, text]), ...resolvers]),
    files: reading.files.map(({ file }) => file),
    dns: { resolvers },
    targets,
    credentials,
    certificates,
    sshfp,
    identities,
    policies,
    warnings: sortProblems(reading.warnings),
  });
}

function mainFile(path: string): string {
  const absolute = resolve(path);
  if (statSync(absolute, { throwIfNoEntry: false })?.isDirectory()) return join(absolute, 'hopline.yaml');
  return /\.ya?ml$/.test(basename(absolute)) ? absolute : join(absolute, 'hopline.yaml');
}

function readSettings(file: string, reading: Reading, options: LoadOptions): Written | null {
  const missing = problem(file, NOWHERE, '', {
    message: 'there is no such file',
    expected: 'hopline.yaml; every key in it is optional, so it may be empty',
    hint: `sudo install -D -m 644 /dev/null ${file}, or name the directory with --config`,
  });
  const text = reading.text(file, missing);
  if (text === null) return null;
  const yaml = new YamlFile(file, text);
  if (yaml.problems.length > 0) {
    reading.problems.push(...yaml.problems);
    return null;
  }
  const shape = settingsShape({
    hostname: options.hostname ?? hostname(),
    processors: options.processors ?? availableParallelism(),
    directory: dirname(file),
  });
  return fit(shape, yaml.value, yaml, [], reading.problems);
}

function readPolicies(directory: string, reading: Reading): readonly PolicyFile[] {
  let names: string[];
  try {
    names = readdirSync(directory).filter((name) => name.endsWith('.cedar') && !name.startsWith('.'));
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') {
      const detail = {
        message: `cannot be read (${code})`,
        expected: 'a directory of *.cedar files',
        hint: `look at ls -ld ${directory}`,
      };
      reading.problems.push(problem(directory, NOWHERE, '', detail));
    } else reading.warnings.push(nothing(directory));
    return [];
  }
  reading.warnings.push(...directoryWarnings(directory));
  if (names.length === 0) reading.warnings.push(nothing(directory));
  return names.sort().flatMap((name) => {
    const file = join(directory, name);
    const gone = problem(file, NOWHERE, '', {
      message: 'went away while it was read',
      hint: 'load it again',
    });
    const text = reading.text(file, gone);
    return text === null ? [] : [{ file, text }];
  });
}

function nothing(directory: string): Problem {
  return problem(directory, NOWHERE, '', {
    message: 'there are no policies here, so that no connection is permitted',
    hint: 'write a file that ends in .cedar',
  });
}

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
