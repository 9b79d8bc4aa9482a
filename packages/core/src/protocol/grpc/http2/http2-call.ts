/** A gRPC call on an HTTP/2 stream. */
import { HTTP2_ERROR } from '../../http2/frames.ts';
import type { AnswerHeaders } from '../../http2/header-encoder.ts';
import type { Http2Stream, StreamListener } from '../../http2/http2-stream.ts';
import type { RequestHeaders } from '../../http2/request-headers.ts';
import type { CallMetadata, StreamCall, StreamReader } from '../call.ts';
import type { GrpcStatus } from '../error-handler.ts';
import { ACCEPTED_ENCODINGS, packingFor, unpackerOf, type Packing } from './compression.ts';
import type { CallConnection } from './call-connection.ts';
import { startDeadline } from './deadline.ts';
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
  readonly stream: Http2Stream;
  readonly headers: RequestHeaders;
  readonly connection: CallConnection;
}

const RESPONSE_HEADERS: AnswerHeaders = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
  ['grpc-accept-encoding', ACCEPTED_ENCODINGS],
];
const PACKED_HEADERS: Readonly<Record<Packing['encoding'], AnswerHeaders>> = {
  gzip: [...RESPONSE_HEADERS, ['grpc-encoding', 'gzip']],
  deflate: [...RESPONSE_HEADERS, ['grpc-encoding', 'deflate']],
};
/** So much is taken from a client that has its status already. */
const DISCARDED_BYTE_SIZE = 2 ** 20;
const SUCCESS: AnswerHeaders = [['grpc-status', String(GRPC.OK)]];

/**
 * One call. It is over when its status is on the way, or when the stream is lost: from then on all methods are without
 * effect.
 */
export class Http2Call implements StreamCall, StreamListener {
  readonly metadata: CallMetadata;
  readonly #stream: Http2Stream;
  readonly #headers: RequestHeaders;
  readonly #options: CallOptions;
  readonly #connection: CallConnection;
  #reader: MessageReader | undefined;
  #writer: MessageWriter | undefined;
  #trailers = SUCCESS;
  #deadline: NodeJS.Timeout | undefined;
  #onClose: (() => void) | undefined;
  #onDrain: (() => void) | undefined;
  /** Why nothing is taken of the stream: whoever reads wants no more, or a message is being unpacked. */
  #isHeld = false;
  #isUnpacking = false;
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
    stream.pause();
    stream.listen(this);
    const timeout = headers['grpc-timeout'];
    if (timeout !== undefined) this.#startDeadline(timeout);
  }

  onClose(listener: () => void): void {
    if (this.#isClosed) listener();
    else this.#onClose = listener;
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener;
  }

  dataReceived(piece: Buffer): void {
    if (this.#isOver) this.#discard(piece);
    else this.#reader?.push(piece);
  }

  requestEnded(): void {
    this.#reader?.end();
  }

  streamDrained(): void {
    this.#onDrain?.();
  }

  streamClosed(): void {
    this.#close();
  }

  read({ onMessage, onHalfClose }: StreamReader): void {
    const encoding = this.#headers['grpc-encoding'] ?? 'identity';
    const unpack = unpackerOf(encoding);
    if (unpack === undefined) {
      const details = `grpc-encoding '${encoding}' is not supported, expected one of ${ACCEPTED_ENCODINGS}`;
      this.fail({ code: GRPC.UNIMPLEMENTED, details });
      return;
    }
    this.#reader = new MessageReader({
      maxByteSize: this.#options.maxMessageByteSize,
      unpack: unpack === 'identity' ? undefined : unpack,
      onMessage: (message) => {
        if (!this.#isOver) onMessage(message);
      },
      onBusy: (isBusy) => {
        this.#isUnpacking = isBusy;
        this.#takeOrWait();
      },
      onEnd: () => {
        if (!this.#isOver) onHalfClose();
      },
      onError: (status) => {
        this.fail(status);
      },
    });
    this.#stream.resume();
  }

  pause(): void {
    this.#isHeld = true;
    this.#takeOrWait();
  }

  resume(): void {
    this.#isHeld = false;
    this.#takeOrWait();
  }

  write(message: Buffer): boolean {
    if (this.#isGone()) return true;
    this.#connection.noteSent();
    this.#writer ??= this.#respond();
    return this.#writer.write(message);
  }

  watchStall(timeoutMs: number, listener: () => void): void {
    // It counts from the last piece that was taken, which may be part of a message.
    if (!this.#isGone()) this.#stream.watchStall(timeoutMs, listener);
  }

  reset(): void {
    if (this.#isGone()) return;
    this.#isOver = true;
    this.#stream.reset(HTTP2_ERROR.CANCEL);
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
    const trailers: AnswerHeaders = [
      ['grpc-status', String(code)],
      ['grpc-message', encodeStatusMessage(details)],
      ...(retryAfterSeconds === undefined ? [] : [['retry-after', String(retryAfterSeconds)] as const]),
    ];
    this.#isOver = true;
    if (this.#writer === undefined) {
      this.#stream.respond([...RESPONSE_HEADERS, ...trailers], { endsStream: true, isRepeated: false });
    } else {
      this.#trailers = trailers;
      this.#writer.end();
    }
    this.#finish();
  }

  /** A lost stream may be known to be closed before it has said so. */
  #isGone(): boolean {
    return this.#isOver || this.#stream.isClosed;
  }

  #respond(): MessageWriter {
    const packing = this.#packing();
    const headers = packing === undefined ? RESPONSE_HEADERS : PACKED_HEADERS[packing.encoding];
    this.#stream.respond(headers, { endsStream: false, isRepeated: true });
    return new MessageWriter(this.#stream, packing, {
      onKeepsUp: () => this.#onDrain?.(),
      onEnd: () => {
        this.#stream.end(this.#trailers, this.#trailers === SUCCESS);
      },
    });
  }

  #packing(): Packing | undefined {
    const { compressionLevel } = this.#options;
    if (compressionLevel === 0) return undefined;
    return packingFor(this.#headers['grpc-accept-encoding'] ?? '', compressionLevel);
  }

  #startDeadline(text: string): void {
    const timeout = parseTimeout(text);
    if (timeout === undefined) {
      const details = `cannot read grpc-timeout '${text}', expected up to 8 digits and one of H, M, S, m, u, n`;
      this.fail({ code: GRPC.INTERNAL, details });
      return;
    }
    this.#deadline = startDeadline(timeout, () => {
      this.fail({ code: GRPC.DEADLINE_EXCEEDED, details: 'Deadline Exceeded' });
      // What a client does not read must not hold the call open.
      if (this.#stream.hasPending) this.#stream.reset(HTTP2_ERROR.CANCEL);
      this.#close();
    });
  }

  #takeOrWait(): void {
    if (!this.#isOver && (this.#isHeld || this.#isUnpacking)) this.#stream.pause();
    else this.#stream.resume();
  }

  /** The status is on the way. What the client still sends is thrown away. */
  #finish(): void {
    clearTimeout(this.#deadline);
    this.#stream.resume();
  }

  /** Tells a client to stop that goes on sending; not at once, since clients take a reset for their status. */
  #discard(piece: Buffer): void {
    this.#discarded += piece.length;
    if (this.#discarded > DISCARDED_BYTE_SIZE && !this.#stream.hasPending) {
      this.#stream.reset(HTTP2_ERROR.NO_ERROR);
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
