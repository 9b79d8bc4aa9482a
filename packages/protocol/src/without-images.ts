import { isEscaped, textEnd } from './json-text.ts';

/** Reading less than this takes no time worth saving. */
const LARGE_BYTES = 256 * 1024;
const DATA_URL = '"data:';
const BACKSLASH = 0x5c;
/** Of a data URL: its media type, and more of it than any parser tells in an error. */
const KEPT_BYTES = 128;

/**
 * A body of JSON to be parsed for what it asks for: of its data URLs only the beginnings are left, when it is large. A picture of
 * 20 MB would else become a text of 28 MB, for which the thread that serves all requests stands still.
 */
export function withoutImages(body: Buffer): Buffer {
  if (body.length < LARGE_BYTES) return body;
  const pieces: Buffer[] = [];
  let from = 0;
  for (let at = body.indexOf(DATA_URL); at >= 0;) {
    const isText = !isEscaped(body, at);
    const end = isText ? textEnd(body, at) : at + DATA_URL.length;
    if (isText && end - at > 2 * KEPT_BYTES) {
      pieces.push(body.subarray(from, cutOf(body, at)));
      from = end - 1;
    }
    at = body.indexOf(DATA_URL, end);
  }
  return pieces.length === 0 ? body : Buffer.concat([...pieces, body.subarray(from)]);
}

/** Where a data URL may be cut off: not amid an escape. */
function cutOf(body: Buffer, start: number): number {
  const escaped = body.subarray(start, start + KEPT_BYTES).indexOf(BACKSLASH);
  return start + (escaped < 0 ? KEPT_BYTES : escaped);
}
