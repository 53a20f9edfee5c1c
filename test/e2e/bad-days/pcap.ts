/** SYNs in a capture: classic pcap, Ethernet (https://www.tcpdump.org/manpages/pcap-savefile.5.html). */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import ipaddr from 'ipaddr.js';
import { LAB, spawnInLab } from './support.ts';

export interface Syn {
  /** Microseconds since the epoch, of its first transmission. */
  readonly at: number;
  readonly source: string;
  readonly sourcePort: number;
  readonly address: string;
  readonly port: number;
  readonly sequence: number;
}

const MAGIC_MICROS = 0xa1b2c3d4;
const FILE_HEADER = 24;
const PACKET_HEADER = 16;
const ETHERNET = 14;

/** Everything that a host sends into its link, recorded at the other end of the link. */
export class Capture {
  readonly #path: string;
  readonly #child: ChildProcess;
  #said = '';

  private constructor(path: string, child: ChildProcess) {
    this.#path = path;
    this.#child = child;
    child.stderr?.on('data', (text) => {
      this.#said += text;
    });
  }

  static async start(host: string, path: string): Promise<Capture> {
    const filter = 'tcp[13] & 0x12 = 2 or (ip6[6] = 6 and ip6[53] & 0x12 = 2)';
    const dump = [
      'tcpdump',
      '-Z',
      'root',
      '-U',
      '--immediate-mode',
      '-B',
      '65536',
      '-s',
      '128',
      '-n',
      '-w',
      path,
    ];
    // Of the bridge's end of the link, `in` is what the host sent.
    const child = spawnInLab([
      'ip',
      'netns',
      'exec',
      `hl-${LAB}-net`,
      ...dump,
      '-i',
      `v-${host}`,
      '-Q',
      'in',
      filter,
    ]);
    const capture = new Capture(path, child);
    while (!capture.#said.includes('listening on')) {
      if (child.exitCode !== null) throw new Error(`tcpdump: ${capture.#said}`);
      await once(child.stderr, 'data');
    }
    return capture;
  }

  /** @returns the SYNs, retransmissions folded into the first of them; and how many packets were not captured */
  async stop(): Promise<{ syns: Syn[]; dropped: number }> {
    this.#child.kill('SIGINT');
    await once(this.#child, 'close');
    const dropped = Number(/(\d+) packets? dropped by kernel/.exec(this.#said)?.[1] ?? Number.NaN);
    return { syns: synsOf(readFileSync(this.#path)), dropped };
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

function synsOf(file: Buffer): Syn[] {
  if (file.readUInt32LE(0) !== MAGIC_MICROS) throw new Error('not a pcap file with microseconds');
  const first = new Map<string, Syn>();
  for (let at = FILE_HEADER; at + PACKET_HEADER <= file.length; ) {
    const micros = file.readUInt32LE(at) * 1e6 + file.readUInt32LE(at + 4);
    const length = file.readUInt32LE(at + 8);
    const frame = file.subarray(at + PACKET_HEADER, at + PACKET_HEADER + length);
    at += PACKET_HEADER + length;
    const syn = synOf(frame, micros);
    const key = `${syn.source} ${syn.sourcePort} ${syn.address} ${syn.port} ${syn.sequence}`;
    if (!first.has(key)) first.set(key, syn);
  }
  return [...first.values()];
}

function synOf(frame: Buffer, at: number): Syn {
  const six = frame.readUInt16BE(12) === 0x86dd;
  const from = ETHERNET + (six ? 8 : 12);
  const bytes = six ? 16 : 4;
  const text = (offset: number) =>
    ipaddr.fromByteArray([...frame.subarray(offset, offset + bytes)]).toString();
  const tcp = ETHERNET + (six ? 40 : (frame.readUInt8(ETHERNET) & 15) * 4);
  return {
    at,
    source: text(from),
    address: text(from + bytes),
    sourcePort: frame.readUInt16BE(tcp),
    port: frame.readUInt16BE(tcp + 2),
    sequence: frame.readUInt32BE(tcp + 4),
  };
}
