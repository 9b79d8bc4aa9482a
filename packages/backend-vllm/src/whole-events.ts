const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

const NOTHING = Buffer.alloc(0);

/** The beginning of an event that is longer goes on before its end has come: what a stream holds has a bound. */
const MAX_HELD_BYTES = 256 * 1024;

/**
 * Holds the beginning of an event back until its end has come, so that an error can follow whatever a client was sent: in half
 * an event it would go unread. Engines mostly send whole ones, which are looked at by their last bytes alone.
 */
export class WholeEvents {
  /** Never a view of what was given. */
  #held: Buffer = NOTHING;

  /** What was held back: of a stream that has ended, what stands behind its last event. */
  get rest(): Buffer {
    return this.#held;
  }

  /** @returns The events that this chunk ends, in one piece: the chunk itself, or a view of it, when nothing was held; empty without any. */
  push(chunk: Buffer): Buffer {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const end = endOfEvents(bytes);
    if (end === bytes.length) {
      this.#held = NOTHING;
      return bytes;
    }
    if (bytes.length - end > MAX_HELD_BYTES) {
      this.#held = NOTHING;
      return bytes;
    }
    this.#held = Buffer.from(bytes.subarray(end));
    return bytes.subarray(0, end);
  }
}

/** How many events end in there. */
export function countEvents(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) {
    const length = emptyLineAfter(bytes, at);
    if (length === 0) continue;
    count += 1;
    at += length;
  }
  return count;
}

/** Where the last event ends; 0: none does. */
function endOfEvents(bytes: Buffer): number {
  for (let at = bytes.lastIndexOf(LINE_FEED); at > 0; at = bytes.lastIndexOf(LINE_FEED, at - 1)) {
    const before = bytes[at - 1] === CARRIAGE_RETURN ? at - 2 : at - 1;
    if (bytes[before] === LINE_FEED) return at + 1;
  }
  return 0;
}

/** Bytes of the empty line behind a line feed, by which an event ends; 0: there is none. JSON has no line feeds in its texts. */
function emptyLineAfter(bytes: Buffer, lineFeed: number): number {
  if (bytes[lineFeed + 1] === LINE_FEED) return 1;
  return bytes[lineFeed + 1] === CARRIAGE_RETURN && bytes[lineFeed + 2] === LINE_FEED ? 2 : 0;
}
