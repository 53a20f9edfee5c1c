/** Another connection's statement is to be stopped: whoever has the key that the server gave to its client may. */
import { createHash } from 'node:crypto';
import type { End, Session } from '../room.ts';
import { CANCEL_FACTS } from './actions.ts';
import type { CancelRequest } from './messages.ts';
import type { Reached } from './reach.ts';
import { passes } from './statements.ts';

/** The key is a secret that ends statements, so nobody else is told it. */
export function cancelKeyOf({
  processId,
  secretKey,
}: Pick<CancelRequest, 'processId' | 'secretKey'>): string {
  return createHash('sha256').update(`${processId} `).update(secretKey).digest('hex');
}

/** @param bytes the packet as it came */
export async function cancel(
  { client, actions }: Session,
  bytes: Buffer,
  packet: CancelRequest,
  reachOnce: () => Promise<Reached>,
): Promise<End> {
  const { processId } = packet;
  const decision = actions.decide('query', CANCEL_FACTS);
  const subject = `cancel of server process ${processId}`;
  const action = actions.begin({ kind: 'cancel', subject, detail: { processId }, decision });
  client.end();
  client.resume();
  if (!passes(decision)) {
    actions.end(action, { error: 'denied' });
    return { bytesUp: 0, bytesDown: 0, reason: decision.reason };
  }
  // What waits for a person has not come to the server, which would have nothing to cancel.
  if (await actions.cancel(cancelKeyOf(packet))) {
    actions.end(action, { withdrawn: true });
    return { bytesUp: 0, bytesDown: 0, reason: null };
  }
  const { socket, stream } = await reachOnce();
  stream.end(bytes);
  stream.resume();
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  actions.end(action, {});
  return { bytesUp: bytes.length, bytesDown: 0, reason: null };
}
