import pino from 'pino';
import { parse } from 'yaml';
import { readFileSync } from 'node:fs';
import { Daemon } from './daemon/daemon.ts';
import { controlServer } from './daemon/control.ts';
import { join } from 'node:path';
const path = process.argv[process.argv.indexOf('--config') + 1] ?? '';
const raw = parse(readFileSync(path, 'utf8')) ?? {};
console.log(JSON.stringify(raw));
const allow = { outcome: 'allow', policies: ['tmp'], reason: 'tmp', observed: false, errors: [], version: 'x' } as const;
const deny = { outcome: 'deny', policies: ['vault'], reason: 'the vault is closed', observed: false, errors: [], version: 'x' } as const;
const config: any = {
  host: raw.host ?? 'h', mode: 'enforce', scope: raw.scope ?? '/', paths: { state: '/var/lib/hopline', run: '/run/hopline', pins: raw.paths?.pins, config: '/etc/hopline' },
  proxy: { listen: { v4: { address: '127.0.0.1', port: 15001 }, v6: { address: '::1', port: 15001 } }, workers: 2, user: 'hopline', timeouts: { claim: 5000, dial: 10000, drain: 1000, idle: null } },
  dns: { resolvers: ['10.77.0.30'] }, udp: { allow: [] }, sockets: { ping: 'deny' }, ssh: { daemons: ['/usr/sbin/sshd'] },
  origins: { cron: ['/usr/sbin/cron'], at: ['/usr/sbin/atd'], console: ['/bin/login'] }, unlisted: 'inspect', loopback: 'direct', record: { argvBytes: 4096, unattended: 'hops' },
  tripwire: { enabled: false, interfaces: 'auto' }, log: { level: 'debug' }, targets: [],
};
const R = (id: number, prefix: string, port: number, transport: any, action: any, target: any = null, decision: any = null) => ({ id, prefix, port, transport, action, target, decision });
let id = 1;
const routes = ['0.0.0.0/0', '::/0'].flatMap((p) => [R(id++, p, 0, 'tcp', 'inspect'), R(id++, p, 0, 'udp', 'deny')]).concat([
  R(id++, '127.0.0.0/8', 0, 'tcp', 'direct', 'loopback', allow), R(id++, '::1/128', 0, 'tcp', 'direct', 'loopback', allow),
  R(id++, '127.0.0.0/8', 0, 'udp', 'direct', 'loopback', allow), R(id++, '::1/128', 0, 'udp', 'direct', 'loopback', allow),
  R(id++, '10.77.0.30/32', 53, 'udp', 'direct', 'dns', allow), R(id++, '10.77.0.66/32', 8200, 'tcp', 'deny', 'vault', deny),
  R(id++, '10.77.0.30/32', 443, 'tcp', 'direct', 'web1-tls', allow), R(id++, 'fd77::30/128', 443, 'tcp', 'direct', 'web1-tls', allow),
]);
const daemon = new Daemon({
  configPath: path, log: pino({ level: 'debug' }), objects: new URL('../dist/bpf', import.meta.url).pathname, workerEntry: new URL('./worker.ts', import.meta.url).pathname,
  loadPolicy: () => ({ config, version: 'tmp', policies: 0, routes, decide: () => allow, identify: (account) => ({ name: account, groups: [], verified: false, evidence: { method: 'account', source: 'pam' } }) }),
});
await daemon.start();
const control = controlServer(daemon, { path: join(config.paths.run, 'control.sock'), group: null, version: '0', reload: () => ({ ok: true, version: '', problems: [] }), explain: () => { throw new Error('x'); }, check: () => { throw new Error('x'); } });
await control.listen();
for (const s of ['SIGTERM', 'SIGINT'] as const) process.once(s, () => void daemon.stop().then(() => control.close()).then(() => process.exit(0)));
