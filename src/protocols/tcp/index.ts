/** The room for what no other room claims: bytes both ways, unread. */
import type { End, ProtocolRoom, Session } from '../room.ts';
import { forward } from './session.ts';

export const tcp: ProtocolRoom = { name: 'tcp', serve };

async function serve(session: Session): Promise<End> {
  const upstream = await session.dial();
  return forward(session, upstream);
}
