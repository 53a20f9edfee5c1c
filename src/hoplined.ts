#!/usr/bin/env node
/** The supervisor's entry: reads its arguments, wires the rooms together, and obeys signals. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pino from 'pino';
import type { ControlServer } from './api/server.ts';
import { ConfigError } from './config/problem.ts';
import { groupId } from './daemon/account.ts';
import { controlServer } from './daemon/control.ts';
import { withoutCoreDumps } from './daemon/core-dumps.ts';
import { Daemon } from './daemon/daemon.ts';
import { reload } from './daemon/reload.ts';
import { PROTOCOLS } from './protocols/names.ts';
import { type Notifier, notifier } from './systemd/notify.ts';

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

/** Beyond the connections' own time: clients of the control socket are let go, workers report, the record is closed. */
const STOP_MS = 30_000;

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
// What could not be stopped must not keep a daemon that does nothing any more.
else process.exit(await run());

async function run(): Promise<number> {
  const log = pino({ level: 'info' }, pino.destination({ fd: 2, sync: true }));
  const notify = notifier();
  const dumps = withoutCoreDumps();
  if (dumps !== null) log.warn(dumps);
  let daemon: Daemon | undefined;
  let control: ControlServer;
  try {
    daemon = new Daemon({
      configPath: values.config,
      log,
      objects: join(here, '../dist/bpf'),
      workerEntry: join(here, './worker.ts'),
      tripwireEntry: join(here, './tripwire.ts'),
      brokerEntry: join(here, './broker.ts'),
      peersEntry: join(here, './peers.ts'),
      protocols: PROTOCOLS,
    });
    log.level = daemon.policy.config.log.level;
    await daemon.start();
    control = controlServer(daemon, {
      path: join(daemon.startedWith.paths.run, 'control.sock'),
      group: groupId('hopline-admin'),
      version,
    });
    await control.listen();
    notify.ready(`policy ${daemon.policy.snapshot.version}`);
  } catch (error) {
    const text = (error as Error).message;
    console.error(`hoplined: can't start: ${text}`);
    if (!(error instanceof ConfigError))
      console.error('hoplined: `hopline doctor` checks what it needs of this host');
    log.debug({ err: error }, 'start');
    await daemon?.stop(`the start failed: ${text}`, 0);
    return 1;
  }
  await serve(daemon, notify);
  const drainMs = daemon.policy.config.proxy.timeouts.drain;
  told(daemon, () => notify.stopping(drainMs + STOP_MS));
  await control.close();
  await daemon.stop('the daemon was stopped in order', drainMs);
  return 0;
}

/** Reloads when asked to. Resolves when asked to stop. */
function serve(daemon: Daemon, notify: Notifier): Promise<void> {
  const reloading = async (): Promise<void> => {
    told(daemon, () => notify.reloading());
    try {
      await reload(daemon);
    } catch (error) {
      daemon.log.error({ err: error }, 'reload');
    }
    told(daemon, () => notify.ready(`policy ${daemon.policy.snapshot.version}`));
  };
  process.on('SIGHUP', () => void reloading());
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}

/** That systemd can't be told is systemd's to act on: it must not be what ends a daemon that works. */
function told(daemon: Daemon, tell: () => void): void {
  try {
    tell();
  } catch (error) {
    daemon.log.error({ err: error }, 'systemd');
  }
}
