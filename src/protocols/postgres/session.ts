/** One connection: the client's startup, then messages both ways until either side ends it. */
import type { Socket } from 'node:net';
import { isLoopback } from '../../core/loopback.ts';
import { reset } from '../../core/reset.ts';
import type { End, Session } from '../room.ts';
import type { SessionFacts } from './actions.ts';
import { admit, RefusedError } from './admission.ts';
import { type Arrived, arrive } from './arrive.ts';
import { Asking } from './asking.ts';
import { AuthenticationError, LoginError } from './auth/errors.ts';
import { heldLogin } from './auth/injected.ts';
import { AuthenticationRelay, type Relayed } from './auth/relay.ts';
import { Answers } from './awaited.ts';
import { BackendHandler } from './backend.ts';
import { cancel, cancelKeyOf } from './cancel.ts';
import { CONNECTION_FAILURE, fatal, INSUFFICIENT_PRIVILEGE, INSUFFICIENT_RESOURCES } from './deny.ts';
import { encode } from './encode.ts';
import { errorResponse, noticeResponse } from './encode-backend.ts';
import { type ErrorReport, errorFields } from './error-fields.ts';
import { ProtocolError } from './errors.ts';
import { Framer } from './frame.ts';
import { FrontendHandler } from './frontend.ts';
import { backendLimits, frontendLimits } from './limits.ts';
import { MaskingError } from './masked/rows.ts';
import { SessionMasking } from './masked/session.ts';
import type { StartupMessage } from './messages.ts';
import { Outlet } from './outlet.ts';
import { OwnQueries } from './own-queries.ts';
import { type Reached, reach } from './reach.ts';
import { RecordingError, RowRecorder } from './recorded/recorder.ts';
import { Analyser, loadParser } from './sql/index.ts';
import { startupParameter } from './startup.ts';
import { Statements } from './statements.ts';

const FRONTEND = frontendLimits();
const BACKEND = backendLimits();
/** protocol_violation (appendix A). */
const PROTOCOL_VIOLATION = '08P01';
/** So much of what a client sends while it waits is read, in order to hear that it leaves. */
const LISTENED = 256 * 1024;
/** A client that was told why gets so long to take it. */
const CLOSING_MS = 5_000;
/** A message of the server that is under way gets so long to be over, with a client that takes it slowly. */
const LAST_WORDS_MS = 10_000;

let analyser: Analyser | null = null;

export async function serve(session: Session): Promise<End> {
  const { client } = session;
  client.on('error', () => {});
  let reaching: Promise<Reached> | null = null;
  const reachOnce = (): Promise<Reached> => {
    reaching ??= reach(session);
    return reaching;
  };
  session.onClose(() => reset(client));
  let speaking: Socket = client;
  try {
    const arrived = await arrive(session, reachOnce);
    if (arrived === null)
      return await leave(client, reaching, 'the client went away before it said who it is');
    speaking = arrived.stream;
    await session.actions.ready();
    if (arrived.packet.name === 'CancelRequest') {
      const end = await cancel(session, arrived.bytes, arrived.packet, reachOnce);
      forget(reaching);
      return end;
    }
    const message = arrived.packet as StartupMessage;
    using login = await heldLogin(session, message, reachOnce);
    const facts = sessionFacts(message, login?.user ?? null);
    admit(session.actions, message, facts);
    await loadParser();
    analyser ??= new Analyser();
    const reached = await reachOnce();
    if (login === null) reached.stream.write(arrived.bytes);
    else await login.authenticate(reached, arrived.stream);
    return await new Conversation(session, facts, arrived, reached).run(arrived.rest);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const code =
      error instanceof ProtocolError
        ? PROTOCOL_VIOLATION
        : error instanceof RefusedError
          ? INSUFFICIENT_PRIVILEGE
          : CONNECTION_FAILURE;
    const told = error instanceof AuthenticationError || error instanceof LoginError;
    const report = told ? error.report : fatal(code, error.message);
    if (speaking.writable) speaking.write(encode(errorResponse, errorFields(report)));
    speaking.end();
    return leave(client, reaching, error.message);
  }
}

