import type { Route } from '../core/target.ts';
import type { Transport } from '../core/types.ts';
import { addressBytes } from '../kernel/address.ts';

/** The routing table as user space reads it: by the id that a flow carries, or by destination. */
export class Routing {
  /** Ids are never used twice, so flows that an older table routed are still understood. */
  readonly #byId = new Map<number, Route>();
  #current: readonly { route: Route; bytes: Uint8Array; bits: number }[] = [];

  install(routes: readonly Route[]): void {
    for (const route of routes) this.#byId.set(route.id, route);
    this.#current = routes.map((route) => {
      const [address = '', bits = ''] = route.prefix.split('/');
      return { route, bytes: addressBytes(address), bits: Number(bits) + (address.includes(':') ? 0 : 96) };
    });
  }

  byId(id: number): Route | null {
    return this.#byId.get(id) ?? null;
  }

  /** The same choice that bpf/egress.bpf.c makes: the longest prefix, then the named port. */
  find(transport: Transport, address: string, port: number): Route | null {
    const wanted = addressBytes(address);
    let best: { route: Route; bits: number } | null = null;
    for (const { route, bytes, bits } of this.#current) {
      if (
        route.transport !== transport ||
        (route.port !== 0 && route.port !== port) ||
        !covers(bytes, bits, wanted)
      )
        continue;
      if (best === null || bits > best.bits || (bits === best.bits && route.port !== 0))
        best = { route, bits };
    }
    return best?.route ?? null;
  }
}

function covers(prefix: Uint8Array, bits: number, address: Uint8Array): boolean {
  const whole = bits >> 3;
  for (let at = 0; at < whole; at++) if (prefix[at] !== address[at]) return false;
  const rest = bits & 7;
  return rest === 0 || ((prefix[whole] ?? 0) ^ (address[whole] ?? 0)) >> (8 - rest) === 0;
}
