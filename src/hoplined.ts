#!/usr/bin/env node
/** The supervisor's entry: reads its arguments, wires the rooms together, and obeys signals. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pino from 'pino';
import { ConfigError } from './config/problem.ts';
import { groupId } from './daemon/account.ts';
import { controlServer } from './daemon/control.ts';
import { Daemon } from './daemon/daemon.ts';
import { reload } from './daemon/reload.ts';
import { notifier } from './systemd/notify.ts';

const HELP = `hoplined: ties every connection that leaves this host to the login that caused it

usage: hoplined [--config FILE]

  --config FILE   default /etc/hopline/hopline.yaml; targets.yaml, identities.yaml and policies/ lie beside it
  --version       print the version
  --help          print this

SIGHUP reloads the configuration as one snapshot, or refuses all of it and says why.
SIGTERM stops: connections may end first; what policy intercepts fails until a daemon is back.

examples:
  hoplined --config /etc/hopline/hopline.yaml
  hopline config check /etc/hopline      what a start would say of the configuration
  hopline doctor                         what a start needs of this host`;

const { values } = parseArgs({
  options: {
    config: { type: 'string', default: '/etc/hopline/hopline.yaml' },
    version: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});
const here = import.meta.dirname;
const { version } = JSON.parse(readFileSync(join(here, '../package.json'), 'utf8')) as { version: string };

if (values.help) console.log(HELP);
else if (values.version) console.log(version);
else process.exitCode = await run();

async function run(): Promise<number> {
  const log = pino({ level: 'info' }, pino.destination({ fd: 2, sync: true }));
  const notify = notifier();
  let daemon: Daemon;
  try {
    daemon = new Daemon({
      configPath: values.config,
      log,
      objects: join(here, '../dist/bpf'),
      workerEntry: join(here, './worker.ts'),
      tripwireEntry: join(here, './tripwire.ts'),
    });
    log.level = daemon.policy.config.log.level;
    await daemon.start();
  } catch (error) {
    const text = error instanceof ConfigError ? error.message : (error as Error).message;
    console.error(`hoplined: can't start: ${text}`);
    if (!(error instanceof ConfigError))
      console.error('hoplined: `hopline doctor` checks what it needs of this host');
    log.debug({ err: error }, 'start');
    return 1;
  }
  const control = controlServer(daemon, {
    path: join(daemon.policy.config.paths.run, 'control.sock'),
    group: groupId('hopline-admin'),
    version,
  });
  await control.listen();
  notify.ready(`policy ${daemon.policy.snapshot.version}`);

  process.on('SIGHUP', () => {
    notify.reloading();
    reload(daemon);
    notify.ready(`policy ${daemon.policy.snapshot.version}`);
  });
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
  notify.stopping();
  await control.close();
  await daemon.stop();
  return 0;
}
