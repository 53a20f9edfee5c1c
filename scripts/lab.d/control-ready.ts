// Waits until a hoplined answers `status` on its control socket.
// Usage: control-ready.ts PID SECONDS SOCKET. Ends with 1 when the process is gone or the time is up.
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const [pid = '', seconds = '', path = ''] = process.argv.slice(2);
const until = Date.now() + Number(seconds) * 1000;

function alive(): boolean {
  try {
    return process.kill(Number(pid), 0);
  } catch {
    return false;
  }
}

function answers(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.setTimeout(2000, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(false));
    socket.on('connect', () => socket.write('{"id":1,"method":"status","params":{}}\n'));
    socket.on('data', (bytes) => {
      resolve(bytes.includes('"result"'));
      socket.destroy();
    });
  });
}

let ready = false;
while (!ready && alive() && Date.now() < until) {
  ready = await answers();
  if (!ready) await sleep(50);
}
process.exitCode = ready ? 0 : 1;
