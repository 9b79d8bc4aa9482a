/** HTTP/2's numbers (RFC 9113): types and flags of frames, settings, error codes, limits. */

export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const FLAG = {
  NONE: 0,
  /** Of SETTINGS and PING. */
  ACK: 1,
  END_STREAM: 1,
  END_HEADERS: 4,
  PADDED: 8,
  PRIORITY: 32,
} as const;

export const SETTING = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const;

/** Why a stream or a connection ends. */
export const HTTP2_ERROR = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  ENHANCE_YOUR_CALM: 11,
} as const;

/** What a client begins with. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Length, type, flags and stream before each payload. */
export const HEAD_BYTE_SIZE = 9;

/** What either side may send until it is told otherwise. */
export const DEFAULT_WINDOW_BYTE_SIZE = 65_535;
export const DEFAULT_FRAME_BYTE_SIZE = 16_384;
export const DEFAULT_HEADER_TABLE_BYTE_SIZE = 4096;

export const MAX_WINDOW_BYTE_SIZE = 2 ** 31 - 1;
export const MAX_FRAME_BYTE_SIZE = 2 ** 24 - 1;
export const MAX_STREAM_ID = 2 ** 31 - 1;

/** Writes the head of a frame; `target` has room for it. */
export function writeHead(target: Buffer, at: number, { byteSize, type, flags, streamId }: FrameHead): void {
  target[at] = byteSize >>> 16;
  target[at + 1] = byteSize >>> 8;
  target[at + 2] = byteSize;
  target[at + 3] = type;
  target[at + 4] = flags;
  target.writeUInt32BE(streamId, at + 5);
}

/** A payload of one number. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}

/** What stands before a payload. */
export interface FrameHead {
  /** Of the payload. */
  readonly byteSize: number;
  readonly type: number;
  readonly flags: number;
  /** 0: the connection. */
  readonly streamId: number;
}
