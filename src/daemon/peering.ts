/** This host in its fleet: joins it, knows the others, asks them. */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { FleetCa } from '../authority/fleet-ca.ts';
import type { AuthorityKey } from '../authority/ssh-ca.ts';
import type { Config } from '../config/types.ts';
import type { Endpoint, Micros, Notice } from '../core/types.ts';
import type { KnownPeer } from '../identity/resolve.ts';
import type { HopPeer } from '../kernel/hop-option.ts';
import { PeerError } from '../peers/connection.ts';
import type { FleetConfig } from '../peers/messages.ts';
import { optionKey } from '../peers/option-key.ts';
import { ownAddresses } from '../peers/own-addresses.ts';
import { PeersProcess } from '../peers/process.ts';
import type { Hello, Join, Joined, Method, Params, Request, Result } from '../peers/protocol.ts';
import { FleetError, FleetState, type KnownMember, readToken } from '../peers/state.ts';
import { workerAccount } from './account.ts';
import { type Fault, Faults } from './faults.ts';

export interface PeeringOptions {
  /** Path of peers.ts. */
  readonly entry: string;
  readonly config: Config;
  readonly log: Logger;
  notice(notice: Omit<Notice, 'id'>): void;
  now(): Micros;
  /** The keys that certify who this host brings. */
  authorities(): readonly AuthorityKey[];
  /** A connection of the process for peers leaves the host. */
  onDialing(source: Endpoint, destination: Endpoint): void;
  /** Answers what a member asks. @throws Error whose message it is told */
  onAsked(host: string, request: Request): Promise<unknown>;
  onUp(host: string): void;
  /** Whoever has an address of these is sent the SYN option. @throws Error where the kernel does not take it */
  setOptionPeers(peers: readonly HopPeer[]): void;
}

/** As `hopline peer list` shows a host. */
export interface PeerState {
  readonly host: string;
  readonly endpoint: Endpoint | null;
  readonly addresses: readonly string[];
  /** Null: it is connected. */
  readonly down: string | null;
  readonly since: Micros | null;
}

export class Peering {
  readonly state: FleetState;
  readonly #options: PeeringOptions;
  readonly #process: PeersProcess;
  readonly #connection = new Map<string, { down: string | null; since: Micros }>();
  readonly #faults: Faults;
  /** Of their own: strangers must not keep this host's from being told. */
  readonly #strangers: Faults;
  #config: Config;

