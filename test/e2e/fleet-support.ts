/**
 * bastion1 and bastion2 as one fleet, in a lab of its own: what they know of each other is on record for good. Who imports
 * this has set LAB_NAME.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Test } from 'tap';
import type { FleetJson } from '../../src/api/protocol.ts';
import { until } from '../until.ts';

process.env.LAB_NAME = process.env.FLEET_LAB ?? 'fleet';
const support = await import('./support.ts');
const { hopline, lab, labUp, rootOf } = support;

export const { FAMILIES, IPV4, mark, notices, service, ssh, start, tree, waitForHop, waitForLogin } = support;
export type { Family } from './support.ts';
export { hopline, rootOf, until };

export type Bastion = 'bastion1' | 'bastion2';
export const BASTIONS: readonly Bastion[] = ['bastion1', 'bastion2'];
export const PORT = 7422;

const etc = (host: Bastion) => `${rootOf(host)}/etc/hopline/hopline.yaml`;
/** As the lab wrote it. */
const plain = new Map<Bastion, string>();

/** Both with these settings of `peering` and of `peers`, over what the lab has. */
export async function configured(over: Partial<Record<Bastion, { peering?: string; peers?: string }>> = {}) {
  for (const host of BASTIONS) {
    const before = plain.get(host) ?? readFileSync(etc(host), 'utf8');
    plain.set(host, before);
    const { peering, peers } = over[host] ?? {};
    const listen = `listen: "${IPV4.address(host)}:${PORT}"`;
    const lines = [
      `peering: {${[listen, peering].filter(Boolean).join(', ')}}`,
      peers && `peers: [${peers}]`,
    ];
    writeFileSync(etc(host), `${before}\n${lines.filter(Boolean).join('\n')}\n`);
    const { code, out, err } = await hopline(host, ['reload']);
    if (code !== 0) throw new Error(`reload on ${host}: ${out}${err}`);
  }
}

export async function peers(host: Bastion): Promise<FleetJson> {
  return JSON.parse((await hopline(host, ['--json', 'peer', 'list'])).out);
}

/** The process of a bastion's that speaks to the others. */
export function speaker(host: Bastion): number {
  const [daemon = ''] = readFileSync(`/run/hopline-${process.env.LAB_NAME}/${host}/hoplined`, 'utf8').split(
    ' ',
  );
  return Number(execFileSync('pgrep', ['-P', daemon, '-f', 'src/peers.ts'], { encoding: 'utf8' }));
}

/** Both say that they are connected. */
export async function connected(): Promise<void> {
  for (const host of BASTIONS)
    await until(async () => (await peers(host)).peers.some((peer) => peer.connected), `${host} has its peer`);
}

/** @throws with what the lab said */
export async function daemon(host: Bastion, verb: 'start' | 'stop' | 'kill' | 'restart'): Promise<void> {
  const { code, out, err } = await lab(['daemon', host, verb], { timeoutMs: 120_000 });
  if (code !== 0) throw new Error(`${verb} on ${host}: ${out}${err}`);
}

/** A fleet of the two, gone at the test's end with its lab. */
export async function fleetUp(t: Test): Promise<void> {
  t.teardown(() => lab(['down']));
  await lab(['down']);
  await labUp();
  await configured();
  const { out } = await hopline('bastion1', ['peer', 'invite', 'bastion2']);
  const [, endpoint = '', token = ''] = /^sudo hopline peer join (\S+) (\S+)$/m.exec(out) ?? [];
  const { code, err } = await hopline('bastion2', ['peer', 'join', endpoint, token]);
  if (code !== 0) throw new Error(`join: ${err}`);
  await connected();
}
