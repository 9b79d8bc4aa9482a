/** Large data URLs in the bytes of JSON: images, found without reading the text. */
import { isEscaped, textEnd } from './json-text.ts';

/** Reading less than this takes no time worth saving. */
const LARGE_BYTES = 256 * 1024;
const DATA_URL = '"data:';
/** Longer ones are large. */
const SMALL_BYTES = 256;

/** Where a text stands in a body, its quotes included. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

/** Those of a body that is large by itself; none of any other. */
export function* largeDataUrls(body: Buffer): Generator<TextSpan> {
  if (body.length < LARGE_BYTES) return;
  for (let at = body.indexOf(DATA_URL); at >= 0;) {
    const isText = !isEscaped(body, at);
    const end = isText ? textEnd(body, at) : at + DATA_URL.length;
    if (isText && end - at > SMALL_BYTES) yield { start: at, end };
    at = body.indexOf(DATA_URL, end);
  }
}
