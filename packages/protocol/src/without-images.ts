import { largeDataUrls } from './large-data-urls.ts';

const BACKSLASH = 0x5c;
/** Of a data URL: its media type, and more of it than any parser tells in an error. */
const KEPT_BYTES = 128;

/**
 * A body of JSON to be parsed for what it asks for: of its data URLs only the beginnings are left, when it is large. A picture of
 * 20 MB would else become a text of 28 MB, for which the thread that serves all requests stands still.
 */
export function withoutImages(body: Buffer): Buffer {
  const pieces: Buffer[] = [];
  let from = 0;
  for (const { start, end } of largeDataUrls(body)) {
    pieces.push(body.subarray(from, cutOf(body, start)));
    from = end - 1;
  }
  return pieces.length === 0 ? body : Buffer.concat([...pieces, body.subarray(from)]);
}

/** Where a data URL may be cut off: not amid an escape. */
function cutOf(body: Buffer, start: number): number {
  const escaped = body.subarray(start, start + KEPT_BYTES).indexOf(BACKSLASH);
  return start + (escaped < 0 ? KEPT_BYTES : escaped);
}
