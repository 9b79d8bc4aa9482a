/** As much of HTTP/2 (RFC 9113) and HPACK (RFC 7541, literals without indexing) as one unary gRPC call needs. */

const HEAD_LENGTH = 9;

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(HEAD_LENGTH + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, HEAD_LENGTH);
  return bytes;
}

/** What a client sends first: the preface and empty settings. */
export const PREFACE: Buffer = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1'),
  frame(0x4, 0, 0, new Uint8Array(0)),
]);

export const SETTINGS_ANSWER: Buffer = frame(0x4, 1, 0, new Uint8Array(0));

export function pingAnswer(payload: Uint8Array): Buffer {
  return frame(0x6, 1, 0, payload);
}

/** Gives the server room for more bytes on the connection. */
export function windowUpdate(byteLength: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(byteLength);
  return frame(0x8, 0, 0, payload);
}

function literal(text: string): Buffer {
  if (text.length > 126) throw new RangeError(`header text is longer than one length byte can tell: ${text}`);
  return Buffer.concat([Buffer.of(text.length), Buffer.from(text, 'latin1')]);
}

function headerBlock(authority: string, path: string): Buffer {
  return Buffer.concat([
    Buffer.of(0x83, 0x86), // :method POST, :scheme http, from the static table
    Buffer.of(0x04),
    literal(path),
    Buffer.of(0x01),
    literal(authority),
    Buffer.of(0x00),
    literal('content-type'),
    literal('application/grpc'),
    Buffer.of(0x00),
    literal('te'),
    literal('trailers'),
  ]);
}

/** A call to make over and over. */
export interface Call {
  readonly authority: string;
  readonly path: string;
  readonly message: Uint8Array;
}

/** The bytes of a call: HEADERS and DATA, in which only the stream id changes. */
export class CallFrames {
  readonly #bytes: Buffer;
  readonly #dataStreamAt: number;

  /** @throws RangeError when the message does not fit one frame. */
  constructor({ authority, path, message }: Call) {
    if (message.length > 16_000)
      throw new RangeError(`a message of ${message.length} bytes needs several frames`);
    const prefixed = Buffer.alloc(5 + message.length);
    prefixed.writeUInt32BE(message.length, 1);
    prefixed.set(message, 5);
    const headers = frame(0x1, 0x4, 1, headerBlock(authority, path));
    this.#bytes = Buffer.concat([headers, frame(0x0, 0x1, 1, prefixed)]);
    this.#dataStreamAt = headers.length + 5;
  }

  /** A copy: the last one may still wait to be written. */
  forStream(stream: number): Buffer {
    const bytes = Buffer.from(this.#bytes);
    bytes.writeUInt32BE(stream, 5);
    bytes.writeUInt32BE(stream, this.#dataStreamAt);
    return bytes;
  }
}

/** Cuts what arrives into frames. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  push(chunk: Buffer, onFrame: (type: number, flags: number, payload: Buffer) => void): void {
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    let at = 0;
    while (bytes.length - at >= HEAD_LENGTH) {
      const end = at + HEAD_LENGTH + bytes.readUIntBE(at, 3);
      if (bytes.length < end) break;
      onFrame(bytes.readUInt8(at + 3), bytes.readUInt8(at + 4), bytes.subarray(at + HEAD_LENGTH, end));
      at = end;
    }
    this.#pending = bytes.subarray(at);
  }
}
