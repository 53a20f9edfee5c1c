/** Policies decide, and the record has it before it goes on. */

import { WireReader } from '../../core/ssh-wire.ts';
import type { Decision } from '../../core/types.ts';
import type { Actions } from '../room.ts';
import type { Channel } from './connection/channel.ts';
import type { Held, Judge, Judgement } from './connection/judge.ts';
import type { Request } from './connection/messages.ts';
import { decodePtyReq, decodeWindowChange, type Terminal } from './connection/requests.ts';
import type { FilterEnds, Recorder, Watch } from './connection/watch.ts';
import {
  type Deed,
  execDeed,
  forwardDeed,
  forwardOfGlobal,
  forwardOfOpen,
  shellDeed,
  transferDeed,
  transferOf,
} from './facts.ts';
import { ask, type Begun, passes, unaskable } from './held.ts';
import { SftpFilter, type SftpJudge } from './sftp/filter.ts';

const PASS: Judgement = { allowed: true, watch: null };

/** What is kept of the bytes of a channel; null: nothing. */
export type RecorderFor = (begun: Begun, terminal: Terminal | null) => Recorder | null;

export class PolicyJudge implements Judge {
  readonly #actions: Actions;
  readonly #record: RecorderFor;
  readonly #terminals = new WeakMap<Channel, Terminal>();
  #account = '';
  #login: Readonly<Record<string, unknown>> = {};

  constructor(actions: Actions, record: RecorderFor = () => null) {
    this.#actions = actions;
    this.#record = record;
  }

  begin(account: string, login: Readonly<Record<string, unknown>>): void {
    this.#account = account;
    this.#login = login;
  }

  open(type: string, openedBy: 'client' | 'host', data: Buffer): Judgement {
    if (type === 'session')
      return openedBy === 'client' ? PASS : { allowed: false, message: 'Hopline: a host opens no session' };
    const forward = forwardOfOpen(type, data);
    if (forward === null) return { allowed: false, message: `Hopline: channels of type ${type} do not pass` };
    const judged = this.#now([forwardDeed(this.#account, forward)]);
    return judged.allowed ? judged : { allowed: false, message: `Hopline: ${judged.message}` };
  }

