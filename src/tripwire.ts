/** The tripwire: reports the first packet of each conversation that leaves the host. CAP_NET_RAW and nothing else. */
import { networkInterfaces } from 'node:os';
import { type Capture, capture, uplinks } from './tripwire/capture.ts';
import { begins, protocolName } from './tripwire/classify.ts';
import { Limiter } from './tripwire/limiter.ts';
import type { FromTripwire } from './tripwire/messages.ts';
import type { Packet } from './tripwire/packet.ts';

const RESCAN_MS = 10_000;

const send = process.send?.bind(process);
if (send === undefined) {
  process.stderr.write('tripwire: started by hoplined only, which reads its reports\n');
  process.exit(2);
}
const tell = (message: FromTripwire): void => {
  if (process.connected) send(message);
};

/** `auto`, or interfaces' names. */
const wanted = process.argv.slice(2);
const limiter = new Limiter({ repeatMs: 60_000, perSecond: 500, memory: 50_000 });
const captures = new Map<string, Capture>();
let troubles = new Set<string>();
let local = new Set<string>();

function report(device: string, packet: Packet): void {
  const { protocol, source, sourcePort, destination, destinationPort } = packet;
  // A packet between two addresses of ours leaves by loopback; seen here, it was forwarded to a container or guest.
  if (!begins(packet) || local.has(destination)) return;
  const now = Date.now();
  if (!limiter.admit(`${protocol} ${source} ${sourcePort} ${destination} ${destinationPort}`, now)) return;
  tell({
    type: 'report',
    report: {
      proto: protocolName(protocol),
      protocol,
      source: { address: source, port: sourcePort },
      destination: { address: destination, port: destinationPort },
      interface: device,
      at: now * 1000,
    },
  });
}

/** Follows interfaces that come and go. */
function scan(): void {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  local = new Set(addresses.map(({ address }) => address));
  const devices = wanted[0] === 'auto' ? uplinks() : wanted;
  for (const [device, open] of captures) {
    if (devices.includes(device)) continue;
    open[Symbol.dispose]();
    captures.delete(device);
  }
  const failing = new Set<string>();
  for (const device of devices.filter((name) => !captures.has(name))) {
    try {
      captures.set(
        device,
        capture(device, (packet) => report(device, packet)),
      );
    } catch (error) {
      const message = `${device} is not watched: ${error instanceof Error ? error.message : String(error)}`;
      failing.add(message);
      if (!troubles.has(message)) tell({ type: 'trouble', message: message.slice(0, 256) });
    }
  }
  troubles = failing;
}

process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => {});
process.on('SIGINT', () => {});
setInterval(scan, RESCAN_MS);
setInterval(() => {
  const count = limiter.suppressed();
  if (count > 0) tell({ type: 'limited', count });
}, 1_000);
scan();
tell({ type: 'ready', interfaces: [...captures.keys()] });
