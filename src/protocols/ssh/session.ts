/** One connection: the client's side, the host's side, and what goes between them. */
import type { Socket } from 'node:net';
import { reset } from '../../core/reset.ts';
import type { End, Session } from '../room.ts';
import { Back } from './authentication/back.ts';
import { Front } from './authentication/front.ts';
import { mediate } from './authentication/mediate.ts';
import type { Judge } from './connection/judge.ts';
import { Relay } from './connection/relay.ts';
import { SshError } from './errors.ts';
import { Link } from './link.ts';
import { Disconnect } from './numbers.ts';
import type { Outside } from './outside.ts';
import { PolicyJudge } from './policy-judge.ts';
import { TerminalRecordings } from './recorded/recorder.ts';
import { clientOffer, serverOffer } from './transport/algorithms.ts';
import type { HostKey } from './transport/host-key.ts';
import { Trust } from './trust.ts';
import { Wire } from './wire.ts';

/** As sshd's LoginGraceTime: until the host has taken the user. */
const LOGIN_MS = 120_000;
/** Until the host has said who it is: nobody has to be asked anything for that. */
const GREETING_MS = 30_000;
/** Characters of what a host says for the record. */
const MOST_WORDS = 500;

/**
 * Settles when both sockets are closed.
 * @param loginMs how long it may take until the host has taken the user
 * @param greetingMs of that, until the host has said who it is
 */
export async function serve(
  session: Session,
  outside: Outside,
  loginMs = LOGIN_MS,
  greetingMs = GREETING_MS,
): Promise<End> {
  session.client.on('error', () => {});
  session.onClose(() => reset(session.client));
  const [ownHostKeys] = await Promise.all([outside.ownHostKeys(), session.actions.ready()]);
  return new Conversation(session, outside, ownHostKeys, { loginMs, greetingMs }).run();
}

interface Limits {
  readonly loginMs: number;
  readonly greetingMs: number;
}

class Conversation {
  readonly #session: Session;
  readonly #outside: Outside;
  readonly #ownHostKeys: readonly HostKey[];
  readonly #clientWire: Wire;
  readonly #client: Link;
  readonly #front: Front;
  readonly #relay: Relay;
  readonly #judge: Judge;
  readonly #terminals: TerminalRecordings;
  readonly #limits: Limits;
  #host: Link | null = null;
  #hostWire: Wire | null = null;
  #back: Back | null = null;
  #trust: Trust | null = null;
  #connected = false;
  #over = false;
  #reason: string | null = null;
  #grace: NodeJS.Timeout | undefined;
  #open = 1;
  #closed: () => void = () => {};
  #abandonReach: (error: Error) => void = () => {};

