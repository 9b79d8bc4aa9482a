import { HTTP2_ERROR } from './frames.ts';

/** A client broke HTTP/2's rules, or went too far: its connection ends with that code. */
export class Http2ConnectionError extends Error {
  override readonly name = 'Http2ConnectionError';
  readonly code: number;

  /** @param code - One of `HTTP2_ERROR`. */
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export function protocolError(message: string): Http2ConnectionError {
  return new Http2ConnectionError(HTTP2_ERROR.PROTOCOL_ERROR, message);
}

/** What only an attack needs. */
export function tooMuch(what: string): Http2ConnectionError {
  return new Http2ConnectionError(HTTP2_ERROR.ENHANCE_YOUR_CALM, what);
}

export function windowTooLarge(): Http2ConnectionError {
  return new Http2ConnectionError(
    HTTP2_ERROR.FLOW_CONTROL_ERROR,
    'a window that grows beyond 2^31 - 1 bytes',
  );
}

/** @throws Http2ConnectionError FRAME_SIZE_ERROR */
export function assertPayloadSize(payload: Buffer, byteSize: number): void {
  if (payload.length === byteSize) return;
  const message = `a frame of ${payload.length} bytes, its type has ${byteSize}`;
  throw new Http2ConnectionError(HTTP2_ERROR.FRAME_SIZE_ERROR, message);
}
