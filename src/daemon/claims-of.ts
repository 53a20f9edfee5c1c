import type { Micros } from '../core/types.ts';
import type { BootClock } from '../kernel/clock.ts';
import type { Kernel } from '../kernel/load.ts';
import { Claims, type ClaimsOptions } from './claims.ts';
import type { Credentials } from './credentials.ts';
import type { EventLoop } from './events.ts';
import type { Links } from './links.ts';
import { decideConnect, type PolicyState, protocolFor, tlsFor } from './policy-state.ts';

/** What they need of the daemon. */
export interface ClaimsParts extends Pick<ClaimsOptions, 'attribution' | 'record' | 'open' | 'onDenied'> {
  readonly options: { readonly protocols: readonly string[] };
  readonly policy: PolicyState;
  readonly kernel: Pick<Kernel, 'maps'>;
  readonly events: Pick<EventLoop, 'drain'>;
  readonly credentials: Pick<Credentials, 'has'>;
  readonly clock: Pick<BootClock, 'toMicros'>;
  readonly fleet: { readonly links: Pick<Links, 'settled'> };
  namesSettled(): Promise<void> | null;
  now(): Micros;
}

/** By its policy of the moment. */
export function claimsOf(daemon: ClaimsParts): Claims {
  const { attribution, record, open } = daemon;
  return new Claims({
    ...{ attribution, record, open, maps: daemon.kernel.maps },
    drain: () => void daemon.events.drain(),
    namesSettled: () => daemon.namesSettled(),
    linkSettled: (login) => daemon.fleet.links.settled(login),
    decide: (hop, root) => decideConnect(daemon.policy, hop, root),
    onDenied: (hop, root, image) => daemon.onDenied(hop, root, image),
    enforcing: () => daemon.policy.config.mode === 'enforce',
    protocolOf: (target) => protocolFor(daemon.policy, target, daemon.options.protocols),
    tlsOf: (target) => tlsFor(daemon.policy, target),
    holds: (target) => daemon.credentials.has(target),
    idleMs: () => daemon.policy.config.proxy.timeouts.idle,
    toMicros: (bootNs) => daemon.clock.toMicros(bootNs),
    now: () => daemon.now(),
  });
}
