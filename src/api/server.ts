import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Connection, type Handlers, LIMITS, type Limits } from './connection.ts';
import { peerOf } from './peer.ts';
import { ControlError, type Method } from './protocol.ts';

export interface ControlServerOptions {
  readonly path: string;
  /** Who may connect is who may write to the socket. Default 0660. */
  readonly mode?: number;
  /** Gid that the socket is given to. */
  readonly group?: number;
  readonly limits?: Partial<Limits>;
  /** A handler failed in a way that it did not foresee, or a connection had no credentials. */
  readonly onError?: (error: unknown, method: Method | null) => void;
}

const MAX_CONNECTIONS = 256;
/** unix(7): sun_path has 108 bytes, the last of them zero. */
const MAX_PATH_BYTES = 107;

/** The control socket. */
export class ControlServer implements AsyncDisposable {
  readonly #options: ControlServerOptions;
  readonly #handlers: Handlers;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();

  constructor(options: ControlServerOptions, handlers: Handlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** @throws Error when another daemon answers on the path, or something else than a socket is there */
  async listen(): Promise<void> {
    const { path, mode = 0o660, group } = this.#options;
    if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
      throw new ControlError(
        'refused',
        `${path} is longer than a socket's path can be (${MAX_PATH_BYTES} bytes)`,
      );
    }
    await removeStale(path);
    // Race: between bind and chmod nobody may get in. Node binds within this call.
    const before = process.umask(0o777 & ~0o600);
    try {
      const listening = Promise.withResolvers<void>();
      this.#server.once('error', listening.reject);
      this.#server.listen(path, listening.resolve);
      process.umask(before);
      await listening.promise;
      this.#server.removeListener('error', listening.reject);
    } finally {
      process.umask(before);
    }
    if (group !== undefined) chownSync(path, -1, group);
    chmodSync(path, mode);
  }

  /** Ends streams, closes connections, removes the socket. */
  async close(): Promise<void> {
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    for (const connection of this.#connections) connection.close();
    await closed.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(socket: Socket): void {
    const { limits, onError } = this.#options;
    try {
      const connection = new Connection(
        socket,
        peerOf(socket),
        this.#handlers,
        { ...LIMITS, ...limits },
        (error, method) => onError?.(error, method),
      );
      this.#connections.add(connection);
      socket.on('close', () => this.#connections.delete(connection));
    } catch (error) {
      socket.on('error', () => {});
      socket.destroy();
      onError?.(error, null);
    }
  }
}

/** Removes a socket that nobody answers on: what a killed daemon leaves behind. */
export async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new ControlError('refused', `${path} is there and is not a socket: remove it`);
  const answer = Promise.withResolvers<string | null>();
  const probe = connect(path, () => answer.resolve(null));
  probe.on('error', (error: NodeJS.ErrnoException) => answer.resolve(error.code ?? 'error'));
  const code = await answer.promise;
  probe.destroy();
  if (code === null) throw new ControlError('refused', `another hoplined answers on ${path}: stop it first`);
  if (code !== 'ECONNREFUSED') throw new ControlError('refused', `${path} cannot be probed: ${code}`);
  unlinkSync(path);
}
