#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import type { Checked } from './api/protocol.ts';
import { main } from './cli/program.ts';

/** The command `hopline`: hands the command line to the CLI, and the rooms to it that it does not import. */

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** Imported when asked for: the policy engine alone takes longer to load than most commands to run. */
async function checkConfig(dir: string): Promise<Checked> {
  const [{ loadConfig }, { ConfigError }, { checkPolicies }] = await Promise.all([
    import('./config/load.ts'),
    import('./config/problem.ts'),
    import('./policy/check.ts'),
  ]);
  try {
    const { policies, targets, identities, warnings } = loadConfig(dir, { checkPolicies });
    const counts = { policies: policies.length, targets: targets.length, users: identities.length };
    return { ok: true, problems: [], warnings, ...counts };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { ok: false, problems: error.problems, warnings: [], policies: 0, targets: 0, users: 0 };
  }
}

// A reader that has seen enough (`hopline tree | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await main(process.argv.slice(2), { version: version(), checkConfig });
