/** What logins on bastion1 do all the time, and how a capture and the store are compared. */
import type { HopJson } from '../../../src/api/json.ts';
import type { Syn } from './pcap.ts';
import type { Shell } from './support.ts';

const STOP = '/tmp/bad-stop';
/** Clocks agree to the millisecond; a worker dials at once when it has been told. */
const SLACK_MICROS = 500_000;

/** Inspected and direct targets, so that both ways are under load. */
export const TARGETS = `targets:
  orders-db: {addresses: [10.77.0.20, "fd77::20"], ports: [5432], protocol: postgres, mode: inspect, tags: [seen]}
  db1-ssh: {addresses: [10.77.0.20, "fd77::20"], ports: [22], protocol: ssh, mode: inspect, tags: [seen]}
  web1: {addresses: [10.77.0.30, "fd77::30"], ports: [80], protocol: http, mode: inspect, tags: [seen]}
  web1-direct: {addresses: [10.77.0.30, "fd77::30"], ports: [443], mode: direct}
  vault: {addresses: [10.77.0.66, "fd77::66"], ports: [8200], mode: inspect}
`;

/** A direct flow is nobody's decision but the routing table's: what policy says of it has to be the same for everybody. */
export const POLICY = `@id("engineers-connect")
permit (principal in Group::"engineers", action == Action::"connect", resource in Tag::"seen");

@id("web-is-open")
permit (principal, action == Action::"connect", resource == Target::"web1-direct");
`;

export const DIRECT_PORT = 443;
export const PROBE_PORT = 22;
export const VAULT_PORT = 8200;

/** Connects all the time, to every kind of target, by the given IP version; and holds connections open. */
export function load(shell: Shell, family: 4 | 6): void {
  const web = family === 4 ? '10.77.0.30' : '[fd77::30]';
  const held = family === 4 ? '10.77.0.30' : 'fd77::30';
  const db = family === 4 ? '10.77.0.20' : 'fd77::20';
  const vault = family === 4 ? '10.77.0.66' : '[fd77::66]';
  const loop = (body: string, pause: number) =>
    shell.background(`while [ ! -e ${STOP} ]; do ${body}; sleep ${pause}; done`);
  loop(`curl -s -m 10 http://${web}/`, 0.1);
  loop(`curl -sk -m 10 https://${web}/`, 0.2);
  loop(`PGCONNECT_TIMEOUT=10 psql -w -h ${db} orders -Atqc 'select 1'`, 0.2);
  loop(`curl -s -m 10 http://${vault}:8200/`, 1);
  // These live until a worker or the daemon is killed, or for a while.
  for (let each = 0; each < 3; each++) loop(`bash -c 'timeout 8 cat 3<>/dev/tcp/${held}/80 <&3'`, 0.3);
}

export const STOP_FILE = STOP;

/**
 * Finds a hop for every SYN: same destination, open at that time, each hop for one SYN at most.
 * @returns the SYNs for which there is none
 */
export function unexplained(syns: readonly Syn[], hops: readonly HopJson[]): Syn[] {
  const left = new Map<string, { from: number; to: number }[]>();
  for (const hop of hops) {
    if (hop.mode === 'denied' || hop.transport !== 'tcp') continue;
    const to = hop.ended === null ? Number.POSITIVE_INFINITY : Date.parse(hop.ended) * 1000 + SLACK_MICROS;
    const key = `${hop.destination.address} ${hop.destination.port}`;
    const windows = left.get(key) ?? [];
    windows.push({ from: Date.parse(hop.started) * 1000 - SLACK_MICROS, to });
    left.set(key, windows);
  }
  // Earliest deadline first gives as many pairs as there can be.
  return [...syns]
    .sort((a, b) => a.at - b.at)
    .filter((syn) => {
      const windows = left.get(`${syn.address} ${syn.port}`) ?? [];
      let best = -1;
      windows.forEach(({ from, to }, index) => {
        const fits = from <= syn.at && syn.at <= to;
        if (fits && (best < 0 || to < (windows[best]?.to ?? 0))) best = index;
      });
      if (best < 0) return true;
      windows.splice(best, 1);
      return false;
    });
}
