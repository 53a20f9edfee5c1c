/**
 * The SYN option that ties a connection into another host to the login there: the supervisor's side of
 * bpf/hop_option.bpf.c. What arrived is not verified here: whose key made a MAC, and whether the handle's own host
 * confirms it, is for the caller to find out.
 */
import { isIP } from 'node:net';
import { siphash } from '../core/siphash.ts';
import type { Endpoint } from '../core/types.ts';
import { addressBytes, addressText } from './address.ts';
import type { BpfMap } from './bpf-map.ts';
import {
  type HlHopNetwork,
  HlHopTally,
  type HlKey,
  HlKind,
  HlLineageFlag,
  hlHopNetworkSize,
  writeHlHopNetwork,
} from './layouts.generated.ts';
import type { KernelMaps } from './maps.ts';
import { saveSyns } from './save-syn.ts';

export interface HopPeer {
  /** Plain or CIDR. */
  readonly addresses: readonly string[];
  /** 16 bytes, by which this host signs towards that peer. */
  readonly key: Buffer;
}

export interface Offered {
  /** The connecting socket's own end, as the peer sees it where nothing translates addresses. */
  readonly source: Endpoint;
  readonly destination: Endpoint;
  /** Nanoseconds since boot. */
  readonly atNs: bigint;
}

/** The SipHash-2-4 that goes with a handle of 8 bytes. Compare in constant time. */
export function macOf(key: Buffer, handle: Buffer): Buffer {
  return siphash(key, handle);
}

const FOREVER = 2n ** 64n;

type Maps = Pick<KernelMaps, 'hopPeers' | 'hopTallies' | 'hopOffered' | 'hopArrived' | 'lineage'>;

export class HopOption {
  readonly #maps: Maps;
  readonly #save: (pid: number) => number;
  #missing: readonly string[] = [];

  /** @param save has the listeners of a process keep their SYNs */
  constructor(maps: Maps, save: (pid: number) => number = saveSyns) {
    this.#maps = maps;
    this.#save = save;
  }

  /** Listeners of sshd that do not keep their SYNs, and what to do, since peers were last set. */
  get missing(): readonly string[] {
    return this.#missing;
  }

  /** Since the maps were made. `noRoom`: SYNs; `lost`: connections or arrivals; `unsaved`: listeners. */
  get counts(): { readonly noRoom: bigint; readonly lost: bigint; readonly unsaved: bigint } {
    const of = (which: number) => this.#maps.hopTallies.get(which) ?? 0n;
    return {
      noRoom: of(HlHopTally.HOP_NO_ROOM),
      lost: of(HlHopTally.HOP_LOST),
      unsaved: of(HlHopTally.HOP_UNSAVED),
    };
  }

