/** PostgreSQL's protocol 3.0 and 3.2: each statement is decided before the server sees it, and recorded. */
import type { ProtocolRoom } from '../room.ts';

export const postgres: ProtocolRoom = {
  name: 'postgres',
  // A worker without such connections spares the memory of the grammar.
  serve: async (session) => (await import('./session.ts')).serve(session),
};