/** @param held who is logged in as in place of whom the client asks for; null: nobody */
function sessionFacts(message: StartupMessage, held: string | null): SessionFacts {
  const asked = startupParameter(message, 'user')?.toString('utf8') ?? '';
  const database = startupParameter(message, 'database')?.toString('utf8') ?? asked;
  return { database, role: held ?? asked };
}

/** What was begun with the server is of no use any more. */
async function leave(client: Socket, reaching: Promise<Reached> | null, reason: string): Promise<End> {
  client.end();
  client.resume();
  forget(reaching);
  return { bytesUp: 0, bytesDown: client.bytesWritten, reason };
}

function forget(reaching: Promise<Reached> | null): void {
  reaching?.then(
    ({ socket }) => socket.destroy(),
    () => {},
  );
}

class Conversation {
  readonly #session: Session;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #toClient: Outlet;
  readonly #toServer: Outlet;
  /** To be reset by: below TLS, where there is TLS. */
  readonly #serverSocket: Socket;
  readonly #rows: RowRecorder;
  readonly #statements: Statements;
  readonly #backend: BackendHandler;
  readonly #fromClient: Framer;
  readonly #fromServer: Framer;
  readonly #relay: AuthenticationRelay;
  readonly #holds = new Map<Framer, number>();
  #reason: string | null = null;
  #parting = false;
  /** Either side is gone: nobody waits for a person's answer any more. */
  readonly #gone = new AbortController();
  #cancelKey: string | null = null;
  /** A person is to answer: the client is listened to, in case that it leaves. */
  #waits = false;
  /** What is to be said to the client between two messages of the server's. */
  #notices: ErrorReport[] = [];

