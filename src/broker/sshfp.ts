/**
 * Fingerprints of a host's keys from DNS: SSHFP records (RFC 4255). They prove something only where a resolver that can be
 * believed has validated them (RFC 4035 section 4.9.3): here one on this host, whose answer nobody can change on the way.
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import {
  AUTHENTIC_DATA,
  DNSSEC_OK,
  decode,
  encode,
  type Packet,
  RECURSION_DESIRED,
  type SshfpAnswer,
} from 'dns-packet';
import { isLoopback } from '../core/loopback.ts';
import type { SshfpRecords } from '../protocols/ssh/questions.ts';

const ANSWER_MS = 2_000;
const PORT = 53;
/** What resolvers send at most in one datagram (RFC 6891 section 6.2.5). */
const UDP_BYTES = 4096;
const MOST_RECORDS = 32;
const SHA256 = 2;

/**
 * @param resolvers addresses, asked one after the other until one answers
 * @returns null where none does; without records where there are none
 */
export async function sshfpOf(
  name: string,
  resolvers: readonly string[],
  port = PORT,
): Promise<SshfpRecords | null> {
  for (const address of resolvers) {
    const packet = await ask(name, address, port).catch(() => null);
    if (packet === null) continue;
    const authentic = packet.flag_ad && isLoopback(address);
    const records = (packet.answers ?? [])
      .filter((answer): answer is SshfpAnswer => answer.type === 'SSHFP')
      .filter(({ data }) => data.hash === SHA256)
      .slice(0, MOST_RECORDS)
      .map(({ data }) => ({ algorithm: data.algorithm, fingerprint: data.fingerprint.toLowerCase() }));
    return { name, authentic, records };
  }
  return null;
}

type Answer = ReturnType<typeof decode> & { readonly rcode?: string };

function ask(name: string, address: string, port: number): Promise<Answer> {
  const id = randomInt(0x10000);
  const query: Packet = {
    ...{ type: 'query', id, flags: RECURSION_DESIRED | AUTHENTIC_DATA },
    questions: [{ type: 'SSHFP', name }],
    additionals: [
      {
        ...{ type: 'OPT', name: '.', udpPayloadSize: UDP_BYTES, flags: DNSSEC_OK },
        ...{ extendedRcode: 0, ednsVersion: 0, flag_do: true, options: [] },
      },
    ],
  };
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  return new Promise<Answer>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer')), ANSWER_MS);
    socket.once('error', reject);
    socket.on('message', (message) => {
      const answer = answerTo(id, name, message);
      if (answer === null) return;
      clearTimeout(timer);
      resolve(answer);
    });
    // From that address alone an answer is taken: the socket is connected.
    socket.connect(port, address, () => socket.send(encode(query)));
  }).finally(() => socket.close());
}

/** @returns null where it is none */
function answerTo(id: number, name: string, message: Buffer): Answer | null {
  try {
    const answer: Answer = decode(message);
    const [question, ...more] = answer.questions ?? [];
    const same = (text: string) => text.toLowerCase().replace(/\.$/, '');
    if (answer.type !== 'response' || answer.id !== id || question === undefined || more.length > 0)
      return null;
    if (question.type !== 'SSHFP' || same(question.name) !== same(name)) return null;
    return answer.rcode === 'NOERROR' || answer.rcode === 'NXDOMAIN' ? answer : null;
  } catch {
    return null;
  }
}
