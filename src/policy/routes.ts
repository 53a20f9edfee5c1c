/**
 * The routing table that kernel and user space agree on. Of the lines that match a destination's transport, address and
 * port (0 is any port), the longest prefix wins; between equal prefixes, the named port wins over any port.
 */
import type { Config } from '../config/types.ts';
import { SSH_PORT } from '../core/address.ts';
import type { Route, RouteAction, Target } from '../core/target.ts';
import type { Decision } from '../core/types.ts';
import { configured, denied, type Terms } from './decide.ts';
import { LOOPBACK_PREFIXES, UNSPECIFIED } from './loopback.ts';
import { LOOPBACK, UNLISTED } from './schema.ts';
import type { PolicySnapshot } from './snapshot.ts';

export type RouteConfig = Pick<Config, 'targets' | 'dns' | 'udp' | 'unlisted' | 'loopback'>;

type Line = Omit<Route, 'id'>;
/** Half of the kernel's map (bpf/maps.h): a new table is written beside the one in force. */
export const MOST_ROUTES = 32_768;
const EVERYWHERE = ['0.0.0.0/0', '::/0'];
const DNS_PORT = 53;
const QUIC_PORT = 443;

/**
 * Where two rules name the same prefix, port and transport, the first of these wins: target, resolver, udp.allow, QUIC,
 * loopback, default.
 *
 * A target's decision is compiled in where policy says the same to everybody: then the kernel denies by itself, or
 * passes what is `direct`. Everything else is `inspect`, decided by connection; UDP, which can't be held to be decided, is denied.
 * @param firstId ids are consecutive from here; a caller that keeps older tables goes on where they ended
 */
export function compileRoutes(config: RouteConfig, snapshot: PolicySnapshot, firstId = 1): readonly Route[] {
  const taken = new Map<string, Line>();
  for (const line of lines(config, snapshot)) {
    const key = `${line.transport} ${line.prefix} ${line.port}`;
    if (!taken.has(key)) taken.set(key, line);
  }
  return [...taken.values()].map((line, index) => ({ id: firstId + index, ...line }));
}

function* lines(config: RouteConfig, snapshot: PolicySnapshot): Generator<Line> {
  const whole = new Set<string>();
  for (const target of config.targets)
    for (const line of targetLines(target, snapshot)) {
      if (line.transport === 'tcp' && line.port === 0) whole.add(line.prefix);
      yield line;
    }
  const resolver = configured('allow', 'dns.resolvers', 'DNS to a configured resolver is allowed', snapshot);
  for (const address of config.dns.resolvers) {
    const prefix = `${address}/${address.includes(':') ? 128 : 32}`;
    for (const transport of ['udp', 'tcp'] as const) yield fixed(prefix, DNS_PORT, transport, resolver);
  }
  const allowed = configured('allow', 'udp.allow', 'udp.allow in hopline.yaml lists it', snapshot);
  for (const { to, port } of config.udp.allow) yield fixed(to, port, 'udp', allowed);
  const quic = configured(
    'deny',
    'udp.quic',
    'HTTPS over QUIC (UDP port 443) is denied, so that it falls back to TCP',
    snapshot,
  );
  // A rule for any port has a longer prefix than the default below, and would let QUIC pass.
  const open = config.udp.allow.filter(({ port }) => port === 0).map(({ to }) => to);
  for (const prefix of [...open, ...EVERYWHERE]) yield fixed(prefix, QUIC_PORT, 'udp', quic);
  for (const prefix of LOOPBACK_PREFIXES) {
    // A line of its own, for the record: by a login that comes from this host, another goes on. A target of any port is before it.
    for (const port of whole.has(prefix) ? [0] : [SSH_PORT, 0])
      yield policyLine({ prefix, port, transport: 'tcp', target: null }, LOOPBACK, config.loopback, snapshot);
  }
  for (const prefix of EVERYWHERE) {
    yield policyLine(
      { prefix, port: 0, transport: 'tcp', target: null },
      UNLISTED,
      config.unlisted,
      snapshot,
    );
  }
  const closed = configured(
    'deny',
    'udp.allow',
    'UDP is denied where udp.allow in hopline.yaml does not list it',
    snapshot,
  );
  for (const prefix of EVERYWHERE) yield fixed(prefix, 0, 'udp', closed);
}

function* targetLines(
  { name, addresses, ports, transport, mode }: Target,
  snapshot: PolicySnapshot,
): Generator<Line> {
  for (const prefix of addresses) {
    for (const port of ports) {
      const place = { port, transport, target: name };
      yield policyLine({ ...place, prefix }, name, mode, snapshot);
      // connect() to 0.0.0.0 or :: reaches the host itself: a target on loopback is not to be reached round it.
      const alias = UNSPECIFIED.get(prefix);
      if (alias !== undefined) yield policyLine({ ...place, prefix: alias }, name, mode, snapshot);
    }
  }
}

function policyLine(
  place: Omit<Line, 'action' | 'decision'>,
  resource: string,
  mode: 'inspect' | 'direct',
  snapshot: PolicySnapshot,
): Line {
  const decision = snapshot.staticConnect(resource);
  if (place.transport === 'udp') return udpLine(place, decision, snapshot);
  // An approval can only be waited for in the proxy.
  if (decision === null || decision.outcome === 'approve') return { ...place, action: 'inspect', decision };
  const action = decision.outcome === 'deny' && !decision.observed ? 'deny' : mode;
  return { ...place, action, decision };
}

function udpLine(place: Omit<Line, 'action' | 'decision'>, decision: Decision | null, terms: Terms): Line {
  const known =
    decision ??
    denied(
      [],
      `policy about ${place.target} asks who connects or how, and UDP cannot be held to find out: permit it for every principal`,
      terms,
    );
  return { ...place, action: passes(known) ? 'direct' : 'deny', decision: known };
}

function fixed(prefix: string, port: number, transport: 'tcp' | 'udp', decision: Decision): Line {
  const action: RouteAction = passes(decision) ? 'direct' : 'deny';
  return { prefix, port, transport, action, target: null, decision };
}

function passes({ outcome, observed }: Decision): boolean {
  return outcome === 'allow' || observed;
}