  /**
   * Replaces the whole set of peers; one that stays is in force throughout. With any, the listeners of every sshd that is
   * known to lineage have to keep their SYNs: call it when the processes from before the programs have been recovered.
   * @throws RangeError for what is no network, is two peers' or has no key of 16 bytes: nothing is changed
   * @throws MapFullError with more networks than there is room for: the others are in force
   */
  setPeers(peers: readonly HopPeer[]): void {
    const wanted = networksOf(peers);
    const { hopPeers, hopTallies } = this.#maps;
    for (const network of hopPeers.keys()) if (!wanted.has(text(network))) hopPeers.delete(network);
    try {
      for (const { network, key } of wanted.values())
        hopPeers.set(network, { k0: key.readBigUInt64LE(0), k1: key.readBigUInt64LE(8) });
    } finally {
      // Before the listeners are looked for: one that begins to listen in between looks at this.
      hopTallies.set(HlHopTally.HOP_NETWORKS, BigInt(hopPeers.keys().length));
    }
    this.#missing = wanted.size === 0 ? [] : this.#saveSyns();
    // Nobody looks any more whether a later connection from the same port has none.
    if (wanted.size === 0) expire(this.#maps.hopArrived, FOREVER);
  }

  /** What a handle stands for, once. */
  takeOffered(handle: Buffer): Offered | null {
    if (handle.length !== 8) return null;
    const offer = this.#maps.hopOffered.take(handle.readBigUInt64LE());
    if (!offer) return null;
    return {
      source: { address: addressText(offer.source), port: offer.sourcePort },
      destination: { address: addressText(offer.destination), port: offer.destinationPort },
      atNs: offer.atNs,
    };
  }

  /** The option that a connection to this host came with, once: bytes that anybody may have sent. */
  takeArrived(client: Endpoint, server: Endpoint): { readonly handle: Buffer; readonly mac: Buffer } | null {
    const [from, to] = [withoutZone(client), withoutZone(server)];
    if (from === null || to === null) return null;
    const ends = { client: from, clientPort: client.port, server: to, serverPort: server.port };
    const arrival = this.#maps.hopArrived.take(ends);
    return arrival && { handle: Buffer.from(arrival.handle), mac: Buffer.from(arrival.mac) };
  }

  /** Drops what was offered or arrived before `beforeNs` after boot. @returns how many there were */
  sweep(beforeNs: bigint): number {
    return expire(this.#maps.hopOffered, beforeNs) + expire(this.#maps.hopArrived, beforeNs);
  }

  #saveSyns(): string[] {
    const missing: string[] = [];
    for (const { tgid } of this.#listeners()) {
      try {
        this.#save(tgid);
      } catch (error) {
        const why = (error as Error).message;
        missing.push(
          `hop_option: process ${tgid} listened for SSH before there were peers, and its socket can't be reached (${why}): logins that come from peers are not linked by the SYN option until sshd was restarted once: systemctl restart ssh`,
        );
      }
    }
    return missing;
  }

  /** The same that bpf/hop_option.bpf.c takes for one that begins SSH logins. */
  #listeners(): HlKey[] {
    const { F_SPAWNER, F_INIT } = HlLineageFlag;
    const lines = this.#maps.lineage.entries().filter(([, { flags }]) => (flags & F_SPAWNER) !== 0);
    const begin = lines.filter(([, line]) => line.spawnKind === HlKind.SSH || (line.flags & F_INIT) !== 0);
    return begin.map(([key]) => key);
  }
}

/** sshd writes the zone of a link-local address; null for what is no address. */
function withoutZone({ address }: Endpoint): Uint8Array | null {
  const [plain = ''] = address.split('%');
  return isIP(plain) === 0 ? null : addressBytes(plain);
}

function expire<K>(map: BpfMap<K, { atNs: bigint }>, beforeNs: bigint): number {
  const old = map.entries().filter(([, { atNs }]) => atNs < beforeNs);
  return old.filter(([key]) => map.delete(key)).length;
}

function networksOf(peers: readonly HopPeer[]): Map<string, { network: HlHopNetwork; key: Buffer }> {
  const networks = new Map<string, { network: HlHopNetwork; key: Buffer }>();
  for (const { addresses, key } of peers) {
    if (key.length !== 16) throw new RangeError(`the key towards a peer has 16 bytes, not ${key.length}`);
    for (const address of addresses) {
      const network = networkOf(address);
      const other = networks.get(text(network));
      if (other && !other.key.equals(key)) throw new RangeError(`two peers have the address ${address}`);
      networks.set(text(network), { network, key });
    }
  }
  return networks;
}

/** With what lies beyond the prefix as zeros: the kernel takes two that differ there for one. */
function networkOf(cidr: string): HlHopNetwork {
  const [address = '', bits, ...more] = cidr.split('/');
  const addr = addressBytes(address);
  const width = isIP(address) === 4 ? 32 : 128;
  const prefix = bits === undefined ? width : Number(bits);
  if (more.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits)) || prefix > width)
    throw new RangeError(`not a network: ${cidr}`);
  const prefixlen = 128 - width + prefix;
  for (let at = 0; at < addr.length; at++) {
    const kept = Math.min(8, Math.max(0, prefixlen - at * 8));
    addr[at] = (addr[at] ?? 0) & (0xff00 >> kept);
  }
  return { prefixlen, addr };
}

function text(network: HlHopNetwork): string {
  const bytes = Buffer.alloc(hlHopNetworkSize);
  writeHlHopNetwork(new DataView(bytes.buffer, bytes.byteOffset), 0, network);
  return bytes.toString('latin1');
}
