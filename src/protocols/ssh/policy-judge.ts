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
} from './facts.ts';
import { ask, type Begun, passes, unaskable } from './held.ts';
import { type Decided, SftpFilter, type SftpJudge } from './sftp/filter.ts';
import { MOST_PATHS, transfersOf } from './transfers.ts';

const PASS: Judgement = { allowed: true, watch: null };

/** What is kept of the bytes of channels. */
export interface Recording {
  /** @returns null: nothing is */
  begin(begun: Begun, terminal: Terminal | null): Recorder | null;
  /**
   * Whether what is to be recorded can be: asked before the host hears of it.
   * @returns why not; null where there is nothing to wait for, or where it goes on all the same
   */
  ready(): Promise<string | null> | null;
}

const NO_RECORDING: Recording = { begin: () => null, ready: () => null };

export class PolicyJudge implements Judge {
  readonly #actions: Actions;
  readonly #recording: Recording;
  readonly #terminals = new WeakMap<Channel, Terminal>();
  #account = '';
  #login: Readonly<Record<string, unknown>> = {};

  constructor(actions: Actions, recording: Recording = NO_RECORDING) {
    this.#actions = actions;
    this.#recording = recording;
  }

  begin(account: string, login: Readonly<Record<string, unknown>>): void {
    this.#account = account;
    this.#login = login;
  }

  open(type: string, openedBy: 'client' | 'host', data: Buffer): Judgement | Held {
    if (type === 'session')
      return openedBy === 'client' ? PASS : { allowed: false, message: 'Hopline: a host opens no session' };
    const forward = forwardOfOpen(type, data);
    if (forward === null) return { allowed: false, message: `Hopline: channels of type ${type} do not pass` };
    return then(this.#judge([forwardDeed(this.#account, forward)], null), (judged) =>
      judged.allowed ? judged : { allowed: false, message: `Hopline: ${judged.message}` },
    );
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
        const transfers = transfersOf(command);
        const exec = execDeed(this.#account, channel.pty, command);
        if (transfers.length > MOST_PATHS)
          return this.#deny(
            exec,
            `it names ${transfers.length} paths, and ${MOST_PATHS} are decided at once: name fewer`,
          );
        const moved = transfers.map((transfer) => transferDeed(this.#account, transfer));
        const judged = this.#judge([exec, ...moved], channel);
        return transfers[0]?.tool === 'sftp' ? this.#filtered(judged) : judged;
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

  global({ type, data }: Request): Judgement | Held {
    const forward = forwardOfGlobal(type, data);
    return forward === null ? PASS : this.#atOnce(forwardDeed(this.#account, forward));
  }

  /** An sftp session, whose operations are decided one by one. */
  #filtered(judged: Judgement | Held): Judgement | Held {
    const filter = (ends: FilterEnds) => new SftpFilter(ends, this.#files());
    return then(judged, (decided) =>
      decided.allowed && decided.watch !== null
        ? { allowed: true, watch: { ...decided.watch, filter } }
        : decided,
    );
  }

  /** A permission to have channels later, each of which is decided when it comes. */
  #atOnce(deed: Deed): Judgement | Held {
    return then(this.#judge([deed], null), (judged) => {
      if (judged.allowed) judged.watch?.end({});
      return judged.allowed ? PASS : judged;
    });
  }

  /** All of it, or none. @param channel in which it is to be done; null: in none that is there */
  #judge(deeds: readonly Deed[], channel: Channel | null): Judgement | Held {
    const begun = this.#decide(deeds);
    if (typeof begun === 'string') return refused(begun);
    if (begun.every(({ decision }) => passes(decision))) return this.#go(begun, channel);
    return {
      allowed: null,
      wait: async (tell, signal) => {
        const answered = await ask(this.#actions, begun, tell, signal);
        if (typeof answered === 'string') return refused(answered);
        const judged = this.#go(answered, channel);
        return judged.allowed === null ? judged.wait(tell, signal) : judged;
      },
    };
  }

  /** What is to be recorded, and ends the hop where it can't be, has its recording before the host hears of it. */
  #go(begun: readonly Begun[], channel: Channel | null): Judgement | Held {
    const recorder = channel === null ? null : this.#recorder(begun, channel);
    const watch = this.#watch(begun, recorder);
    const ready = recorder === null ? null : this.#recording.ready();
    if (ready === null) return { allowed: true, watch };
    return {
      allowed: null,
      wait: async (_, signal) => {
        const why = await Promise.race([ready, aborted(signal)]);
        if (why === null) return { allowed: true, watch };
        recorder?.end();
        watch.end({ error: why });
        return refused(why);
      },
    };
  }

  #recorder([first, ...more]: readonly Begun[], channel: Channel): Recorder | null {
    // What is moved is no terminal's data: the transfer is the record of it.
    if (first === undefined || first.deed.action === 'transfer' || more.length > 0) return null;
    return this.#recording.begin(first, this.#terminals.get(channel) ?? null);
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

  #deny(deed: Deed, reason: string): Judgement {
    const decision = { ...this.#actions.decide(deed.action, deed.facts), outcome: 'deny', reason } as const;
    this.#actions.end(this.#begin(deed, decision), { error: 'denied' });
    return refused(reason);
  }

  /** Of one sftp session. */
  #files(): SftpJudge {
    return {
      decide: (operations) => {
        const deeds = operations.map(({ to, ...transfer }) =>
          transferDeed(this.#account, { tool: 'sftp', ...transfer }, to === undefined ? {} : { to }),
        );
        const begun = this.#decide(deeds);
        const numbers = (all: readonly Begun[] | string): Decided =>
          typeof all === 'string' ? all : all.map(({ action }) => action);
        if (typeof begun === 'string' || begun.every(({ decision }) => passes(decision)))
          return numbers(begun);
        return { wait: async (...given) => numbers(await ask(this.#actions, begun, ...given)) };
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

/** What is made of a judgement, also of one that is to come. */
function then(judged: Judgement | Held, change: (judged: Judgement) => Judgement): Judgement | Held {
  if (judged.allowed !== null) return change(judged);
  return { ...judged, wait: async (...given) => change(await judged.wait(...given)) };
}

/** Resolves with why when nobody waits any more. */
const aborted = (signal: AbortSignal): Promise<string> =>
  new Promise((resolve) => {
    const told = (): void => resolve(String(signal.reason));
    if (signal.aborted) told();
    else signal.addEventListener('abort', told, { once: true });
  });

/** What nobody can be asked about is denied. */
function inForce(deed: Deed, decision: Decision): Decision {
  const why = decision.outcome === 'approve' ? unaskable(deed) : null;
  if (why === null) return decision;
  return { ...decision, outcome: 'deny', reason: `${decision.reason}, and cannot be asked for: ${why}` };
}
