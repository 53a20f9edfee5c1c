/** A person's ssh-agent (draft-ietf-sshm-ssh-agent): which keys it has, and signatures with them. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { WireReader, WireWriter, wireString } from '../core/ssh-wire.ts';

const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
const RSA_SHA2_256 = 2;
const RSA_SHA2_512 = 4;
/** AGENT_MAX_LEN in OpenSSH's authfd.c. */
const LONGEST = 256 * 1024;
const MOST_KEYS = 2048;

/** @returns the blobs of its keys; none where there is no agent */
export async function identities(path: string): Promise<Buffer[]> {
  const answer = await request(path, Buffer.of(REQUEST_IDENTITIES)).catch(() => null);
  if (answer === null || answer[0] !== IDENTITIES_ANSWER) return [];
  const reader = new WireReader(answer, 1);
  const keys: Buffer[] = [];
  for (let left = Math.min(reader.uint32(), MOST_KEYS); left > 0; left -= 1) {
    keys.push(reader.string());
    reader.string(); // comment
  }
  return keys;
}

/** @throws Error where the agent refuses, or the person does */
export async function agentSign(path: string, key: Buffer, algorithm: string, data: Buffer): Promise<Buffer> {
  const flags = algorithm.startsWith('rsa-sha2-512')
    ? RSA_SHA2_512
    : algorithm.startsWith('rsa-sha2-256')
      ? RSA_SHA2_256
      : 0;
  const message = new WireWriter().byte(SIGN_REQUEST).string(key).string(data).uint32(flags).bytes();
  const answer = await request(path, message);
  if (answer[0] !== SIGN_RESPONSE) throw new Error('the agent refused to sign');
  return new WireReader(answer, 1).string();
}

/** One message, and its answer. */
async function request(path: string, message: Buffer): Promise<Buffer> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    socket.write(wireString(message));
    let got = Buffer.alloc(0);
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      got = Buffer.concat([got, chunk]);
      if (got.length < 4) continue;
      const length = got.readUInt32BE();
      if (length > LONGEST) throw new Error('the agent answers with more than an agent does');
      if (got.length >= 4 + length) return got.subarray(4, 4 + length);
    }
    throw new Error('the agent closed the connection');
  } finally {
    socket.destroy();
  }
}
