import type { HopDraft } from '../attribution/recorder.ts';
import type { Image } from '../attribution/image.ts';
import type { Root } from '../attribution/roots.ts';
import type { Config } from '../config/types.ts';
import type { Decision, Identity, Route } from '../core/types.ts';

/** Everything that one reading of the configuration means; replaced as a whole or not at all. */
export interface PolicyState {
  readonly config: Config;
  readonly version: string;
  readonly policies: number;
  /** With ids that no earlier table used. */
  readonly routes: readonly Route[];
  decide(hop: Omit<HopDraft, 'decision'>, root: Root | null, image: Image | null): Decision;
  identify(account: string, authInfo: string | null): Identity;
}

/** Reads the configuration directory anew. @throws ConfigError with every problem found */
export type PolicyLoader = (path: string) => PolicyState;

/** Routes under ids that no table of this host has used: a flow may outlive the table that routed it. */
export function renumber(routes: readonly Route[], now: number): Route[] {
  const base = (Math.floor(now / 1000) % 0x0f_ffff) * 0x1000;
  return routes.map((route, index) => ({ ...route, id: base + index + 1 }));
}
