/** SETTINGS: what a client says of itself, and what we say. */
import {
  DEFAULT_FRAME_BYTE_SIZE,
  DEFAULT_HEADER_TABLE_BYTE_SIZE,
  DEFAULT_WINDOW_BYTE_SIZE,
  HTTP2_ERROR,
  MAX_FRAME_BYTE_SIZE,
  MAX_WINDOW_BYTE_SIZE,
  SETTING,
} from './frames.ts';
import { Http2ConnectionError } from './http2-error.ts';

/** What it takes. */
export interface PeerSettings {
  /** Bytes of data on a new stream. */
  readonly windowByteSize: number;
  /** Of a payload. */
  readonly frameByteSize: number;
  readonly headerTableByteSize: number;
}

export const DEFAULT_PEER_SETTINGS: PeerSettings = {
  windowByteSize: DEFAULT_WINDOW_BYTE_SIZE,
  frameByteSize: DEFAULT_FRAME_BYTE_SIZE,
  headerTableByteSize: DEFAULT_HEADER_TABLE_BYTE_SIZE,
};

const SETTING_BYTE_SIZE = 6;

/**
 * Changes of the settings by a frame.
 *
 * @throws Http2ConnectionError when a value is out of its range.
 */
export function readPeerSettings(payload: Buffer, earlier: PeerSettings): PeerSettings {
  if (payload.length % SETTING_BYTE_SIZE !== 0) {
    throw new Http2ConnectionError(HTTP2_ERROR.FRAME_SIZE_ERROR, 'settings that are cut off');
  }
  let { windowByteSize, frameByteSize, headerTableByteSize } = earlier;
  for (let at = 0; at < payload.length; at += SETTING_BYTE_SIZE) {
    const value = payload.readUInt32BE(at + 2);
    switch (payload.readUInt16BE(at)) {
      case SETTING.HEADER_TABLE_SIZE:
        headerTableByteSize = value;
        break;
      case SETTING.INITIAL_WINDOW_SIZE:
        if (value > MAX_WINDOW_BYTE_SIZE) throw outOfRange(HTTP2_ERROR.FLOW_CONTROL_ERROR, value);
        windowByteSize = value;
        break;
      case SETTING.MAX_FRAME_SIZE:
        if (value < DEFAULT_FRAME_BYTE_SIZE || value > MAX_FRAME_BYTE_SIZE) {
          throw outOfRange(HTTP2_ERROR.PROTOCOL_ERROR, value);
        }
        frameByteSize = value;
        break;
      default:
      // The others change nothing for a server that promises nothing.
    }
  }
  return { windowByteSize, frameByteSize, headerTableByteSize };
}

/** What a server says of itself. */
export interface ServerSettings {
  readonly maxStreams: number;
  /** Bytes of data on a new stream. */
  readonly windowByteSize: number;
  /** Of a header block. */
  readonly maxHeaderByteSize: number;
}

/** The payload of our own settings. */
export function serverSettings({ maxStreams, windowByteSize, maxHeaderByteSize }: ServerSettings): Buffer {
  const settings = [
    [SETTING.MAX_CONCURRENT_STREAMS, maxStreams],
    [SETTING.INITIAL_WINDOW_SIZE, windowByteSize],
    [SETTING.MAX_HEADER_LIST_SIZE, maxHeaderByteSize],
  ] as const;
  const payload = Buffer.alloc(settings.length * SETTING_BYTE_SIZE);
  for (const [index, [setting, value]] of settings.entries()) {
    payload.writeUInt16BE(setting, index * SETTING_BYTE_SIZE);
    payload.writeUInt32BE(value, index * SETTING_BYTE_SIZE + 2);
  }
  return payload;
}

function outOfRange(code: number, value: number): Http2ConnectionError {
  return new Http2ConnectionError(code, `a setting of ${value}, which is out of its range`);
}
