#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import type { Checked } from './api/protocol.ts';
import { main } from './cli/program.ts';
import { type Replayer, ROWS, TERMINAL } from './recording/replay.ts';

/** The command `hopline`: hands the command line to the CLI, and the rooms to it that it does not import. */

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** Imported when asked for: the policy engine alone takes longer to load than most commands to run. */
async function checkConfig(dir: string): Promise<Checked> {
  const [{ checkConfig }, { PROTOCOLS }] = await Promise.all([
    import('./daemon/check-config.ts'),
    import('./protocols/names.ts'),
  ]);
  return checkConfig(dir, PROTOCOLS);
}

async function replayer(kind: string): Promise<Replayer | null> {
  if (kind === TERMINAL) {
    const { TerminalReplayer } = await import('./protocols/ssh/recorded/replay.ts');
    return new TerminalReplayer();
  }
  if (kind !== ROWS) return null;
  const { RowReplayer } = await import('./protocols/postgres/recorded/replay.ts');
  return new RowReplayer();
}

// A reader that has seen enough (`hopline tree | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await main(process.argv.slice(2), { version: version(), checkConfig, replayer });
