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
