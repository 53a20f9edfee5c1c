/** One authority, a server's context made by it, and a target that trusts it. */
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls';
import { clientOptions, serverContext, type TlsSettings } from '../../src/tls/contexts.ts';
import { authority, type Teardown } from './support.ts';

export async function rig(t: Teardown) {
  const { directory: home, authority: ca, mint } = await authority(t);
  const minted = await mint.mint({ names: ['db1', '127.0.0.1'] });
  const settings = (change: Partial<TlsSettings> = {}): TlsSettings => ({
    mode: 'verify-full',
    ca: ca.certificate,
    serverName: null,
    ...change,
  });
  const target = (change: Partial<TlsSettings> = {}, name: string | null = 'db1') => {
    const options = clientOptions(settings(change), { name, address: '127.0.0.1' });
    if (options === null) throw new Error('no TLS');
    return options;
  };
  /** A client of node:tls, with its own verification: what it agreed on, or its error. */
  const client = (port: number, options: ConnectionOptions): Promise<string> => {
    const socket = tlsConnect({ host: '127.0.0.1', port, ca: [ca.certificate], ...options });
    return new Promise((resolve) => {
      socket.on('secureConnect', () => {
        resolve(`${socket.getProtocol()} ${socket.alpnProtocol}`);
        socket.end();
      });
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
  };
  return { home, ca, mint, minted, context: serverContext(minted), settings, target, client };
}
