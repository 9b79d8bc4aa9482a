/** Texts in the bytes of JSON, found without reading them. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Behind the closing quote of the text that begins at `start`. Base64 images are skipped at the speed of memory. */
export function textEnd(body: Buffer, start: number): number {
  for (let from = start + 1; ;) {
    const quote = body.indexOf(QUOTE, from);
    if (quote < 0) return body.length;
    if (!isEscaped(body, quote)) return quote + 1;
    from = quote + 1;
  }
}

/** Whether a quote is a character of a text, not its end: an odd number of backslashes stands before it. */
export function isEscaped(body: Buffer, quote: number): boolean {
  let backslashes = 0;
  while (body[quote - 1 - backslashes] === BACKSLASH) backslashes += 1;
  return backslashes % 2 === 1;
}
