/** Reads DNS answers: hostile bytes, so a worker does it. */
import { Buffer } from 'node:buffer';
import { decode } from 'dns-packet';
import type { NameAnswer } from '../core/types.ts';

const MOST_ANSWERS = 64;
/** RFC 1035 section 2.3.4, and the underscore that services and hosts use in spite of it. */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

/**
 * The addresses in a DNS response, each under the name that was asked for, whatever aliases lie between.
 * @returns nothing where the message is no successful response to one question, or does not decode
 */
export function namesIn(message: Uint8Array): NameAnswer[] {
  let packet: ReturnType<typeof decode>;
  try {
    packet = decode(Buffer.from(message.buffer, message.byteOffset, message.byteLength));
  } catch {
    return [];
  }
  const name = packet.questions?.[0]?.name.toLowerCase().replace(/\.$/, '') ?? '';
  if (
    packet.type !== 'response' ||
    rcode(packet) !== 'NOERROR' ||
    packet.questions?.length !== 1 ||
    !HOST_NAME.test(name)
  )
    return [];
  const answers: NameAnswer[] = [];
  for (const answer of packet.answers ?? []) {
    if ((answer.type !== 'A' && answer.type !== 'AAAA') || answers.length >= MOST_ANSWERS) continue;
    answers.push({ address: answer.data, name, ttl: Math.max(0, Math.trunc(answer.ttl ?? 0)) });
  }
  return answers;
}

function rcode(packet: object): unknown {
  return (packet as { rcode?: unknown }).rcode;
}
