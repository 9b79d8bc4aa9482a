/** A gRPC call on an HTTP/2 stream of `node:http2`. */
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { CallMetadata, StreamCall, StreamReader } from '../call.ts';
import type { GrpcStatus } from '../error-handler.ts';
import { ACCEPTED_ENCODINGS, packingFor, unpackerOf, type Packing } from './compression.ts';
import { LONGEST_TIMER, type Connection } from './connection.ts';
import { GRPC } from './grpc-codes.ts';
import { MessageReader } from './message-reader.ts';
import { MessageWriter } from './message-writer.ts';
import { encodeStatusMessage } from './percent-encoding.ts';
import { HeaderMetadata, parseTimeout } from './request-headers.ts';

/** Limits and habits of all calls of a server. */
export interface CallOptions {
  /** Largest message in bytes, packed and unpacked. */
  readonly maxMessageByteSize: number;
  /** zlib's level for responses to clients that take packed ones; 0: they are never packed. */
  readonly compressionLevel: number;
}

/** A stream that a client opened, with its headers. */
export interface IncomingCall {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly connection: Connection;
}

const RESPONSE_HEADERS = {
  ':status': 200,
  'content-type': 'application/grpc',
  'grpc-accept-encoding': ACCEPTED_ENCODINGS,
} as const;
const WITH_TRAILERS = { waitForTrailers: true, sendDate: false } as const;
const HEADERS_ONLY = { endStream: true, sendDate: false } as const;
/** So much is taken from a client that has its status already. */
const DISCARDED_BYTE_SIZE = 2 ** 20;
const SUCCESS = { 'grpc-status': String(GRPC.OK) } as const;

/**
 * One call. It is over when its status is on the way, or when the stream is lost: from then on all methods are without
 * effect.
 */
export class Http2Call implements StreamCall {
  readonly metadata: CallMetadata;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #options: CallOptions;
  readonly #connection: Connection;
  #writer: MessageWriter | undefined;
  #trailers: Readonly<Record<string, string>> = SUCCESS;
  #deadline: NodeJS.Timeout | undefined;
  #onClose: (() => void) | undefined;
  #onDrain: (() => void) | undefined;
  /** Nothing more is read or written. */
  #isOver = false;
  /** Bytes that came after the call was over. */
  #discarded = 0;
  /** The listener of `onClose` was called, or is not to be. */
  #isClosed = false;

  constructor({ stream, headers, connection }: IncomingCall, options: CallOptions) {
    this.#stream = stream;
    this.#headers = headers;
    this.#connection = connection;
    this.#options = options;
    connection.openCalls += 1;
    this.metadata = new HeaderMetadata(headers);
    // What broke the stream shows in how it closes.
    stream.on('error', ignore);
    stream.on('aborted', () => {
      this.#close();
    });
    stream.on('close', () => {
      this.#close();
    });
    const timeout = headers['grpc-timeout'];
    if (timeout !== undefined) this.#startDeadline(String(timeout));
  }

