/** A proxy worker: parses hostile bytes, so it runs without privilege and asks the supervisor for each flow. */

import { Socket } from 'node:net';
import { MaskKey } from './masking/key.ts';
import type { ActionPolicies } from './policy/actions.ts';
import type { ConnectQuery } from './policy/request.ts';
import { maskingOf } from './protocols/masking.ts';
import { rooms } from './protocols/registry.ts';
import { Acceptor } from './proxy/accept.ts';
import { Channel } from './proxy/channel.ts';
import { namesIn } from './proxy/dns.ts';
import type { Decider } from './proxy/hop-actions.ts';
import { type Flow, fromSupervisor, type WorkerConfig } from './proxy/messages.ts';
import { Shells } from './proxy/shells.ts';
import { RecordingLink } from './recording/link.ts';

const send = process.send?.bind(process);
const argument = process.argv[2];
if (send === undefined || argument === undefined) {
  process.stderr.write('worker: started by hoplined only, which hands over listeners and a channel\n');
  process.exit(2);
}

const config = JSON.parse(argument) as WorkerConfig;
const channel = new Channel((message) => {
  if (process.connected) send(message);
});
const NO_COLUMNS = { columns: [], detect: { detectors: [], patterns: [] } };
let policies: ActionPolicies | null = null;
let maskKey: { readonly text: string; readonly key: MaskKey } | null = null;

/** Made once: what is kept of it is kept by it. */
function keyOf(text: string): MaskKey {
  if (maskKey?.text !== text) maskKey = { text, key: new MaskKey(Buffer.from(text, 'base64')) };
  return maskKey.key;
}

const queries = new WeakMap<Flow, ConnectQuery>();

/** The same object for a flow: policies remember by it. */
function queryOf(flow: Flow): ConnectQuery {
  let query = queries.get(flow);
  if (query === undefined) {
    const { subject, target, destination } = flow;
    query = { ...subject, target, destination, transport: 'tcp' };
    queries.set(flow, query);
  }
  return query;
}

const decider: Decider = {
  async ready() {
    if (policies !== null) return;
    const { ActionPolicies } = await import('./policy/actions.ts');
    policies ??= new ActionPolicies();
    policies.replace(channel.snapshot.policies);
  },
  decide(flow, action, facts, approved) {
    if (policies === null) throw new Error('an action was to be decided before `ready`');
    const query = queryOf(flow);
    return policies.decide(action, approved.length === 0 ? query : { ...query, approved }, facts);
  },
  masking(flow) {
    if (policies === null) throw new Error('asked for what is masked before `ready`');
    const revealer = policies.revealer(queryOf(flow));
    if (revealer === null) return null;
    const target = flow.target === null ? null : policies.target(flow.target);
    return maskingOf(revealer, target ?? NO_COLUMNS, keyOf(channel.snapshot.maskKey));
  },
};
// Connections keep this process, not the way that their recordings go.
const recordings = new RecordingLink(new Socket({ fd: config.recordings }).unref());
const shells = new Shells(channel, recordings, (message) => {
  // A supervisor that has gone is told of by `disconnect`.
  if (process.connected) send(message, undefined, undefined, () => {});
});
const acceptor = new Acceptor(channel, rooms, decider, recordings);

/** Nobody decides or records any more: fail closed. Resets are done when the last socket is closed, in this turn. */
function abandon(reason: string, code: number): void {
  acceptor.closeAll(reason);
  setImmediate(() => process.exit(code));
}

process.on('disconnect', () => abandon('the supervisor is gone', 3));
process.on('SIGTERM', () => {});
process.on('SIGINT', () => {});
process.on('message', (value, handle) => {
  const message = fromSupervisor(value);
  if (message === null) {
    process.stderr.write(
      `worker ${config.worker}: a message from the supervisor that is none of the protocol\n`,
    );
    abandon('the supervisor and its worker do not understand each other', 4);
    return;
  }
  if (message.type === 'snapshot') policies?.replace(message.snapshot.policies);
  if (channel.take(message)) return;
  if (message.type === 'close') acceptor.close(message.hop, message.reason);
  if (message.type === 'dns')
    send({ type: 'names', seq: message.seq, answers: namesIn(Buffer.from(message.message, 'base64')) });
  if (message.type === 'shell' || message.type === 'shell-end')
    shells.take(message, handle instanceof Socket ? handle : undefined);
  if (message.type === 'drain')
    void acceptor
      .drain(message.deadlineMs)
      .then(() => shells.leave('the daemon was stopped'))
      .then(() => process.disconnect());
});

await acceptor.listen(config);
send({ type: 'ready' });
