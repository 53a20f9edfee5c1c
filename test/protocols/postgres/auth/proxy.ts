/** The least proxy that a client's own authentication can be relayed through. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Secret } from '../../../../src/core/secret.ts';
import { ClientAuthentication } from '../../../../src/protocols/postgres/auth/client.ts';
import { AuthenticationError } from '../../../../src/protocols/postgres/auth/errors.ts';
import { acceptClient } from '../../../../src/protocols/postgres/auth/held.ts';
import { AuthenticationRelay, type RelayOptions } from '../../../../src/protocols/postgres/auth/relay.ts';
import { encode } from '../../../../src/protocols/postgres/encode.ts';
import { authentication, errorResponse } from '../../../../src/protocols/postgres/encode-backend.ts';
import { errorFields } from '../../../../src/protocols/postgres/error-fields.ts';
import {
  decodeStartupPacket,
  sslRequest,
  startupParameter,
} from '../../../../src/protocols/postgres/startup.ts';
import { openAuthority } from '../../../../src/tls/ca.ts';
import { clientOptions, serverContext } from '../../../../src/tls/contexts.ts';
import { Mint } from '../../../../src/tls/mint.ts';
import { acceptTls, connectTls } from '../../../../src/tls/upgrade.ts';
import { PASSWORD, type PostgresServer } from './server.ts';
import { Wire } from './wire.ts';

const SASL_FINAL = 12;

export interface ProxySetup {
  /** What an SSLRequest of the client is answered. */
  clientTls: boolean;
  serverTls: boolean;
  whenBound: RelayOptions['whenBound'];
  /** As if the server were on another host. */
  remote: boolean;
  /** `held`: Hopline logs in with a password of its own. `raw`: only PLUS is taken out of the offer. */
  mode: 'relay' | 'held' | 'raw';
}

export interface Proxy {
  readonly port: number;
  readonly setup: ProxySetup;
  readonly ca: string;
  /** How the connections so far came to an end, in order. */
  readonly ends: string[];
  close(): void;
}

export async function startProxy(server: PostgresServer, directory: string): Promise<Proxy> {
  const authority = await openAuthority({ directory, host: 'proxy' });
  const context = serverContext(await new Mint({ authority }).mint({ names: ['127.0.0.1'] }));
  const target = clientOptions(
    { mode: 'verify-full', ca: server.authority, serverName: null },
    { name: null, address: '127.0.0.1' },
  );
  const setup: ProxySetup = {
    clientTls: true,
    serverTls: true,
    whenBound: 'refuse',
    remote: false,
    mode: 'relay',
  };
  const ends: string[] = [];
  const open = new Set<Duplex>();

  async function serve(socket: Socket): Promise<string> {
    let near = new Wire(socket);
    let tls = false;
    for (;;) {
      const packet = await near.packet();
      if (packet === null) return 'closed before the startup message';
      const decoded = decodeStartupPacket(packet);
      if (decoded.name === 'SSLRequest' && setup.clientTls) {
        socket.write('S');
        near.release();
        near = new Wire((await acceptTls(socket, null, context, { alpn: ['postgresql'] })).stream);
        tls = true;
      } else if (decoded.name !== 'StartupMessage') socket.write('N');
      else return pass(near, tls, packet, String(startupParameter(decoded, 'user')));
    }
  }

  async function pass(near: Wire, tls: boolean, startup: Buffer, user: string): Promise<string> {
    const upstream = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    await once(upstream, 'connect');
    let far = new Wire(upstream);
    let certificateDer: Buffer | null = null;
    if (setup.serverTls && target !== null) {
      far.stream.write(encode(sslRequest));
      if (String(await far.bytes(1)) !== 'S') throw new Error('no TLS');
      far.release();
      const leg = await connectTls(upstream, target);
      certificateDer = leg.certificateDer;
      far = new Wire(leg.stream);
    }
    const gone = far.stream;
    open.add(gone);
    near.stream.once('close', () => gone.destroy());
    gone.once('close', () => near.stream.destroy());
    far.stream.write(startup);
    const relay = new AuthenticationRelay({
      client: { tls },
      server: { tls: certificateDer === null ? null : { certificateDer }, local: !setup.remote },
      user,
      whenBound: setup.whenBound,
    });
    const held = new ClientAuthentication({
      user,
      password: new Secret(PASSWORD),
      tls: certificateDer === null ? null : { certificateDer },
      allow: { cleartext: true, md5: true },
    });
    try {
      for (;;) {
        const message = await far.message();
        if (message === null) return 'server closed';
        if (message[0] !== 0x52) {
          near.stream.end(message);
          return 'error of the server';
        }
        const step =
          setup.mode === 'relay'
            ? await relay.fromServer(message)
            : setup.mode === 'raw'
              ? raw(message)
              : await own(held, message);
        if (step.toServer !== null) far.stream.write(step.toServer);
        if (step.toClient !== null) near.stream.write(step.toClient);
        if (step.ok) break;
        if (step.toClient === null || message.readInt32BE(5) === SASL_FINAL) continue;
        for (;;) {
          const answer = await near.message();
          if (answer === null) {
            gone.destroy();
            return 'client closed';
          }
          const next =
            setup.mode === 'raw' ? { toServer: answer, toClient: null } : await relay.fromClient(answer);
          if (next.toClient !== null) near.stream.write(next.toClient);
          if (next.toServer === null) continue;
          far.stream.write(next.toServer);
          break;
        }
      }
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
      near.stream.end(encode(errorResponse, errorFields(error.report)));
      return `refused: ${error.code}`;
    }
    const [client, backend] = [near.release(), far.release()];
    client.pipe(backend).pipe(client);
    const method = setup.mode === 'held' ? `held ${held.method}` : relay.method;
    return `ok: ${method}${relay.asked ? ' asked' : ''}`;
  }

  const listener = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on('error', () => {});
    serve(socket).then(
      (end) => ends.push(end),
      (error: unknown) => {
        ends.push(String(error));
        socket.destroy();
      },
    );
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    setup,
    ca: authority.certificate,
    ends,
    close() {
      listener.close();
      for (const stream of open) stream.destroy();
    },
  };
}

async function own(held: ClientAuthentication, message: Buffer) {
  const answer = await held.next(message);
  return answer === 'ok'
    ? { toClient: acceptClient(), toServer: null, ok: true }
    : { toClient: null, toServer: answer, ok: false };
}

/** Only what every proxy has to do: PLUS is not offered. */
function raw(message: Buffer) {
  const ok = message.readInt32BE(5) === 0;
  if (message.readInt32BE(5) !== 10) return { toClient: message, toServer: null, ok };
  const mechanisms = ['SCRAM-SHA-256'];
  return { toClient: encode(authentication, { name: 'AuthenticationSASL', mechanisms }), toServer: null, ok };
}
