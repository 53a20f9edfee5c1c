/**
 * What hosts of a fleet say to each other over TLS 1.3: a JSON object a line, in both directions.
 * `{"id":1,"method":"resolve","params":{…}}` is answered by `{"id":1,"result":{…}}` or `{"id":1,"error":"one sentence"}`. Each
 * side numbers its own requests. What is not a message of this ends the connection; a method that is not known is answered
 * with an error, so that hosts of another version can tell.
 */
import { count, endpoint, text as fits, record } from '../core/fields.ts';
import { bigIntFromId } from '../core/ids.ts';
import type { Endpoint, Id } from '../core/types.ts';

/** A request is a few names and numbers. */
export const MAX_REQUEST_BYTES = 256 << 10;
/** Trees: of 10,000 processes one is about 4 MB. */
export const MAX_ANSWER_BYTES = 64 << 20;
/** ALPN (RFC 7301). */
export const PROTOCOL = 'hopline-peer/1';
export const MOST_IDS = 2048;
const MOST_HOSTS = 1024;
const MOST_ADDRESSES = 1024;
export const TEXT_LIMIT = 512;
/** As hopline.yaml takes it for `host`. */
const HOST = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/;

/** A member of the fleet, and where it listens for the others; null: it only connects. */
export interface Member {
  readonly host: string;
  readonly endpoint: Endpoint | null;
}

/** What a host says of itself when a connection begins, both ways. */
export interface Hello {
  readonly host: string;
  /** From which its connections come. */
  readonly addresses: readonly string[];
  readonly endpoint: Endpoint | null;
  /** `SHA256:…` of the keys by which it certifies who it brings. */
  readonly authorities: readonly string[];
  /** Base64 of 16 bytes, by which the host that reads this signs the SYN option towards this one; empty: it sends none. */
  readonly optionKey: string;
  readonly members: readonly Member[];
}

/** Whose is the connection by which a login came? */
export interface Resolve {
  readonly login: Id;
  /** Milliseconds since it came: the hosts' clocks may differ. */
  readonly agoMs: number;
  /** As the asking host has them, of the connection. */
  readonly client: Endpoint;
  readonly server: Endpoint;
  /** 16 hexadecimal digits: of the SYN option, where there was one. */
  readonly handle: string | null;
  /** The asking host takes it from another address than the one that it left by. */
  readonly nat: boolean;
}

/** A login has come by this hop: a certificate says so. */
export interface Child {
  readonly hop: Id;
  readonly login: Id;
}

export interface Resolved {
  readonly hop: Id;
  /** Hops above the asking host's login. */
  readonly depth: number;
  /** The hop's login may not go on. */
  readonly revoked: boolean;
  /** From where the connection left that host: where nothing rewrites addresses, it arrived from there. Null: not told. */
  readonly source: Endpoint | null;
}

/** `up`: the logins that these hops belong to. `down`: the logins that came by these hops. And what is beyond those. */
export interface TreeAsk {
  readonly up: readonly Id[];
  readonly down: readonly Id[];
  /** Hosts that have been asked on the way here. */
  readonly asked: readonly string[];
}

export interface TreePart {
  readonly host: string;
  /** JSON, as `hopline tree --json` prints it there: for who draws it to read. */
  readonly logins: string;
}

/** A host that should have been asked and could not be. */
export interface Absent {
  readonly host: string;
  readonly reason: string;
}

export interface TreeParts {
  readonly parts: readonly TreePart[];
  readonly absent: readonly Absent[];
}

export interface RevokeAsk {
  readonly hops: readonly Id[];
  readonly by: string;
  readonly reason: string;
}

export interface RevokedThere {
  readonly logins: readonly Id[];
  readonly hops: readonly Id[];
  /** What became of it on the hosts that it went on to. */
  readonly beyond: readonly RevokedOn[];
}

