/** Speaks to the other hosts of the fleet. It reads what they send, and has no privilege. */
import { PeerError } from './peers/connection.ts';
import { askToJoin } from './peers/dial.ts';
import { Fleet } from './peers/fleet.ts';
import type { FromPeers, ToPeers } from './peers/messages.ts';
import type { Method, Request } from './peers/protocol.ts';

const send = process.send?.bind(process);
if (send === undefined) {
  process.stderr.write('peers: started by hoplined only, whose questions it carries\n');
  process.exit(2);
}
const tell = (message: FromPeers): void => {
  if (process.connected) send(message);
};

const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
let next = 1;
const fleet = new Fleet({
  tell,
  answer: (host: string | null, request: Request) =>
    new Promise((resolve, reject) => {
      const id = next++;
      waiting.set(id, { resolve, reject });
      tell({ type: 'asked', id, host, request });
    }),
});

function failed(id: number, method: Method, error: Error): FromPeers {
  const refused = error instanceof PeerError && error.refused;
  return { type: 'answered', id, method, result: null, error: error.message.slice(0, 512), refused };
}

process.on('message', (message: ToPeers) => {
  switch (message.type) {
    case 'configure':
      return fleet.configure(message.config);
    case 'answer': {
      const asked = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.error === undefined) asked?.resolve(message.result);
      else asked?.reject(new Error(message.error));
      return;
    }
    case 'ask': {
      const { id, host, request } = message;
      const { method } = request;
      fleet.ask(host, request).then(
        (result) => tell({ type: 'answered', id, method, result, error: null, refused: false }),
        (error: Error) => tell(failed(id, method, error)),
      );
      return;
    }
    case 'join': {
      const { id, to, fingerprint, params } = message;
      askToJoin(to, fingerprint, params, (source) => tell({ type: 'dialing', source, destination: to })).then(
        ({ ca, joined }) => tell({ type: 'joined', id, ca, result: joined }),
        (error: Error) => tell(failed(id, 'join', error)),
      );
    }
  }
});
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => {});
process.on('SIGINT', () => {});
tell({ type: 'ready' });
