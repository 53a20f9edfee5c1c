/**
 * `type`: no message of this direction has that type byte. `length`: a length that the type cannot have. `too_long`:
 * longer than what may be kept whole. `waiting`: more came while paused than may be kept. `version`: another
 * major version of the protocol. `order`: a request that may not come now. `malformed`: see DecodeError.
 */
export type ProtocolErrorCode =
  | 'type'
  | 'length'
  | 'too_long'
  | 'waiting'
  | 'version'
  | 'order'
  | 'malformed';

/**
 * The peer does not speak the protocol, and where its next message begins is unknown: the connection cannot go on.
 * The text says what was wrong and never quotes what the peer sent, which may be a password.
 */
export class ProtocolError extends Error {
  override readonly name: string = 'ProtocolError';
  readonly code: ProtocolErrorCode;
  /** The specification's name of the message, or its type byte as `0x7a`. */
  readonly type: string;

  constructor(code: ProtocolErrorCode, type: string, message: string) {
    super(`${type}: ${message}`);
    this.code = code;
    this.type = type;
  }
}

/** A message of a valid length whose contents are not what its type has. */
export class DecodeError extends ProtocolError {
  override readonly name = 'DecodeError';

  constructor(type: string, message: string) {
    super('malformed', type, message);
  }
}
