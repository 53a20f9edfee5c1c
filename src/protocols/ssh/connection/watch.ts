/** What the room wants to know of a channel's bytes, and may change of them. */

/** Told of everything that passes; changes nothing. Views, good until the call returns. */
export interface Recorder {
  input(data: Buffer): void;
  output(data: Buffer, stream: 'stdout' | 'stderr'): void;
  resize(columns: number, rows: number): void;
  /** Nothing more comes. @returns what the record of the action has to say of it */
  end(): Readonly<Record<string, unknown>>;
}

/** A channel that is under way as an action. */
export interface Watch {
  readonly recorder: Recorder | null;
  /** Makes who takes what the client sends, in the host's place; null: it passes. */
  readonly filter: ((ends: FilterEnds) => Filter) | null;
  /** The channel is closed. */
  end(result: Readonly<Record<string, unknown>>): void;
}

/** What a filter can do with its channel. */
export interface FilterEnds {
  /** Goes on to the host. */
  toHost(data: Buffer): void;
  /** To the client in the host's place, when that is ready for it. */
  interject(data: Buffer, ready: () => boolean): void;
  /** To the person, in the host's place. */
  stderr(text: string): void;
  /** What was interjected and had to wait is looked at again. */
  flush(): void;
  /** So many bytes of the client will not reach the host: the client may send as many more. */
  credit(bytes: number): void;
  /** What the client had sent while it waited breaks the protocol. */
  broken(error: Error): void;
}

/** Reads a channel's protocol, lets through what may be, answers what may not. */
export interface Filter {
  /** @throws Error where the protocol is broken */
  fromClient(data: Buffer): void;
  /** It has been passed on. */
  fromHost(data: Buffer): void;
  /** The client sends nothing more. @param pass tells the host: when all that came before is there */
  clientEof(pass: () => void): void;
  /** Nobody waits for what is held any more. */
  withdraw(why: string): void;
  /** Nothing more comes. @returns when all of it is on record */
  end(): Promise<void>;
}