/** What became of a revocation on another host. */
export interface RevokedOn {
  readonly host: string;
  readonly logins: readonly Id[];
  readonly hops: readonly Id[];
  /** Why it could not be told; it is told when it is connected again. Null: it was. */
  readonly reason: string | null;
}

/** With the secret of an invitation, by a host that has no certificate yet. */
export interface Join {
  readonly host: string;
  /** Base64url. */
  readonly secret: string;
  /** Base64 of its public key: SubjectPublicKeyInfo of ECDSA P-256. */
  readonly key: string;
}

export interface Joined {
  /** PEM: its certificate, then the fleet's authority. */
  readonly certificate: string;
  readonly members: readonly Member[];
}

/** The other's certificate is not taken: said in place of everything else, before the connection ends. */
export interface Refused {
  readonly reason: string;
}

export interface Methods {
  readonly hello: [Hello, Hello];
  readonly ping: [Record<string, never>, Record<string, never>];
  readonly resolve: [Resolve, Resolved];
  readonly child: [Child, Resolved];
  readonly tree: [TreeAsk, TreeParts];
  readonly revoke: [RevokeAsk, RevokedThere];
  readonly join: [Join, Joined];
  readonly refused: [Refused, Record<string, never>];
}

export type Method = keyof Methods;
export type Params<M extends Method> = Methods[M][0];
export type Result<M extends Method> = Methods[M][1];
export type Request = { readonly [M in Method]: { readonly method: M; readonly params: Params<M> } }[Method];

type Checks = {
  readonly [M in Method]: readonly [
    (value: unknown) => Params<M> | null,
    (value: unknown) => Result<M> | null,
  ];
};

const CHECKS: Checks = {
  hello: [hello, hello],
  ping: [() => ({}), () => ({})],
  resolve: [resolve, resolved],
  child: [child, resolved],
  tree: [treeAsk, treeParts],
  revoke: [revokeAsk, revokedThere],
  join: [join, joined],
  refused: [refused, () => ({})],
};

export function isMethod(method: unknown): method is Method {
  return typeof method === 'string' && Object.hasOwn(CHECKS, method);
}

/** @returns with nothing in it but its own fields, or null where it is none */
export function request(method: Method, params: unknown): Request | null {
  const checked = CHECKS[method][0](params);
  return checked === null ? null : ({ method, params: checked } as Request);
}

/** As {@link request}, of an answer. */
export function result<M extends Method>(method: M, value: unknown): Result<M> | null {
  return CHECKS[method][1](value);
}

export function isHost(value: unknown): value is string {
  return typeof value === 'string' && HOST.test(value);
}

function isId(value: unknown): value is Id {
  return typeof value === 'string' && value.length === 12 && bigIntFromId(value) !== null;
}

function hello(value: unknown): Hello | null {
  const m = record(value);
  if (m === null || !isHost(m.host)) return null;
  const at = m.endpoint === null ? null : endpoint(m.endpoint);
  const members = list(m.members, MOST_HOSTS, member);
  const addresses = list(m.addresses, MOST_ADDRESSES, (one) => (fits(one, 64) ? one : null));
  const authorities = list(m.authorities, 16, (one) => (fits(one, 64) ? one : null));
  if (members === null || addresses === null || authorities === null) return null;
  if ((m.endpoint !== null && at === null) || !fits(m.optionKey, 32)) return null;
  return { host: m.host, addresses, endpoint: at, authorities, optionKey: m.optionKey, members };
}

function member(value: unknown): Member | null {
  const m = record(value);
  if (m === null || !isHost(m.host)) return null;
  if (m.endpoint === null) return { host: m.host, endpoint: null };
  const at = endpoint(m.endpoint);
  return at === null ? null : { host: m.host, endpoint: at };
}

function resolve(value: unknown): Resolve | null {
  const m = record(value);
  const client = endpoint(m?.client);
  const server = endpoint(m?.server);
  if (m === null || client === null || server === null || !isId(m.login) || !count(m.agoMs)) return null;
  const { handle } = m;
  if (handle !== null && !(typeof handle === 'string' && /^[0-9a-f]{16}$/.test(handle))) return null;
  return { login: m.login, agoMs: m.agoMs, client, server, handle, nat: m.nat === true };
}

