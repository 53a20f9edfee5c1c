/** What the supervisor and the process that speaks to other hosts say to each other over IPC, and the checks on what that one says. */
import { count, endpoint, text as fits, record } from '../core/fields.ts';
import type { Endpoint } from '../core/types.ts';
import {
  type Hello,
  isHost,
  isMethod,
  type Join,
  type Member,
  type Method,
  type Request,
  request,
  result,
  TEXT_LIMIT,
} from './protocol.ts';

/** Who this host is among the others. */
export interface FleetConfig {
  readonly host: string;
  /** Null: others are connected to, and cannot connect. */
  readonly listen: Endpoint | null;
  /** What others are told to connect to. */
  readonly advertised: Endpoint | null;
  /** From which this host's connections come; null: those of its interfaces. */
  readonly addresses: readonly string[] | null;
  /** PEM: the fleet's authority, this host's certificate and its key. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  readonly authorities: readonly string[];
  /** Base64: keys for the SYN option are made of it, one for each host; empty: it is not wanted here. */
  readonly optionSecret: string;
  readonly members: readonly Member[];
  /** Hosts that have been put out: their certificates are not taken. */
  readonly removed: readonly string[];
}

export type ToPeers =
  | { readonly type: 'configure'; readonly config: FleetConfig }
  | { readonly type: 'ask'; readonly id: number; readonly host: string; readonly request: Request }
  | { readonly type: 'answer'; readonly id: number; readonly result?: unknown; readonly error?: string }
  /** To a host whose authority has this fingerprint (SHA-256, hexadecimal digits), by one that has no certificate. */
  | {
      readonly type: 'join';
      readonly id: number;
      readonly to: Endpoint;
      readonly fingerprint: string;
      readonly params: Join;
    };

export type FromPeers =
  | { readonly type: 'ready' }
  /** Other hosts can connect. */
  | { readonly type: 'listening' }
  | { readonly type: 'up'; readonly host: string; readonly hello: Hello }
  | { readonly type: 'down'; readonly host: string; readonly reason: string }
  /** `host` null: by one that wants to join. */
  | {
      readonly type: 'asked';
      readonly id: number;
      readonly host: string | null;
      readonly request: Request;
    }
  | {
      readonly type: 'answered';
      readonly id: number;
      readonly method: Method;
      readonly result: unknown;
      readonly error: string | null;
      /** It is the other host that says no. */
      readonly refused: boolean;
    }
  | { readonly type: 'joined'; readonly id: number; readonly ca: string; readonly result: unknown }
  /** A connection of this process's leaves the host. */
  | { readonly type: 'dialing'; readonly source: Endpoint; readonly destination: Endpoint }
  | { readonly type: 'trouble'; readonly message: string };

/** @returns the message with nothing in it but its own fields, or null where it is none */
export function fromPeers(value: unknown): FromPeers | null {
  const m = record(value);
  switch (m?.type) {
    case 'ready':
    case 'listening':
      return { type: m.type };
    case 'up': {
      const said = request('hello', m.hello);
      if (!isHost(m.host) || said?.method !== 'hello') return null;
      return { type: 'up', host: m.host, hello: said.params };
    }
    case 'down':
      return isHost(m.host) && fits(m.reason, TEXT_LIMIT)
        ? { type: 'down', host: m.host, reason: m.reason }
        : null;
    case 'asked': {
      const asked = record(m.request);
      if (!count(m.id) || !(m.host === null || isHost(m.host)) || !isMethod(asked?.method)) return null;
      const checked = request(asked.method, asked.params);
      return checked === null ? null : { type: 'asked', id: m.id, host: m.host, request: checked };
    }
    case 'answered': {
      if (!count(m.id) || !isMethod(m.method)) return null;
      if (fits(m.error, TEXT_LIMIT))
        return {
          ...{ type: 'answered', id: m.id, method: m.method },
          ...{ result: null, error: m.error, refused: m.refused === true },
        };
      const answer = result(m.method, m.result);
      return answer === null
        ? null
        : { type: 'answered', id: m.id, method: m.method, result: answer, error: null, refused: false };
    }
    case 'joined': {
      const answer = result('join', m.result);
      return count(m.id) && fits(m.ca, 16_384) && answer !== null
        ? { type: 'joined', id: m.id, ca: m.ca, result: answer }
        : null;
    }
    case 'dialing': {
      const source = endpoint(m.source);
      const destination = endpoint(m.destination);
      return source === null || destination === null ? null : { type: 'dialing', source, destination };
    }
    case 'trouble':
      return fits(m.message, TEXT_LIMIT) ? { type: 'trouble', message: m.message } : null;
    default:
      return null;
  }
}