  /** @throws Error where what is kept of the fleet is not readable */
  constructor(options: PeeringOptions) {
    this.#options = options;
    this.#config = options.config;
    const tell = (fault: Fault) => options.notice({ ...fault, kind: 'peer', login: null });
    this.#faults = new Faults({ now: options.now, tell });
    this.#strangers = new Faults({ now: options.now, tell });
    this.state = new FleetState(join(options.config.paths.state, 'fleet'));
    this.#process = new PeersProcess({
      entry: options.entry,
      account: workerAccount(options.config.proxy.user),
      onUp: (host, hello) => this.#up(host, hello),
      onDown: (host, reason) => this.#down(host, reason),
      onAsked: (host, request) => this.#asked(host, request),
      onDialing: options.onDialing,
      onGone: (how) => this.#gone(how),
      onFault: (message) => this.#fault(message),
      onTrouble: (message) => this.#trouble(message),
    });
  }

  /** A host in no fleet has no process for it, and listens nowhere. */
  start(): void {
    if (!this.state.joined) return;
    this.#signTowards();
    this.#process.configure(this.#fleetConfig());
  }

  stop(): Promise<void> {
    this.#faults.settle();
    this.#strangers.settle();
    return this.#process.stop();
  }

  replace(config: Config): void {
    const changed = !isDeepStrictEqual(config.peering, this.#config.peering);
    this.#config = config;
    if (changed) this.start();
  }

  /** Whose word on who comes from them is taken: configured, or as they say themselves. */
  get authorities(): readonly KnownPeer[] {
    const configured = this.#config.peers.flatMap(({ host, ca }) => (ca === undefined ? [] : [{ host, ca }]));
    const told = this.state.members.flatMap(({ host, hello }) =>
      (hello?.authorities ?? []).map((ca) => ({ host, ca })),
    );
    return [...configured, ...told];
  }

  list(): PeerState[] {
    return this.state.members.map(({ host, endpoint, hello }) => {
      const { down = 'it is not connected yet', since = null } = this.#connection.get(host) ?? {};
      return { host, endpoint, addresses: hello?.addresses ?? [], down, since };
    });
  }

  /** Whether it connects from addresses that are not its own. */
  natOf(host: string): boolean {
    return this.#config.peers.some((peer) => peer.host === host && peer.nat);
  }

  /** Which member has this address; null where none has, or several say so. */
  ownerOf(address: string): KnownMember | null {
    const [owner, ...others] = this.state.members.filter(({ hello }) => hello?.addresses.includes(address));
    return owner === undefined || others.length > 0 ? null : owner;
  }

  /** Who can have made a MAC for this host, with the key that it has for that. */
  signers(): readonly { readonly host: string; readonly key: Buffer }[] {
    const secret = this.state.optionSecret();
    return this.state.members.map(({ host }) => ({ host, key: optionKey(secret, host) }));
  }

  /** @throws PeerError */
  ask<M extends Method>(host: string, method: M, params: Params<M>): Promise<Result<M>> {
    if (!this.state.joined) return Promise.reject(new PeerError('this host is in no fleet'));
    return this.#process.ask(host, method, params);
  }

  /** Makes the fleet where there is none. @throws FleetError, Error */
  async invite(
    host: string,
    by: string,
  ): Promise<{ token: string; expires: number; endpoint: Endpoint | null }> {
    const { config, log } = this.#options;
    if (host === config.host) throw new FleetError(`${host} is this host`);
    if (this.state.joined && !this.state.founded)
      throw new FleetError('hosts are invited where the fleet was made: its authority is not on this host');
    const ca = await this.#authority();
    if (!this.state.joined) {
      const { pem, spki } = this.state.newKey();
      const certificate = await ca.issue(config.host, spki);
      this.state.adopt({ key: pem, certificate, ca: ca.certificate }, []);
      log.info({ fingerprint: ca.fingerprint }, 'this host makes a fleet');
    }
    const { token, expires } = this.state.invite(host, ca.fingerprint);
    this.#note(`${by} invited ${host}`);
    this.start();
    if (this.#config.peering.listen !== null) await this.#process.listening();
    return { token, expires, endpoint: this.#advertised() };
  }

  /** @throws FleetError, PeerError */
  async join(to: Endpoint, token: string, by: string): Promise<string> {
    const { host } = this.#options.config;
    const { fingerprint, secret } = readToken(token);
    if (this.state.joined)
      throw new FleetError('this host is in a fleet already: hopline peer leave takes it out');
    const { pem, spki } = this.state.newKey();
    const params = { host, secret, key: spki.toString('base64') };
    const { ca, joined } = await this.#process.join(to, fingerprint, params);
    this.state.adopt({ key: pem, certificate: joined.certificate, ca }, joined.members);
    this.#note(`${by} joined the fleet of ${joined.members[0]?.host ?? 'another host'}`);
    this.start();
    return joined.members[0]?.host ?? '';
  }

  /** @throws FleetError */
  remove(host: string, by: string): void {
    if (!this.state.remove(host)) throw new FleetError(`${host} is not in the fleet, and was not invited`);
    this.#connection.delete(host);
    this.#note(`${by} put ${host} out of the fleet`);
    this.start();
  }

  /** @throws FleetError */
  async leave(by: string): Promise<void> {
    if (!this.state.joined) throw new FleetError('this host is in no fleet');
    this.state.leave();
    this.#connection.clear();
    this.#options.setOptionPeers([]);
    await this.#process.stop();
    this.#note(`${by} took this host out of its fleet`);
  }

  async #asked(host: string | null, request: Request): Promise<unknown> {
    if (host !== null) return this.#options.onAsked(host, request);
    if (request.method !== 'join') throw new FleetError('a certificate of the fleet is needed for that');
    return this.#admit(request.params);
  }

  async #admit({ host, secret, key }: Join): Promise<Joined> {
    const { config } = this.#options;
    if (!this.state.founded) throw new FleetError('hosts are admitted where the fleet was made');
    // Threat: anybody may ask. What costs something is for who has been invited; what fails then has spent nothing.
    try {
      this.state.invitation(host, secret);
    } catch (error) {
      this.#trouble(`a host that calls itself ${host} was not let in: ${(error as Error).message}`);
      throw error;
    }
    const ca = await this.#authority();
    const certificate = await ca.issue(host, Buffer.from(key, 'base64'));
    this.state.spend(host, secret);
    this.state.know({ host, endpoint: null });
    this.#note(`${host} joined, as it was invited to`);
    const others = this.state.members.filter((member) => member.host !== host);
    const known = others.map(({ host: name, endpoint }) => ({ host: name, endpoint }));
    return { certificate, members: [{ host: config.host, endpoint: this.#advertised() }, ...known] };
  }

  /** Loaded when somebody is invited or joins: what makes certificates is large. */
  async #authority(): Promise<FleetCa> {
    const { openFleetCa } = await import('../authority/fleet-ca.ts');
    return openFleetCa(this.state.authority, this.#options.config.host);
  }

  #up(host: string, hello: Hello): void {
    this.state.learn(hello);
    for (const member of hello.members)
      if (member.host !== this.#options.config.host) this.state.know(member);
    const before = this.#connection.get(host);
    this.#connection.set(host, { down: null, since: this.#options.now() });
    this.#signTowards();
    if (before?.down === null) return;
    this.#note(before === undefined ? `${host} is connected` : `${host} is connected again`);
    this.#options.onUp(host);
  }

  #down(host: string, reason: string): void {
    const before = this.#connection.get(host);
    if (before?.down === null) this.#note(`${host} is not connected any more: ${reason}`);
    const since = before === undefined || before.down === null ? this.#options.now() : before.since;
    this.#connection.set(host, { down: reason, since });
  }

  #gone(how: string): void {
    for (const [host, { down }] of this.#connection) if (down === null) this.#down(host, how);
    this.#fault(how);
  }

  /** Addresses that this host has itself, or that two say they have, are nobody's. */
  #signTowards(): void {
    const own = new Set([...ownAddresses(), ...(this.#config.peering.addresses ?? [])]);
    const { synOption } = this.#config.peering;
    const peers = this.state.members.flatMap(({ host, hello }) => {
      if (!synOption || hello === null || hello.optionKey === '') return [];
      const addresses = hello.addresses.filter(
        (address) => !own.has(address) && this.ownerOf(address)?.host === host,
      );
      const key = Buffer.from(hello.optionKey, 'base64');
      return addresses.length > 0 && key.length === 16 ? [{ addresses, key }] : [];
    });
    try {
      this.#options.setOptionPeers(peers);
    } catch (error) {
      this.#fault(`the SYN option is not sent to all hosts: ${(error as Error).message}`);
    }
  }

  #advertised(): Endpoint | null {
    const { listen, advertise } = this.#config.peering;
    if (advertise !== undefined) return advertise;
    const anywhere = listen?.address === '0.0.0.0' || listen?.address === '::';
    return anywhere ? null : listen;
  }

  #fleetConfig(): FleetConfig {
    const { peering, host } = this.#config;
    return {
      ...{ host, listen: peering.listen, advertised: this.#advertised(), addresses: peering.addresses },
      ...this.state.credentials(),
      authorities: this.#options.authorities().map(({ fingerprint }) => fingerprint),
      optionSecret: peering.synOption ? this.state.optionSecret().toString('base64') : '',
      members: this.state.members.map((member) => ({ host: member.host, endpoint: member.endpoint })),
      removed: this.state.removed,
    };
  }

  #note(detail: string): void {
    this.#options.notice({ at: this.#options.now(), kind: 'peer', login: null, count: 1, detail });
    this.#options.log.info(detail);
  }

  #trouble(message: string): void {
    if (this.#strangers.fault(message)) this.#options.log.warn(message);
  }

  #fault(message: string): void {
    if (this.#faults.fault(message)) this.#options.log.warn(message);
  }
}