function child(value: unknown): Child | null {
  const m = record(value);
  return m !== null && isId(m.hop) && isId(m.login) ? { hop: m.hop, login: m.login } : null;
}

function resolved(value: unknown): Resolved | null {
  const m = record(value);
  if (m === null || !isId(m.hop) || !count(m.depth) || m.depth < 1 || typeof m.revoked !== 'boolean')
    return null;
  const source = m.source === null ? null : endpoint(m.source);
  if (m.source !== null && source === null) return null;
  return { hop: m.hop, depth: m.depth, revoked: m.revoked, source };
}

function treeAsk(value: unknown): TreeAsk | null {
  const m = record(value);
  const up = ids(m?.up);
  const down = ids(m?.down);
  const asked = list(m?.asked, MOST_HOSTS, (host) => (isHost(host) ? host : null));
  return up === null || down === null || asked === null ? null : { up, down, asked };
}

function treeParts(value: unknown): TreeParts | null {
  const m = record(value);
  const parts = list(m?.parts, MOST_HOSTS, (one) => {
    const p = record(one);
    return p !== null && isHost(p.host) && fits(p.logins, MAX_ANSWER_BYTES)
      ? { host: p.host, logins: p.logins }
      : null;
  });
  const absent = list(m?.absent, MOST_HOSTS, (one) => {
    const a = record(one);
    return a !== null && isHost(a.host) && fits(a.reason, TEXT_LIMIT)
      ? { host: a.host, reason: a.reason }
      : null;
  });
  return parts === null || absent === null ? null : { parts, absent };
}

function revokeAsk(value: unknown): RevokeAsk | null {
  const m = record(value);
  const hops = ids(m?.hops);
  if (m === null || hops === null || !fits(m.by, TEXT_LIMIT) || !fits(m.reason, 4 * TEXT_LIMIT)) return null;
  return { hops, by: m.by, reason: m.reason };
}

function revokedThere(value: unknown): RevokedThere | null {
  const m = record(value);
  const logins = ids(m?.logins);
  const hops = ids(m?.hops);
  // Hosts of an earlier version do not tell.
  const beyond = list(m?.beyond ?? [], MOST_HOSTS, revokedOn);
  return logins === null || hops === null || beyond === null ? null : { logins, hops, beyond };
}

function revokedOn(value: unknown): RevokedOn | null {
  const m = record(value);
  const logins = ids(m?.logins);
  const hops = ids(m?.hops);
  if (m === null || !isHost(m.host) || logins === null || hops === null) return null;
  if (m.reason !== null && !fits(m.reason, TEXT_LIMIT)) return null;
  return { host: m.host, logins, hops, reason: m.reason };
}

function join(value: unknown): Join | null {
  const m = record(value);
  return m !== null && isHost(m.host) && fits(m.secret, 64) && fits(m.key, 256)
    ? { host: m.host, secret: m.secret, key: m.key }
    : null;
}

function refused(value: unknown): Refused | null {
  const m = record(value);
  return m !== null && fits(m.reason, TEXT_LIMIT) ? { reason: m.reason } : null;
}

function joined(value: unknown): Joined | null {
  const m = record(value);
  const members = list(m?.members, MOST_HOSTS, member);
  return m !== null && members !== null && fits(m.certificate, 16_384)
    ? { certificate: m.certificate, members }
    : null;
}

function ids(value: unknown): Id[] | null {
  return list(value, MOST_IDS, (one) => (isId(one) ? one : null));
}

function list<T>(value: unknown, most: number, check: (one: unknown) => T | null): T[] | null {
  if (!Array.isArray(value) || value.length > most) return null;
  const found: T[] = [];
  for (const one of value) {
    const checked = check(one);
    if (checked === null) return null;
    found.push(checked);
  }
  return found;
}
