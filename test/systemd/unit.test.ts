/** The unit against what the daemon does under it. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { loadConfig } from '../../src/config/load.ts';
import { files } from '../config/directory.ts';

t.test('a stop may take as long as connections may go on, and some seconds more', async (t) => {
  const unit = readFileSync(new URL('../../systemd/hoplined.service', import.meta.url), 'utf8');
  const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]);
  const { drain } = loadConfig(t.testdir(files())).proxy.timeouts;
  t.ok(seconds * 1000 >= drain + 20_000, `${seconds} s for ${drain} ms`);
});
