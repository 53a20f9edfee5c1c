/** The recorded shells that a worker has. */
import type { Socket } from 'node:net';
import type { RecordingLink } from '../recording/link.ts';
import type { Channel } from './channel.ts';
import { Shell } from './shell.ts';
import type { ShellFromWorker, ShellToWorker } from './shell-messages.ts';

export class Shells {
  readonly #channel: Pick<Channel, 'snapshot'>;
  readonly #link: RecordingLink;
  readonly #tell: (message: ShellFromWorker) => void;
  readonly #open = new Map<number, Shell>();

  constructor(
    channel: Pick<Channel, 'snapshot'>,
    link: RecordingLink,
    tell: (message: ShellFromWorker) => void,
  ) {
    this.#channel = channel;
    this.#link = link;
    this.#tell = tell;
  }

  /** @param socket what came with the message */
  take(message: ShellToWorker, socket: Socket | undefined): void {
    if (message.type === 'shell-end') {
      void this.#open.get(message.shell)?.end(message.reason);
      return;
    }
    const { shell, login } = message;
    const onOver = () => {
      this.#open.delete(shell);
      this.#tell({ type: 'shell-over', shell });
    };
    // It has gone already.
    if (socket === undefined) onOver();
    else {
      const options = { login, link: this.#link, terms: this.#channel.snapshot.recording, onOver };
      this.#open.set(shell, new Shell(socket, options));
    }
  }

  /** @returns when what they showed is in their files */
  async leave(reason: string): Promise<void> {
    await Promise.all([...this.#open.values()].map((shell) => shell.leave(reason)));
  }
}
