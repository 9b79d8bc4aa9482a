/** There was no connection: nothing has reached the engine. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  /** The system's, where it has one: `ECONNREFUSED`, `ENOTFOUND`, … */
  readonly code: string | undefined;

  constructor(message: string, cause?: Error) {
    super(message, { cause });
    this.code = cause !== undefined && 'code' in cause ? String(cause.code) : undefined;
  }
}
