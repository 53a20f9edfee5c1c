/**
 * The socket to which `hopline shell` connects, open to every process of this host. Who is there the kernel says; what it
 * says is read by a worker, which gets the connection as it is.
 */
import { chmodSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import type { Logger } from 'pino';
import { type Peer, peerOf } from '../api/peer.ts';
import { removeStale } from '../api/server.ts';
import type { Attribution } from '../attribution/attribution.ts';
import type { Launcher } from '../attribution/launcher.ts';
import type { Root } from '../attribution/roots.ts';
import type { Config } from '../config/types.ts';
import { replaceFile } from '../core/replace-file.ts';
import type { Id } from '../core/types.ts';
import type { WorkerPool } from '../proxy/supervise.ts';
import { Answer, shellFrame } from '../shell/frames.ts';
import type { StoreRecorder } from './store-recorder.ts';

export interface ShellSocketOptions {
  /** Directory of the daemon's sockets. */
  readonly run: string;
  settings(): Config['recording'];
  /** The root of a process that is this one and none that got its number later. */
  rootOf(pid: number, startTicks: number): Root | null;
  /** Hands it to a worker. @returns false where none takes it */
  hand(login: Id, socket: Socket): boolean;
  /** It goes on, and nothing of it is kept. */
  onUnrecorded(login: Id | null, why: string): void;
  onError(error: Error): void;
}

/** What of a daemon the socket is made from. */
export interface ShellParts {
  readonly startedWith: Config;
  readonly policy: { readonly config: Config };
  readonly attribution: Pick<Attribution, 'process' | 'store'>;
  readonly events: { drain(): void };
  readonly pool: Pick<WorkerPool, 'shell'>;
  readonly record: Pick<StoreRecorder, 'notice' | 'flush'>;
  readonly log: Pick<Logger, 'error'>;
  now(): number;
}

/** @throws Error where another daemon has the socket */
export async function listenForShells(daemon: ShellParts): Promise<ShellSocket> {
  const shells = new ShellSocket({
    run: daemon.startedWith.paths.run,
    settings: () => daemon.policy.config.recording,
    rootOf: (pid, startTicks) => {
      daemon.events.drain();
      const found = daemon.attribution.process(pid, startTicks, daemon.now());
      // A recording is of a login that the record has.
      if (found !== null && found.root !== null) daemon.attribution.store(found.root, null);
      daemon.record.flush();
      return found?.root ?? null;
    },
    hand: (login, socket) => daemon.pool.shell(login, socket),
    onUnrecorded: (login, why) => {
      const detail = `a terminal of ${login === null ? 'no login' : `login ${login}`} is not recorded: ${why}`;
      daemon.record.notice({ at: daemon.now(), kind: 'recording', login, count: 1, detail });
      daemon.record.flush();
    },
    onError: (error) => daemon.log.error({ err: error }, error.message),
  });
  await shells.listen();
  return shells;
}

/** What `hopline shell` is made of: its entry lies beside the workers'. */
export function launcherOf(workerEntry: string): Launcher {
  return {
    node: process.execPath,
    entry: join(dirname(workerEntry), basename(workerEntry).replace('worker', 'shell')),
  };
}

/** Threat: a person who opens all that the daemon can have open. */
const MOST = 4096;
const WORKERLESS = 'no worker takes it';

export class ShellSocket {
  readonly #options: ShellSocketOptions;
  readonly #server = createServer({ pauseOnConnect: true }, (socket) => this.#accept(socket));

  constructor(options: ShellSocketOptions) {
    this.#options = options;
    this.#server.maxConnections = MOST;
  }

  async listen(): Promise<void> {
    const path = join(this.#options.run, 'shell.sock');
    await removeStale(path);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen(path, resolve);
    await promise;
    this.#server.off('error', reject);
    this.#server.on('error', (error) => this.#options.onError(error));
    chmodSync(path, 0o666);
    this.settle();
  }

  /** What a shell goes by that finds no daemon: exchanged in one step, and `end` where there is none. */
  settle(): void {
    const path = join(this.#options.run, 'on-failure');
    try {
      replaceFile(path, `${this.#options.settings().onFailure}\n`, 0o644);
    } catch (error) {
      this.#options.onError(error as Error);
    }
  }

  close(): void {
    this.#server.close();
  }

  #accept(socket: Socket): void {
    socket.on('error', () => {});
    let peer: Peer;
    try {
      peer = peerOf(socket);
    } catch (error) {
      socket.destroy();
      this.#options.onError(error as Error);
      return;
    }
    const { rootOf, hand, settings } = this.#options;
    const root = peer.startTicks === null ? null : rootOf(peer.pid, peer.startTicks);
    if (root?.kind !== 'ssh') this.#refuse(socket, null, 'this process descends from no SSH login');
    else if (root.revoked !== null) answer(socket, Answer.refused, `the login ${root.id} was revoked`);
    else if (settings().terminals === 'none') answer(socket, Answer.unrecorded, '');
    else if (!hand(root.id, socket)) this.#refuse(socket, root.id, WORKERLESS);
  }

  #refuse(socket: Socket, login: Id | null, why: string): void {
    if (this.#options.settings().onFailure === 'end') {
      answer(socket, Answer.refused, `this terminal is to be recorded, and that cannot be done: ${why}`);
      return;
    }
    this.#options.onUnrecorded(login, why);
    answer(socket, Answer.unrecorded, '');
  }
}

function answer(socket: Socket, type: number, words: string): void {
  socket.end(Buffer.concat(shellFrame(type, Buffer.from(words))));
  socket.resume();
}