  request(channel: Channel, request: Request): Judgement | Held {
    switch (request.type) {
      case 'pty-req':
        this.#terminals.set(channel, decodePtyReq(request));
        channel.pty = true;
        return PASS;
      case 'window-change': {
        const { columns, rows } = decodeWindowChange(request);
        channel.watch?.recorder?.resize(columns, rows);
        return PASS;
      }
      case 'shell':
        return this.#judge([shellDeed(this.#account, channel.pty)], channel);
      case 'exec': {
        const command = new WireReader(request.data).string().toString();
        const transfer = transferOf(command);
        const moved = transfer === null ? [] : [transferDeed(this.#account, transfer)];
        const judged = this.#judge([execDeed(this.#account, channel.pty, command), ...moved], channel);
        return transfer?.tool === 'sftp' ? this.#filtered(judged) : judged;
      }
      case 'subsystem': {
        const name = new WireReader(request.data).string().toString();
        const session = { tool: name, operation: 'session', direction: 'none', path: '' } as const;
        if (name === 'sftp')
          return this.#filtered(this.#judge([transferDeed(this.#account, session)], channel));
        return this.#judge([execDeed(this.#account, channel.pty, name)], channel);
      }
      case 'x11-req':
      case 'auth-agent-req@openssh.com': {
        const kind = request.type === 'x11-req' ? 'x11' : 'agent';
        const forward = { kind, direction: 'remote', toHost: '', toPort: 0 } as const;
        return this.#atOnce(forwardDeed(this.#account, forward));
      }
      default:
        return PASS;
    }
  }

  global({ type, data }: Request): Judgement {
    const forward = forwardOfGlobal(type, data);
    return forward === null ? PASS : this.#atOnce(forwardDeed(this.#account, forward));
  }

  /** An sftp session, whose operations are decided one by one. */
  #filtered(judged: Judgement | Held): Judgement | Held {
    if (judged.allowed === null)
      return { ...judged, wait: async (...given) => this.#withFilter(await judged.wait(...given)) };
    return this.#withFilter(judged);
  }

  #withFilter(judged: Judgement): Judgement {
    if (!judged.allowed || judged.watch === null) return judged;
    const filter = (ends: FilterEnds) => new SftpFilter(ends, this.#files());
    return { allowed: true, watch: { ...judged.watch, filter } };
  }

  /** A permission to have channels later, each of which is decided when it comes. */
  #atOnce(deed: Deed): Judgement {
    const judged = this.#now([deed]);
    if (judged.allowed) judged.watch?.end({});
    return judged.allowed ? PASS : judged;
  }

  /** What is in no channel of its own, and cannot wait. */
  #now(deeds: readonly Deed[]): Judgement {
    const begun = this.#decide(deeds);
    return typeof begun === 'string' ? refused(begun) : { allowed: true, watch: this.#watch(begun, null) };
  }

  /** All of it, or none. @param channel in which it is to be done */
  #judge(deeds: readonly Deed[], channel: Channel): Judgement | Held {
    const begun = this.#decide(deeds);
    if (typeof begun === 'string') return refused(begun);
    const go = (all: readonly Begun[]): Judgement => ({
      allowed: true,
      watch: this.#watch(all, this.#recorder(all, channel)),
    });
    if (begun.every(({ decision }) => passes(decision))) return go(begun);
    return {
      allowed: null,
      wait: async (tell, signal) => {
        const answered = await ask(this.#actions, begun, tell, signal);
        return typeof answered === 'string' ? refused(answered) : go(answered);
      },
    };
  }

  #recorder([first, ...more]: readonly Begun[], channel: Channel): Recorder | null {
    // What is moved is no terminal's data: the transfer is the record of it.
    if (first === undefined || first.deed.action === 'transfer' || more.length > 0) return null;
    return this.#record(first, this.#terminals.get(channel) ?? null);
  }

  /** All of it, or none. @returns the actions that were begun, or the reason of a refusal */
  #decide(deeds: readonly Deed[]): readonly Begun[] | string {
    const decided = deeds.map((deed) => ({ deed, decision: this.#actions.decide(deed.action, deed.facts) }));
    const stopped = decided.filter(({ decision }) => !passes(decision));
    const denied = stopped.find(
      ({ decision, deed }) => decision.outcome === 'deny' || unaskable(deed) !== null,
    );
    if (denied === undefined)
      return decided.map((each) => ({ ...each, action: this.#begin(each.deed, each.decision) }));
    const decision = inForce(denied.deed, denied.decision);
    this.#actions.end(this.#begin(denied.deed, decision), { error: 'denied' });
    return decision.reason;
  }

  /** Of one sftp session. */
  #files(): SftpJudge {
    return {
      decide: (operations) => {
        const deeds = operations.map(({ to, ...transfer }) =>
          transferDeed(this.#account, { tool: 'sftp', ...transfer }, to === undefined ? {} : { to }),
        );
        const begun = this.#decide(deeds);
        return typeof begun === 'string' ? begun : begun.map(({ action }) => action);
      },
      end: (action, result) => this.#actions.end(action, result),
    };
  }

  #begin({ action, subject, detail }: Deed, decision: Decision): number {
    return this.#actions.begin({ kind: action, subject, detail: { ...detail, ...this.#login }, decision });
  }

  #watch(begun: readonly Begun[], recorder: Recorder | null): Watch {
    const since = performance.now();
    return {
      recorder,
      filter: null,
      end: (result) => {
        const milliseconds = Math.round(performance.now() - since);
        for (const { action } of begun) this.#actions.end(action, { ...result, milliseconds });
      },
    };
  }
}

const refused = (message: string): Judgement => ({ allowed: false, message });

/** What nobody can be asked about is denied. */
function inForce(deed: Deed, decision: Decision): Decision {
  const why = decision.outcome === 'approve' ? unaskable(deed) : null;
  if (why === null) return decision;
  return { ...decision, outcome: 'deny', reason: `${decision.reason}, and cannot be asked for: ${why}` };
}
