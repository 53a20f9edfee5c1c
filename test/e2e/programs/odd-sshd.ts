/**
 * A host that speaks SSH and behaves badly, each port in its own way: FIRST closes before it says anything, FIRST+1 in
 * the key exchange, FIRST+2 says nothing, FIRST+3 lets everybody in but `nobody`, and what it does then the account says.
 * usage: odd-sshd.ts FIRST. Its first line is that of its key in known_hosts.
 */
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { WireReader, WireWriter } from '../../../src/core/ssh-wire.ts';
import { blobOf, signWith } from '../../../src/protocols/ssh/keys/public-key.ts';
import { Message } from '../../../src/protocols/ssh/numbers.ts';
import { HOST_KEYS, serverOffer } from '../../../src/protocols/ssh/transport/algorithms.ts';
import { Transport } from '../../../src/protocols/ssh/transport/transport.ts';
import { sending } from '../../protocols/ssh/sending.ts';

const FIRST = Number(process.argv[2]);
const { privateKey } = generateKeyPairSync('ed25519');
const publicKey = blobOf(privateKey);
const hostKeys = [
  {
    algorithms: ['ssh-ed25519'],
    publicKey,
    sign: async (algorithm: string, data: Buffer) => signWith(privateKey, algorithm, data),
  },
];

const message = (type: number): WireWriter => new WireWriter().byte(type);
const ofChannel = (type: number, channel: number): WireWriter => message(type).uint32(channel);
const data = (channel: number, bytes: Buffer | string): Buffer =>
  ofChannel(Message.CHANNEL_DATA, channel).string(bytes).bytes();

type Host = Pick<Transport, 'send' | 'disconnect' | 'exchanging'>;

/** By the account: after the command was accepted. */
const WAYS: Readonly<Record<string, (channel: number, host: Host, socket: Socket) => void>> = {
  statusless(channel, host) {
    host.send(data(channel, 'begun\n'));
    host.send(ofChannel(Message.CHANNEL_EOF, channel).bytes());
    host.send(ofChannel(Message.CHANNEL_CLOSE, channel).bytes());
  },
  closes(channel, host, socket) {
    host.send(data(channel, 'begun\n'));
    socket.end();
  },
  resets(channel, host, socket) {
    host.send(data(channel, 'begun\n'));
    setTimeout(() => socket.resetAndDestroy(), 300);
  },
  leaves(channel, host) {
    host.send(data(channel, 'begun\n'));
    setTimeout(() => host.disconnect(11, 'down for the night'), 300);
  },
  noise(channel, host, socket) {
    host.send(data(channel, 'begun\n'));
    setTimeout(() => socket.write(Buffer.alloc(5000, 7)), 300);
  },
  flood(channel, host, socket) {
    const piece = Buffer.alloc(32_768, 'x');
    const more = (): void => {
      // What is sent while keys are exchanged is kept, without end.
      while (!socket.writableNeedDrain && !socket.destroyed && !host.exchanging)
        host.send(data(channel, piece));
    };
    socket.on('drain', more);
    more();
  },
  deaf(channel, host, socket) {
    host.send(ofChannel(Message.CHANNEL_WINDOW_ADJUST, channel).uint32(0x7fff_ffff).bytes());
    host.send(data(channel, 'begun\n'));
    socket.pause();
  },
};

function speak(socket: Socket): void {
  let account = '';
  const { room, flush } = sending(socket);
  const transport = new Transport({
    role: 'server',
    offer: serverOffer(HOST_KEYS.filter((name) => name === 'ssh-ed25519')),
    hostKeys,
    room,
    onMessage: (payload) => take(payload),
    onKeys: () => void socket.emit('drain'),
    onDisconnect: () => socket.destroy(),
    onError: () => socket.destroy(),
  });
  const host: Host = {
    get exchanging() {
      return transport.exchanging;
    },
    send(payload) {
      transport.send(payload);
      flush();
    },
    disconnect(reason, description) {
      transport.disconnect(reason, description);
      flush();
    },
  };
  const take = (payload: Buffer): void => {
    const reader = new WireReader(payload, 1);
    switch (payload[0]) {
      case Message.SERVICE_REQUEST:
        host.send(message(Message.SERVICE_ACCEPT).string(reader.string()).bytes());
        return;
      case Message.USERAUTH_REQUEST:
        account = reader.text();
        host.send(
          account === 'nobody'
            ? message(Message.USERAUTH_FAILURE).names(['publickey', 'password']).boolean(false).bytes()
            : Buffer.of(Message.USERAUTH_SUCCESS),
        );
        return;
      case Message.CHANNEL_OPEN: {
        reader.string();
        const channel = reader.uint32();
        const confirmed = ofChannel(Message.CHANNEL_OPEN_CONFIRMATION, channel).uint32(channel);
        host.send(
          confirmed
            .uint32(2 ** 21)
            .uint32(32_768)
            .bytes(),
        );
        return;
      }
      case Message.CHANNEL_REQUEST: {
        const channel = reader.uint32();
        if (reader.text() !== 'exec') return;
        host.send(ofChannel(Message.CHANNEL_SUCCESS, channel).bytes());
        WAYS[account]?.(channel, host, socket);
      }
    }
  };
  socket.on('data', (chunk) => {
    try {
      transport.receive(chunk);
    } catch {
      socket.destroy();
    }
  });
  transport.start();
}

const servers: ((socket: Socket) => void)[] = [
  (socket) => socket.end(),
  (socket) => {
    socket.write('SSH-2.0-odd\r\n');
    // In the middle of its KEXINIT.
    socket.once('data', () => socket.end(Buffer.of(0, 0, 4, 4, 6, 20)));
  },
  (socket) => socket.resume(),
  speak,
];
let listening = 0;
servers.forEach((serve, n) => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    serve(socket);
  });
  server.listen(FIRST + n, () => {
    listening += 1;
    if (listening === servers.length) console.log(`ssh-ed25519 ${publicKey.toString('base64')}`);
  });
});