  onClose(listener: () => void): void {
    if (this.#isClosed) listener();
    else this.#onClose = listener;
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener;
  }

  read({ onMessage, onHalfClose }: StreamReader): void {
    const encoding = this.#headers['grpc-encoding'] ?? 'identity';
    const unpack = unpackerOf(String(encoding));
    if (unpack === undefined) {
      const details = `grpc-encoding '${String(encoding)}' is not supported, expected one of ${ACCEPTED_ENCODINGS}`;
      this.fail({ code: GRPC.UNIMPLEMENTED, details });
      return;
    }
    const reader = new MessageReader({
      maxByteSize: this.#options.maxMessageByteSize,
      unpack: unpack === 'identity' ? undefined : unpack,
      onMessage: (message) => {
        if (!this.#isOver) onMessage(message);
      },
      onEnd: () => {
        if (!this.#isOver) onHalfClose();
      },
      onError: (status) => {
        this.fail(status);
      },
    });
    this.#stream.on('data', (chunk: Buffer) => {
      if (!this.#isOver) reader.push(chunk);
    });
    this.#stream.on('end', () => {
      reader.end();
    });
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  write(message: Buffer): boolean {
    if (this.#isGone()) return true;
    this.#connection.noteSent();
    this.#writer ??= this.#respond();
    return this.#writer.write(message);
  }

  watchStall(timeoutMs: number, listener: () => void): void {
    // Node's own: it counts from the last piece that was taken, which may be part of a message.
    if (!this.#isGone()) this.#stream.setTimeout(timeoutMs, listener);
  }

  reset(): void {
    if (this.#isGone()) return;
    this.#isOver = true;
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  end(): void {
    if (this.#isGone()) return;
    this.#writer ??= this.#respond();
    this.#isOver = true;
    this.#writer.end();
    this.#finish();
  }

  fail({ code, details, retryAfterSeconds }: GrpcStatus): void {
    if (this.#isGone()) return;
    const trailers = {
      'grpc-status': String(code),
      'grpc-message': encodeStatusMessage(details),
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    };
    this.#isOver = true;
    if (this.#writer === undefined) {
      this.#stream.respond({ ...RESPONSE_HEADERS, ...trailers }, HEADERS_ONLY);
    } else {
      this.#trailers = trailers;
      this.#writer.end();
    }
    this.#finish();
  }

  /** A lost stream may be known to be closed before it has said so. */
  #isGone(): boolean {
    return this.#isOver || this.#stream.closed || this.#stream.destroyed;
  }

  #respond(): MessageWriter {
    const packing = this.#packing();
    const headers =
      packing === undefined ? RESPONSE_HEADERS : { ...RESPONSE_HEADERS, 'grpc-encoding': packing.encoding };
    this.#stream.respond(headers, WITH_TRAILERS);
    this.#stream.on('wantTrailers', () => {
      this.#stream.sendTrailers(this.#trailers);
    });
    return new MessageWriter(this.#stream, packing, () => this.#onDrain?.());
  }

  #packing(): Packing | undefined {
    const { compressionLevel } = this.#options;
    if (compressionLevel === 0) return undefined;
    return packingFor(String(this.#headers['grpc-accept-encoding'] ?? ''), compressionLevel);
  }

  #startDeadline(text: string): void {
    const timeout = parseTimeout(text);
    if (timeout === undefined) {
      const details = `cannot read grpc-timeout '${text}', expected up to 8 digits and one of H, M, S, m, u, n`;
      this.fail({ code: GRPC.INTERNAL, details });
      return;
    }
    const expire = (): void => {
      this.fail({ code: GRPC.DEADLINE_EXCEEDED, details: 'Deadline exceeded' });
      // What a client does not read must not hold the call open.
      if (this.#stream.writableNeedDrain) this.#stream.close(constants.NGHTTP2_CANCEL);
      this.#close();
    };
    this.#deadline = setTimeout(expire, Math.min(timeout, LONGEST_TIMER));
  }

  /** The status is on the way. What the client still sends is thrown away. */
  #finish(): void {
    clearTimeout(this.#deadline);
    if (this.#stream.readableEnded) return;
    this.#stream.on('data', (chunk: Buffer) => {
      this.#discard(chunk);
    });
    this.#stream.resume();
  }

  /** Tells a client to stop that goes on sending; not at once, since clients take a reset for their status. */
  #discard(chunk: Buffer): void {
    this.#discarded += chunk.length;
    const { writableFinished, closed } = this.#stream;
    if (this.#discarded > DISCARDED_BYTE_SIZE && writableFinished && !closed) {
      this.#stream.close(constants.NGHTTP2_NO_ERROR);
    }
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isOver = true;
    this.#connection.openCalls -= 1;
    clearTimeout(this.#deadline);
    this.#onClose?.();
  }
}

function ignore(): void {
  // Nothing to do.
}
