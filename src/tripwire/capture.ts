/** Captures on one interface through libpcap, in a process that has CAP_NET_RAW and nothing else. */
import { readdirSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { endianness, networkInterfaces } from 'node:os';
import koffi from 'koffi';
import { filter } from './classify.ts';
import { type LinkType, type Packet, readPacket } from './packet.ts';

interface CapHandle {
  open(device: string, filter: string, bufferSize: number, buffer: Buffer): string;
  setMinBytes(bytes: number): void;
  close(): void;
  on(event: 'packet', listener: (length: number, truncated: boolean) => void): void;
}

const { Cap } = createRequire(import.meta.url)('cap') as { Cap: new () => CapHandle };

/** The kernel's ring for packets that were not read yet. */
const RING_BYTES = 2 * 1024 * 1024;
const PACKET_BYTES = 65_535;
const LINKS: ReadonlySet<string> = new Set<LinkType>(['ETHERNET', 'RAW', 'LINKTYPE_LINUX_SLL', 'NULL']);

export interface Capture extends Disposable {
  readonly device: string;
}

/**
 * @param onPacket each IP packet that leaves by the interface and passes the filter
 * @throws Error where the interface cannot be captured on
 */
export function capture(device: string, onPacket: (packet: Packet) => void): Capture {
  const handle = new Cap();
  const buffer = Buffer.alloc(PACKET_BYTES);
  const before = sockets();
  const link = handle.open(device, filter(hardwareAddress(device)), RING_BYTES, buffer);
  if (!LINKS.has(link)) {
    handle.close();
    throw new Error(`${device}: link type ${link} is not understood`);
  }
  for (const fd of sockets()) if (!before.has(fd)) leavePromiscuous(fd, device);
  handle.on('packet', (length) => {
    const packet = readPacket(buffer.subarray(0, Math.min(length, buffer.length)), link as LinkType);
    if (packet !== null) onPacket(packet);
  });
  return { device, [Symbol.dispose]: () => handle.close() };
}

/** Interfaces that are up, have an address and are not loopback. */
export function uplinks(): string[] {
  return Object.entries(networkInterfaces())
    .filter(([, addresses]) => addresses?.some(({ internal }) => !internal))
    .map(([name]) => name);
}

function hardwareAddress(device: string): string | null {
  const mac = networkInterfaces()[device]?.[0]?.mac;
  return mac === undefined || mac === '00:00:00:00:00:00' ? null : mac;
}

const SOL_PACKET = 263;
const PACKET_DROP_MEMBERSHIP = 2;
const PACKET_MR_PROMISC = 1;

const libc = koffi.load('libc.so.6');
const setsockopt = libc.func(
  'int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t size)',
);
const nameToIndex = libc.func('uint32_t if_nametoindex(const char *name)');

/**
 * The cap package always asks for promiscuous mode, which makes the card take in frames that are not ours, and
 * shows up in other people's alarms. What leaves the host is seen without it. (`struct packet_mreq`, packet(7).)
 */
function leavePromiscuous(fd: number, device: string): void {
  const request = Buffer.alloc(16);
  const little = endianness() === 'LE';
  const index: number = nameToIndex(device);
  if (little) request.writeInt32LE(index, 0);
  else request.writeInt32BE(index, 0);
  if (little) request.writeUInt16LE(PACKET_MR_PROMISC, 4);
  else request.writeUInt16BE(PACKET_MR_PROMISC, 4);
  setsockopt(fd, SOL_PACKET, PACKET_DROP_MEMBERSHIP, request, request.length);
}

function sockets(): Set<number> {
  const found = new Set<number>();
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')) found.add(Number(fd));
    } catch {
      // The directory's own descriptor, closed by now.
    }
  }
  return found;
}
