/** What ends a connection: a peer that broke the protocol, or one with which there is no agreement. */
export class SshError extends Error {
  override readonly name = 'SshError';
  /** A reason of SSH_MSG_DISCONNECT. */
  readonly reason: number;

  constructor(reason: number, message: string) {
    super(message);
    this.reason = reason;
  }
}
