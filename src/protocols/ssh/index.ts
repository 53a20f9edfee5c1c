/** SSH, terminated: who may do what is decided and recorded, shell by shell, command by command. */
import type { ProtocolRoom } from '../room.ts';
import { refuse } from './refusal.ts';

export const ssh: ProtocolRoom = {
  name: 'ssh',
  // A worker without such connections spares the memory.
  async serve(session) {
    const [{ serve }, { outsideOf }] = await Promise.all([import('./session.ts'), import('./asked.ts')]);
    return serve(session, outsideOf(session));
  },
  refuse,
};
