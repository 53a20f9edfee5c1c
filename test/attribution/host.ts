/** An attribution whose kernel is made by hand. */
import { Accounts } from '../../src/attribution/accounts.ts';
import { Attribution, type AttributionOptions } from '../../src/attribution/attribution.ts';
import type { PamEvent } from '../../src/attribution/pam-event.ts';
import { Routing } from '../../src/attribution/routing.ts';
import type { Route } from '../../src/core/target.ts';
import type { Decision, Identity, Process } from '../../src/core/types.ts';
import * as abi from '../../src/kernel/layouts.generated.ts';
import { type Executed, exec, exit, flow, LAUNCHER, PID, Remembering, rootEvent, view } from './events.ts';

export const ALICE: Identity = {
  ...{ name: 'alice@example.com', groups: ['engineers'], verified: true },
  evidence: { method: 'publickey', source: 'pam' },
};

export const DIRECT: Decision = {
  ...{ outcome: 'allow', policies: ['p'], reason: 'policy p', observed: false, errors: [], version: 'v1' },
};
export const ROUTE: Route = {
  ...{ id: 1, prefix: '10.77.0.20/32', port: 5432, transport: 'tcp', action: 'direct', target: 'orders-db' },
  decision: DIRECT,
};

export class Host {
  readonly record = new Remembering();
  readonly denied: string[] = [];
  readonly opened: string[] = [];
  readonly forgotten: bigint[] = [];
  readonly dns: [string, string][] = [];
  pam: PamEvent[] = [];
  live = 0;
  /** Processes alive below a root that the kernel has ended. */
  counted = 0;
  lines = new Map<number, abi.HlWho>();
  /** Those of them that are in the midst of execve. */
  executing = new Set<number>();
  /** What the record has of an image, and of those above it. */
  recorded: (pid: number, image: number) => readonly Process[] = () => [];
  readonly at: Attribution;

  constructor(over: { accounts?: string; flows?: Partial<AttributionOptions['flows']> } = {}) {
    const routing = new Routing();
    routing.install([ROUTE]);
    this.at = new Attribution({
      host: 'bastion1',
      record: this.record,
      images: {
        plumbing: new Set(['sshd']),
        launcher: LAUNCHER,
        argvBytes: 4096,
        recorded: (_, { tgid }, image) => this.recorded(tgid, image),
      },
      flows: {
        routing,
        version: () => 'v1',
        onDenied: (hop) => this.denied.push(hop.id),
        onOpened: (hop) => this.opened.push(`${hop.id} ${hop.source?.address}:${hop.source?.port}`),
        onEnded: () => 'revoked: left',
        onUnclaimed: () => this.denied.push('unclaimed'),
        udpEndsWithProcess: false,
        ...over.flows,
      },
      accounts: new Accounts(over.accounts ?? '/nonexistent'),
      toMicros: (ns) => Number(ns),
      identify: () => ({ identity: ALICE, link: null }),
      onArrival: () => {},
      onUntold: () => {},
      pamEvents: () => this.pam.splice(0),
      liveProcesses: () => this.live,
      recount: () => this.counted,
      lineageOf: (pid) => {
        const line = this.lines.get(pid);
        return line ? { ...line, executing: this.executing.has(pid) } : null;
      },
      forgetRoot: (root) => this.forgotten.push(root),
      onDnsAnswer: (root, message) => this.dns.push([root, Buffer.from(message).toString()]),
    });
  }

  exec(n: number, given: Executed): void {
    this.at.handle(view(abi.writeHlExecEvent, exec(n, given), abi.hlExecEventSize), 0);
  }

  exit(n: number, code = 0): void {
    this.at.handle(view(abi.writeHlExitEvent, exit(n, code), abi.hlExitEventSize), 0);
  }

  root(type: number, over: Partial<abi.HlRootEvent> = {}): void {
    this.at.handle(view(abi.writeHlRootEvent, rootEvent(type, over), abi.hlRootEventSize), 0);
  }

  flow(over: Partial<abi.HlFlowEvent> = {}): void {
    this.at.handle(view(abi.writeHlFlowEvent, flow(over), abi.hlFlowEventSize), 0);
  }

  /** A login through sshd whose shell is process 1. */
  login(): this {
    this.root(abi.HlEventType.EV_ROOT);
    this.exec(0, { name: 'sshd', uid: 0, sessionid: 0xffffffff });
    this.exec(1, { name: 'bash', argv: ['-bash'] });
    return this;
  }
}

export const session: PamEvent = {
  ...{ file: 'f', type: 'open', service: 'sshd', user: 'alice', rhost: '10.0.0.1', tty: 'ssh', pid: PID },
  ...{
    startTicks: 0,
    client: { address: '10.0.0.1', port: 50_222 },
    server: null,
    authInfo: 'publickey …',
    at: 3,
  },
};
