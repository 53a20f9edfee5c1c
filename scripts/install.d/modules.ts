/**
 * Prints the npm packages that run in production, one a line: what package.json depends on, and what those do.
 * usage: modules REPOSITORY
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Manifest {
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

/** Needed to compile native modules, which are compiled. Types are for the compiler. */
const BUILD_ONLY = /^(nan|node-addon-api|undici-types|@types\/.*)$/;

const modules = join(process.argv[2] ?? '.', 'node_modules');
const found = new Set<string>();

function visit(name: string, optional: boolean): void {
  if (found.has(name) || BUILD_ONLY.test(name)) return;
  const directory = join(modules, name);
  if (!existsSync(directory)) {
    if (optional) return;
    throw new Error(`${name} is not installed: run scripts/up`);
  }
  found.add(name);
  follow(join(directory, 'package.json'));
}

function follow(file: string): void {
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  for (const name of Object.keys(dependencies)) visit(name, name in optionalDependencies);
  for (const name of Object.keys(optionalDependencies)) visit(name, true);
}

const own = JSON.parse(readFileSync(join(modules, '..', 'package.json'), 'utf8')) as Manifest;
for (const name of Object.keys(own.dependencies ?? {})) visit(name, false);
process.stdout.write(`${[...found].sort().join('\n')}\n`);