  constructor(session: Session, facts: SessionFacts, arrived: Arrived, reached: Reached) {
    this.#session = session;
    this.#client = arrived.stream;
    this.#server = reached.stream;
    this.#serverSocket = reached.socket;
    this.#toClient = new Outlet(this.#client);
    this.#toServer = new Outlet(this.#server);
    const answers = new Answers();
    const toServer = (bytes: Buffer): void => this.#toServer.write(bytes);
    const rows = new RowRecorder({
      recordings: session.recordings,
      encoding: () => this.#backend.encoding,
      onWait: () => this.#server.pause(),
      onRelief: () => this.#flow(this.#server, this.#client, this.#fromServer),
      onFailure: (error) => this.#unrecorded(error),
    });
    const masking = this.#masking(facts, answers, toServer);
    const statements = new Statements(session.actions, facts, masking, rows);
    const backend = new BackendHandler({
      answers,
      statements,
      rows,
      toClient: (bytes) => this.#toClient.write(bytes),
      onAuthentication: (bytes) =>
        this.#ask(this.#fromServer, this.#server, this.#relay.fromServer(Buffer.from(bytes))),
      onKey: (key) => {
        this.#cancelKey = cancelKeyOf(key);
      },
      onFatal: ({ code, message: said }) => {
        this.#reason ??= `the server ended it: ${said} (${code})`;
      },
    });
    const frontend = new FrontendHandler({
      answers,
      statements,
      analyse: (sql, sure) =>
        (analyser as Analyser).analyse(sql, {
          standardConformingStrings: sure && backend.standardConformingStrings,
        }),
      encoding: () => backend.encoding,
      toServer,
      onAnswer: (bytes) =>
        this.#ask(this.#fromClient, this.#client, this.#relay.fromClient(Buffer.from(bytes))),
      hold: (work) => this.#hold(this.#fromClient, this.#client, this.#server, work),
      wait: (work) => this.#wait(work),
      asking: new Asking({
        ...{ actions: session.actions, statements, gone: this.#gone.signal },
        notice: (report) => this.#notice(report),
        cancelKey: () => this.#cancelKey,
      }),
    });
    this.#rows = rows;
    this.#statements = statements;
    this.#backend = backend;
    this.#fromClient = new Framer(frontend, FRONTEND);
    this.#fromServer = new Framer(backend, BACKEND);
    this.#relay = new AuthenticationRelay({
      client: { tls: arrived.tls },
      server: { tls: reached.tls, local: isLoopback(session.destination.address) },
      user: facts.role,
      whenBound: 'ask',
    });
  }

  /** @param rest what the client had sent behind its startup packet */
  run(rest: Buffer): Promise<End> {
    const [client, server] = [this.#client, this.#server];
    return new Promise((resolve) => {
      let open = 2;
      const closed = (): void => {
        open -= 1;
        if (open > 0) return;
        this.#statements.endAll('the connection ended first');
        resolve({ bytesUp: server.bytesWritten, bytesDown: client.bytesWritten, reason: this.#reason });
      };
      this.#session.onClose(() => this.#reset(null));
      this.#join(client, server, this.#fromClient, 'client', closed);
      this.#join(server, client, this.#fromServer, 'server', closed);
      const { limitIdleMs } = this.#session;
      client.on('timeout', () => this.#reset(`idle for ${limitIdleMs / 1000} s`));
      client.setTimeout(limitIdleMs);
      if (rest.length > 0) this.#take(client, server, this.#fromClient, rest);
      if (!this.#fromClient.paused) client.resume();
      this.#flow(server, client, this.#fromServer);
    });
  }

  #join(from: Socket, to: Socket, framer: Framer, name: 'client' | 'server', closed: () => void): void {
    from.setNoDelay(true);
    from.on('data', (chunk) => this.#take(from, to, framer, chunk));
    to.on('drain', () => this.#flow(from, to, framer));
    from.once('end', () => {
      this.#gone.abort(`the ${name} went away`);
      this.#outlet(to).end();
    });
    from.on('error', (error: NodeJS.ErrnoException) =>
      this.#reset(`reset by the ${name} (${error.code ?? error.message})`),
    );
    from.once('close', () => {
      this.#gone.abort(`the ${name} went away`);
      this.#outlet(to).end();
      closed();
    });
  }

  #take(from: Socket, to: Socket, framer: Framer, chunk: Buffer): void {
    if (to.destroyed) return;
    const out = this.#outlet(to);
    const release = (): void => {
      out.release();
      if (this.#parting) return;
      if (this.#notices.length > 0) this.#tell();
      if (this.#stops(from, to, framer)) from.pause();
    };
    out.hold();
    try {
      // What a client sends is on record before it leaves.
      if (from === this.#client) this.#session.actions.together(() => framer.push(chunk), release);
      else {
        framer.push(chunk);
        release();
      }
    } catch (error) {
      out.release();
      this.#broken(error);
    }
  }

  #outlet(to: Socket): Outlet {
    return to === this.#client ? this.#toClient : this.#toServer;
  }

  /** Reads on, where nothing is in the way. */
  #flow(from: Socket, to: Socket, framer: Framer): void {
    // To read from TLS below which the socket was reset is an error, which would reset the client before it is told.
    if (!this.#parting && !this.#stops(from, to, framer)) from.resume();
  }

  #stops(from: Socket, to: Socket, framer: Framer): boolean {
    const listens = this.#waits && framer === this.#fromClient && framer.kept < LISTENED;
    if ((framer.paused && !listens) || to.writableNeedDrain) return true;
    return from === this.#server && this.#rows.mustWait();
  }

  #notice(report: ErrorReport): void {
    this.#notices.push(report);
    this.#tell();
  }

  #tell(): void {
    if (!this.#fromServer.boundary || !this.#client.writable) return;
    for (const report of this.#notices.splice(0))
      this.#toClient.write(encode(noticeResponse, errorFields(report, this.#backend.encoding)));
  }

  /** Null: nothing is masked for this person here. */
  #masking(facts: SessionFacts, answers: Answers, toServer: (bytes: Buffer) => void): SessionMasking | null {
    const { actions, destination } = this.#session;
    const masking = actions.masking();
    if (masking === null) return null;
    const own = new OwnQueries({ answers, encoding: () => this.#backend.encoding, toServer });
    return new SessionMasking({
      ...{ masking, answers, session: facts },
      database: JSON.stringify([destination.address, destination.port, facts.database]),
      ask: (sql) => own.ask(sql),
      status: () => this.#backend.status,
      encoding: () => this.#backend.encoding.name,
    });
  }

  /** One step of the authentication: what follows it waits. */
  #ask(framer: Framer, from: Socket, step: Promise<Relayed>): void {
    const sent = step.then(({ toClient, toServer }) => {
      if (toClient !== null) this.#toClient.write(toClient);
      if (toServer !== null) this.#toServer.write(toServer);
    });
    this.#hold(framer, from, from === this.#server ? this.#client : this.#server, sent);
  }

  /** What follows waits until a person has answered, which is no idleness. */
  #wait(work: Promise<void>): void {
    this.#waits = true;
    this.#client.setTimeout(0);
    const over = work.finally(() => {
      this.#waits = false;
      this.#client.setTimeout(this.#session.limitIdleMs);
    });
    this.#hold(this.#fromClient, this.#client, this.#server, over);
    this.#client.resume();
  }

  /** What follows waits until that is done, and whatever else it is held by. */
  #hold(framer: Framer, from: Socket, to: Socket, work: Promise<void>): void {
    this.#holds.set(framer, (this.#holds.get(framer) ?? 0) + 1);
    framer.pause();
    work
      .then(() => {
        const left = (this.#holds.get(framer) ?? 1) - 1;
        this.#holds.set(framer, left);
        if (left > 0) return;
        framer.resume();
        this.#flow(from, to, framer);
      })
      .catch((error: unknown) => this.#broken(error));
  }

  /** In the midst of a message nothing can be said to the client: it is when that is over, which may be never. */
  #unrecorded(error: RecordingError): void {
    this.#fromClient.pause();
    if (this.#fromServer.boundary) this.#broken(error);
    else setTimeout(() => this.#broken(error), LAST_WORDS_MS).unref();
  }

  /** What follows can't be told from anything: the client is told, where it still understands, and both are let go. */
  #broken(error: unknown): void {
    const expected = error instanceof ProtocolError || error instanceof AuthenticationError;
    const why = error instanceof Error ? error.message : String(error);
    const own = error instanceof MaskingError || error instanceof RecordingError;
    this.#reason ??= expected ? `broke the protocol: ${why}` : own ? why : `failed: ${why}`;
    const code =
      error instanceof MaskingError
        ? INSUFFICIENT_PRIVILEGE
        : error instanceof RecordingError
          ? INSUFFICIENT_RESOURCES
          : PROTOCOL_VIOLATION;
    const report = error instanceof AuthenticationError ? error.report : fatal(code, why);
    this.#gone.abort(why);
    this.#parting = true;
    // Nothing more of either side is looked at.
    this.#client.removeAllListeners('data').resume();
    this.#server.removeAllListeners('data');
    this.#toClient.flush();
    if (this.#fromServer.boundary && this.#client.writable)
      this.#client.write(encode(errorResponse, errorFields(report)));
    this.#client.end();
    reset(this.#serverSocket);
    setTimeout(() => reset(this.#session.client), CLOSING_MS).unref();
  }

  #reset(reason: string | null): void {
    this.#reason ??= reason;
    this.#gone.abort(this.#reason ?? 'the connection was reset');
    reset(this.#session.client);
    reset(this.#serverSocket);
  }
}
