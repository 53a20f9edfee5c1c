import type { Check, Finding } from './doctor-check.ts';
import { accountChecks } from './doctor-files.ts';
import { kernelChecks } from './doctor-kernel.ts';
import { sshChecks } from './doctor-ssh.ts';
import type { DoctorSystem } from './doctor-system.ts';

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
