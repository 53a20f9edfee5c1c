import { accountChecks } from './doctor-files.ts';
import { kernelChecks } from './doctor-kernel.ts';
import { sshChecks } from './doctor-ssh.ts';
import type { DoctorSystem } from './doctor-system.ts';

export interface Finding {
  /** `no`: Hopline does not work, or misses something, until it is mended. `warn`: worth knowing. */
  readonly ok: 'yes' | 'no' | 'warn';
  /** What is there. */
  readonly found: string;
  /** The line to add or the command to run, exactly; several are on lines of their own. */
  readonly fix?: string;
}

export interface Check {
  readonly name: string;
  run(system: DoctorSystem): Finding | Promise<Finding>;
}

export interface Result extends Finding {
  readonly name: string;
}

const CHECKS: readonly Check[] = [...kernelChecks, ...sshChecks, ...accountChecks];

/** Runs every check, in order; one that breaks is a result that says so. */
export async function examine(system: DoctorSystem, checks: readonly Check[] = CHECKS): Promise<Result[]> {
  const results: Result[] = [];
  for (const check of checks) {
    try {
      results.push({ name: check.name, ...(await check.run(system)) });
    } catch (error) {
      const found = `the check itself failed: ${error instanceof Error ? error.message : String(error)}`;
      results.push({ name: check.name, ok: 'no', found });
    }
  }
  return results;
}
