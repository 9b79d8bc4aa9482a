/** Calls of `@grpc/grpc-js` as the RPCs see them. */
import { Metadata, type sendUnaryData, type ServerDuplexStream, type ServerUnaryCall } from '@grpc/grpc-js';
import type { CallMetadata, StreamCall, StreamReader, UnaryCall } from '../call.ts';
import type { GrpcStatus } from '../error-handler.ts';
import { resetStream } from './stream-resets.ts';

class GrpcJsMetadata implements CallMetadata {
  readonly #metadata: Metadata;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
  }

  get(key: string): readonly string[] {
    return this.#metadata.get(key).filter((value) => typeof value === 'string');
  }

  *entries(): Generator<readonly [string, string]> {
    for (const [key, value] of Object.entries(this.#metadata.getMap())) {
      if (typeof value === 'string') yield [key, value];
    }
  }
}

export class GrpcJsUnaryCall implements UnaryCall {
  readonly metadata: CallMetadata;
  readonly request: Buffer;
  readonly #call: ServerUnaryCall<Buffer, Buffer>;
  readonly #callback: sendUnaryData<Buffer>;

  constructor(call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) {
    this.metadata = new GrpcJsMetadata(call.metadata);
    this.request = call.request;
    this.#call = call;
    this.#callback = callback;
  }

  onClose(listener: () => void): void {
    // Comes for cancellation, deadline and lost connection, and after every answer, too.
    this.#call.on('cancelled', listener);
  }

  answer(message: Buffer): void {
    this.#callback(null, message);
  }

  fail(status: GrpcStatus): void {
    this.#callback(withTrailers(status));
  }
}

export class GrpcJsStreamCall implements StreamCall {
  readonly metadata: CallMetadata;
  readonly #call: ServerDuplexStream<Buffer, Buffer>;
  #isOver = false;
  #stall: NodeJS.Timeout | undefined;

  constructor(call: ServerDuplexStream<Buffer, Buffer>) {
    this.metadata = new GrpcJsMetadata(call.metadata);
    this.#call = call;
  }

  onClose(listener: () => void): void {
    this.#call.on('cancelled', () => {
      clearTimeout(this.#stall);
      listener();
    });
  }

  read({ onMessage, onHalfClose }: StreamReader): void {
    this.#call.on('data', (message: Buffer) => {
      if (!this.#isOver) onMessage(message);
    });
    this.#call.on('end', () => {
      if (!this.#isOver) onHalfClose();
    });
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  write(message: Buffer): boolean {
    return this.#isOver || this.#call.write(message);
  }

  onDrain(listener: () => void): void {
    this.#call.on('drain', listener);
  }

  watchStall(timeoutMs: number, listener: () => void): void {
    clearTimeout(this.#stall);
    if (timeoutMs > 0 && !this.#isOver) this.#stall = setTimeout(listener, timeoutMs);
  }

  reset(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    resetStream(this.#call);
  }

  end(): void {
    clearTimeout(this.#stall);
    if (this.#isOver) return;
    this.#isOver = true;
    this.#call.end();
  }

  fail(status: GrpcStatus): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#call.emit('error', withTrailers(status));
  }
}

/** A status as the library takes it. */
function withTrailers({ code, details, retryAfterSeconds }: GrpcStatus) {
  if (retryAfterSeconds === undefined) return { code, details };
  const metadata = new Metadata();
  metadata.set('retry-after', String(retryAfterSeconds));
  return { code, details, metadata };
}
