/** Header blocks out of their frames. */
import { FLAG, FRAME, HTTP2_ERROR, type FrameHead } from './frames.ts';
import { Http2ConnectionError, protocolError } from './http2-error.ts';

/** Blocks of more bytes end their connection. */
const MAX_BYTE_SIZE = 64 * 1024;

/** More frames than a block of that size can need. */
const MAX_PARTS = 64;

const PRIORITY_BYTE_SIZE = 5;

/** A block that has come whole. */
export interface HeaderBlock {
  readonly streamId: number;
  /** No data follows. */
  readonly endsStream: boolean;
  readonly block: Buffer;
}

/** Puts together what came in several frames; of one connection. */
export class HeaderBlocks {
  static readonly maxByteSize = MAX_BYTE_SIZE;

  #open: { readonly head: FrameHead; readonly parts: Buffer[]; byteSize: number } | undefined;

  /** Whether the next frame must go on with a block. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /**
   * @param payload - Of a frame HEADERS or CONTINUATION.
   * @returns undefined: more is to come.
   * @throws Http2ConnectionError when it is too large, or no such frame may come.
   */
  push(head: FrameHead, payload: Buffer): HeaderBlock | undefined {
    const part = head.type === FRAME.HEADERS ? contentOf(head, payload) : payload;
    const open = this.#open;
    if (open === undefined) {
      if (head.type === FRAME.CONTINUATION)
        throw protocolError('a header block that goes on and did not begin');
      if ((head.flags & FLAG.END_HEADERS) !== 0) return blockOf(head, part);
      this.#open = { head, parts: [Buffer.from(part)], byteSize: part.length };
      return undefined;
    }
    if (open.head.streamId !== head.streamId) throw protocolError('a frame between those of a header block');
    open.parts.push(Buffer.from(part));
    open.byteSize += part.length;
    if (open.byteSize > MAX_BYTE_SIZE || open.parts.length > MAX_PARTS) {
      const message = `headers of more than ${MAX_BYTE_SIZE} bytes`;
      throw new Http2ConnectionError(HTTP2_ERROR.ENHANCE_YOUR_CALM, message);
    }
    if ((head.flags & FLAG.END_HEADERS) === 0) return undefined;
    this.#open = undefined;
    return blockOf(open.head, Buffer.concat(open.parts));
  }
}

function blockOf({ streamId, flags }: FrameHead, block: Buffer): HeaderBlock {
  return { streamId, endsStream: (flags & FLAG.END_STREAM) !== 0, block };
}

/** Without padding and priority. */
function contentOf({ flags }: FrameHead, payload: Buffer): Buffer {
  let from = 0;
  let to = payload.length;
  if ((flags & FLAG.PADDED) !== 0) {
    to -= payload[0] ?? 0;
    from += 1;
  }
  if ((flags & FLAG.PRIORITY) !== 0) from += PRIORITY_BYTE_SIZE;
  if (from > to) throw protocolError('headers with more padding than bytes');
  return from === 0 && to === payload.length ? payload : payload.subarray(from, to);
}