  constructor(session: Session, outside: Outside, ownHostKeys: readonly HostKey[], limits: Limits) {
    this.#session = session;
    this.#outside = outside;
    this.#ownHostKeys = ownHostKeys;
    this.#limits = limits;
    this.#terminals = new TerminalRecordings({
      recordings: session.recordings,
      onRelief: () => {
        this.#client.resume();
        this.#host?.resume();
      },
      onFailure: (reason) => this.#fail(new Error(reason)),
    });
    const judge = new PolicyJudge(session.actions, {
      begin: (begun, terminal) => {
        const recorder = this.#terminals.begin(begun, terminal);
        // At once: the first that the host says would else be shown before there is a file.
        if (this.#terminals.mustWait()) this.#host?.pause();
        return recorder;
      },
      ready: () => this.#terminals.ready(),
    });
    this.#judge = judge;
    this.#front = new Front(
      (payload) => this.#client.transport.send(payload),
      () => this.#client.transport.ident,
    );
    this.#relay = new Relay({
      toClient: (payload) => this.#client.transport.send(payload),
      toHost: (payload) => this.#host?.transport.send(payload),
      onBroken: (error) => this.#broken('client', error),
      judge,
    });
    this.#clientWire = new Wire(session.client);
    this.#client = new Link(this.#clientWire, {
      role: 'server',
      offer: serverOffer(ownHostKeys.flatMap(({ algorithms }) => algorithms)),
      hostKeys: ownHostKeys,
      onMessage: (payload) => {
        if (this.#connected) this.#relay.fromClient(payload);
        else this.#front.take(payload);
      },
      onKeys: (first) => {
        if (first) this.#login().catch((error: Error) => this.#fail(error));
        else this.#host?.resume();
      },
      onDisconnect: (reason, description) => this.#clientLeft(reason, description),
      onError: (error) => this.#broken('client', error),
      onBroken: (error) => this.#broken('client', error),
      full: () => this.#connected && ((this.#host?.congested ?? false) || this.#terminals.mustWait()),
    });
  }

  async run(): Promise<End> {
    const { limitIdleMs } = this.#session;
    const client = this.#clientWire.socket;
    if (client.destroyed) return { bytesUp: 0, bytesDown: 0, reason: 'closed before the first byte' };
    const done = new Promise<void>((resolve) => {
      this.#closed = resolve;
    });
    this.#session.onClose(() => this.#reset(null));
    this.#tie(client, 'client');
    this.#grace = setTimeout(() => this.#fail(new Error('nobody logged in in time')), this.#limits.loginMs);
    if (limitIdleMs > 0)
      client.setTimeout(limitIdleMs, () => {
        this.#reason ??= `idle for ${limitIdleMs / 1000} s`;
        this.#leave(Disconnect.BY_APPLICATION, `Hopline: ${this.#reason}`);
      });
    this.#client.start();
    await done;
    clearTimeout(this.#grace);
    await this.#relay.end('the connection ended first');
    return {
      bytesUp: this.#hostWire?.socket.bytesWritten ?? 0,
      bytesDown: client.bytesWritten,
      reason: this.#reason,
    };
  }

  async #login(): Promise<void> {
    const { destination } = this.#session;
    const [user, trust, wire] = await Promise.all([
      this.#front.begin(),
      Trust.of(destination, this.#outside.hostKeys, this.#ownHostKeys),
      this.#dial(),
    ]);
    this.#trust = trust;
    const host = await this.#reach(wire, trust);
    if (this.#over) return;
    const hostKey = await trust.check(host.transport.hostKey, this.#front);
    if (this.#over || this.#back === null) return;
    const { account, authentication } = await mediate(this.#front, this.#back, user, this.#outside.auth);
    // In time for the client's first request, which cannot be read before this turn is over.
    this.#judge.begin(account, { authentication, hostKey });
  }

  async #dial(): Promise<Wire> {
    const given = await this.#session.dial().catch((error: Error) => {
      throw new SshError(Disconnect.CONNECTION_LOST, `not reached: ${error.message}`);
    });
    const wire = new Wire(given);
    if (wire.socket.destroyed) throw new SshError(Disconnect.CONNECTION_LOST, 'not reached: closed at once');
    this.#hostWire = wire;
    this.#open += 1;
    this.#tie(wire.socket, 'host');
    if (this.#over) reset(wire.socket);
    return wire;
  }

  /** Up to the end of the first key exchange. */
  #reach(wire: Wire, trust: Trust): Promise<Link> {
    const { agreed, theirs } = this.#client.transport.negotiated;
    const { address, port } = this.#session.destination;
    const { greetingMs } = this.#limits;
    const silent = `${address} port ${port} did not finish the key exchange within ${greetingMs / 1000} s`;
    const timer = setTimeout(() => this.#fail(new SshError(Disconnect.CONNECTION_LOST, silent)), greetingMs);
    return new Promise<Link>((resolve, reject) => {
      this.#abandonReach = reject;
      const host = new Link(wire, {
        role: 'client',
        offer: clientOffer(theirs, agreed, trust.algorithms),
        onMessage: (payload) => {
          if (this.#connected) this.#relay.fromHost(payload);
          else this.#back?.take(payload);
        },
        onKeys: (first) => {
          if (first) resolve(host);
          else this.#client.resume();
        },
        onSignatureAlgorithms: (names) => {
          if (this.#back !== null) this.#back.signatureAlgorithms = names;
        },
        onDisconnect: (reason, description) => this.#hostLeft(reason, description),
        onError: (error) => this.#broken('host', error),
        onBroken: (error) => this.#broken('host', error),
        full: () => this.#client.congested || this.#terminals.mustWait(),
      });
      this.#host = host;
      this.#back = new Back({
        send: (payload) => host.transport.send(payload),
        sessionId: () => host.transport.sessionId,
        onBanner: (text) => this.#front.banner(text),
        onSuccess: () => {
          // At once: what the host sends next has to come behind it.
          this.#front.success();
          this.#client.authenticated();
          host.authenticated();
          this.#connected = true;
          clearTimeout(this.#grace);
        },
      });
      host.start();
    }).finally(() => clearTimeout(timer));
  }

  #tie(socket: Socket, side: Side): void {
    socket.on('drain', () => this.#link(other(side))?.resume());
    socket.once('end', () => this.#ended(side));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (side === 'client' && !this.#over) this.#unfinished();
      // A client that closes before it has read all resets: PuTTY and paramiko leave so when they are done.
      const done = this.#over || (side === 'client' && this.#connected && this.#relay.idle);
      this.#reason ??= done ? null : `reset by the ${side} (${error.code ?? error.message})`;
      // The client is told which of the two it was.
      if (side === 'host' && !this.#over) this.#leave(Disconnect.CONNECTION_LOST, `Hopline: ${this.#reason}`);
      else this.#reset(this.#reason);
    });
    socket.once('close', () => {
      this.#ended(side);
      this.#open -= 1;
      if (this.#open === 0) this.#closed();
    });
  }

  #link(side: Side): Link | null {
    return side === 'client' ? this.#client : this.#host;
  }

  /** Neither side of SSH goes on when the other has closed. */
  #ended(side: Side): void {
    if (this.#over) return;
    if (side === 'host' && !this.#connected) this.#fail(new Error('the host closed the connection'));
    else {
      if (side === 'host') this.#reason ??= 'the host closed the connection';
      else this.#unfinished();
      this.#stop(new Error(`the ${side} closed the connection`));
      this.#client.close();
      this.#leaveHost();
    }
  }

  /** What the client says goodbye with is for the host. */
  #clientLeft(reason: number, description: string): void {
    if (this.#over) return;
    this.#unfinished();
    this.#stop(new Error('the client disconnected'));
    this.#leaveHost(reason, description);
    this.#client.close();
  }

  /** The client has gone: what was missing, where it was not let in. */
  #unfinished(): void {
    if (this.#connected) return;
    this.#reason ??=
      this.#trust?.asking ?? this.#back?.refusal ?? 'the client left before the login was done';
  }

  #hostLeft(reason: number, description: string): void {
    if (this.#over) return;
    this.#reason ??= `the host disconnected: ${description.slice(0, MOST_WORDS)}`;
    this.#leave(reason, description);
  }

  #broken(side: Side, error: Error): void {
    this.#reason ??= `the ${side}: ${error.message}`;
    const reason = error instanceof SshError ? error.reason : Disconnect.PROTOCOL_ERROR;
    this.#leave(reason, side === 'host' ? `Hopline: the host: ${error.message}` : error.message);
  }

  #fail(error: Error): void {
    if (this.#over) return;
    this.#reason ??= error.message;
    const known = error instanceof SshError;
    this.#leave(
      known ? error.reason : Disconnect.BY_APPLICATION,
      known && error.reason === Disconnect.HOST_KEY_NOT_VERIFIABLE
        ? error.message
        : `Hopline: ${error.message}`,
    );
  }

  #leave(reason: number, description: string): void {
    if (this.#over) return;
    this.#stop(new Error(description));
    this.#client.leave(reason, description);
    this.#leaveHost();
  }

  #leaveHost(reason: number = Disconnect.BY_APPLICATION, description = ''): void {
    if (this.#host !== null) this.#host.leave(reason, description);
    else if (this.#hostWire !== null) reset(this.#hostWire.socket);
  }

  #stop(error: Error): void {
    this.#over = true;
    this.#relay.withdraw(error.message);
    this.#abandonReach(error);
    this.#front.close(error);
    this.#back?.close(error);
  }

  #reset(reason: string | null): void {
    this.#reason ??= reason;
    this.#stop(new Error(reason ?? 'ended from above'));
    this.#client.transport.close();
    this.#host?.transport.close();
    reset(this.#clientWire.socket);
    if (this.#hostWire !== null) reset(this.#hostWire.socket);
  }
}

type Side = 'client' | 'host';

const other = (side: Side): Side => (side === 'client' ? 'host' : 'client');
