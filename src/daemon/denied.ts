import type { Logger } from 'pino';
import type { Image } from '../attribution/image.ts';
import type { HopDraft } from '../attribution/recorder.ts';
import type { Root } from '../attribution/roots.ts';
import type { Terminals } from './terminal.ts';

/** Says why a connection is refused: to the log, and to the person at the terminal. */
export function tellDenied(
  log: Pick<Logger, 'info'>,
  terminals: Pick<Terminals, 'tell'>,
  { id, chain, target, name, destination, decision }: HopDraft,
  root: Root | null,
  image: Image | null,
): void {
  const { address, port } = destination;
  const { reason, policies } = decision;
  const user = root?.identity?.name ?? root?.user;
  log.info({ hop: id, login: root?.id, user, chain, target, address, port, reason }, 'denied');
  const which = policies.length > 0 ? ` (policy ${policies.join(', ')})` : '';
  const text = `${target ?? name ?? address}:${port} refused: ${reason}${which}`;
  if (image && root && root.kind !== 'unattended') terminals.tell(image, root, text);
}
