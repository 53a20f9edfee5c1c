/** What the room wants to know of a channel's bytes, and may change of them. */

/** Told of everything that passes; changes nothing. Views, good until the call returns. */
export interface Recorder {
  input(data: Buffer): void;
  output(data: Buffer, stream: 'stdout' | 'stderr'): void;
  /** Columns and rows. */
  resize(columns: number, rows: number): void;
  /** Nothing more comes. */
  end(): void;
}

/** A channel that is under way as an action. */
export interface Watch {
  readonly recorder: Recorder | null;
  /** Takes what the client sends in the host's place; null: it passes. */
  readonly filter: Filter | null;
  /** The channel is closed. */
  end(result: Readonly<Record<string, unknown>>): void;
}

/** Reads a channel's protocol, lets through what may be, answers what may not. */
export interface Filter {
  /** @throws Error where the protocol is broken */
  fromClient(data: Buffer): void;
  fromHost(data: Buffer): void;
  end(): void;
}
