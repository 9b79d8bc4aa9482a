import { InferenceServerError } from '@nereid/backend-sdk';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const DATA = Buffer.from('data:');
const SPACE = 0x20;

/** An event is a token's worth of text, or of log probabilities; without a limit, one that never ends would fill the memory. */
const MAX_EVENT_BYTES = 64 * 1024 * 1024;

const NOTHING = Buffer.alloc(0);

/** Takes server-sent events apart, however they were cut on their way. */
export class EventSplitter {
  /** The beginning of an event whose end has not come: never a view of what was given. */
  #rest: Buffer = NOTHING;

  /** Whether the last event given was not whole. */
  get isInsideEvent(): boolean {
    return this.#rest.length > 0;
  }

  /**
   * What the events hold that this chunk ends. Comments and fields other than `data` are left out. Text is decoded per
   * event, so never across a character that was cut.
   *
   * @throws InferenceServerError INTERNAL when an event is too long.
   */
  push(chunk: Buffer): string[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const payloads: string[] = [];
    let eventStart = 0;
    let lineStart = 0;
    let payload: string | undefined;
    for (;;) {
      const lineFeed = bytes.indexOf(LINE_FEED, lineStart);
      if (lineFeed < 0) break;
      const lineEnd =
        lineFeed > lineStart && bytes[lineFeed - 1] === CARRIAGE_RETURN ? lineFeed - 1 : lineFeed;
      if (lineEnd > lineStart) {
        payload = addLine(payload, bytes, lineStart, lineEnd);
      } else {
        if (payload !== undefined) payloads.push(payload);
        payload = undefined;
        eventStart = lineFeed + 1;
      }
      lineStart = lineFeed + 1;
    }
    this.#keep(bytes, eventStart);
    return payloads;
  }

  #keep(bytes: Buffer, start: number): void {
    const length = bytes.length - start;
    if (length > MAX_EVENT_BYTES) {
      throw new InferenceServerError(
        'INTERNAL',
        `the engine sent an event of more than ${MAX_EVENT_BYTES} bytes`,
      );
    }
    this.#rest = length === 0 ? NOTHING : Buffer.from(bytes.subarray(start));
  }
}

/** The payload with the line's part of it, unless the line is no `data` line. */
function addLine(payload: string | undefined, bytes: Buffer, start: number, end: number): string | undefined {
  const valueStart = start + DATA.length;
  if (valueStart > end || bytes.compare(DATA, 0, DATA.length, start, valueStart) !== 0) return payload;
  const value = bytes.toString('utf8', bytes[valueStart] === SPACE ? valueStart + 1 : valueStart, end);
  return payload === undefined ? value : `${payload}\n${value}`;
}
