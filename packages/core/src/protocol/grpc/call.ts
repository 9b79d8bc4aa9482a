/** What an RPC sees of a call, whichever transport carries it. */
import type { GrpcStatus } from './error-handler.ts';

/** Metadata that came with a call. Keys are in lower case. */
export interface CallMetadata {
  /** All text values of a key; none when it is absent. */
  get(key: string): readonly string[];
  /** Keys with their first text value. Binary metadata (`-bin`) is left out. */
  entries(): Iterable<readonly [key: string, value: string]>;
}

interface Call {
  readonly metadata: CallMetadata;
  /**
   * Sets what is called once when the call is over: answered, failed, cancelled by the client, past its deadline, or
   * its connection lost.
   */
  onClose(listener: () => void): void;
  /** Ends the call with an error. Without effect when it is over. */
  fail(status: GrpcStatus): void;
}

/** A call with one request. */
export interface UnaryCall extends Call {
  /** The message, unpacked. */
  readonly request: Buffer;
  /** Ends the call with its one response. Without effect when it is over. */
  answer(message: Buffer): void;
}

/** What a stream tells of its requests. */
export interface StreamReader {
  onMessage(message: Buffer): void;
  /** The client sends no more requests; it still reads. */
  onHalfClose(): void;
}

/** A call with any number of responses, and of requests. */
export interface StreamCall extends Call {
  /** Begins to read; requests that came earlier have waited. */
  read(reader: StreamReader): void;
  /** Takes no further requests until `resume`; one that is already unpacked may still come. */
  pause(): void;
  resume(): void;
  /** @returns Whether the client keeps up; if not, `onDrain` says when more may be sent. */
  write(message: Buffer): boolean;
  /** Sets what is called whenever all that was written has left. */
  onDrain(listener: () => void): void;
  /**
   * Calls back, once, when the client has taken nothing of what was written for so many milliseconds; 0 ends that.
   *
   * @param listener - The same one each time.
   */
  watchStall(timeoutMs: number, listener: () => void): void;
  /** Ends the call at once, without a status; what was written and not taken is lost. Without effect when it is over. */
  reset(): void;
  /** Ends the call with status OK, after all that was written. */
  end(): void;
}
