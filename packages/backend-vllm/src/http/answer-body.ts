/** Finds the end of a body, and what of the bytes on a connection is the body's. */
export interface AnswerBody {
  /**
   * The body's part of what was read. The bytes may be moved within `bytes`.
   *
   * @throws BadAnswerError when they can't be a body.
   */
  take(bytes: Buffer): Buffer;
  /** Of the bytes given last, those that come after the body. */
  readonly surplus: number;
  readonly isDone: boolean;
}
