/** A supervisor whose workers end at once: started as hoplined is, it must not stay. */
import { join } from 'node:path';
import pino from 'pino';
import { Daemon } from '../../../src/daemon/daemon.ts';

const repo = join(import.meta.dirname, '../../..');
const daemon = new Daemon({
  configPath: '/etc/hopline/hopline.yaml',
  log: pino({ level: 'fatal' }),
  objects: join(repo, 'dist/bpf'),
  workerEntry: '/dev/null',
  tripwireEntry: join(repo, 'src/tripwire.ts'),
  brokerEntry: join(repo, 'src/broker.ts'),
  peersEntry: join(repo, 'src/peers.ts'),
  protocols: ['tcp'],
});
try {
  await daemon.start();
} catch (error) {
  // No exit: what was started, and would keep Node alive, has to be stopped by then.
  console.error((error as Error).message);
  process.exitCode = 7;
}
