/** The member `model` of a JSON body, changed without reading the rest: numbers keep their digits, and images are not copied twice. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING: ReadonlySet<number> = new Set([0x7b, 0x5b]);
const CLOSING: ReadonlySet<number> = new Set([0x7d, 0x5d]);
const COLON = 0x3a;
const NAME = Buffer.from('"model"');

interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * The body with another value of its outermost `model`; without such a member, one is added in front.
 *
 * @param body - A JSON object: whoever received it has parsed it.
 */
export function renameModel(body: Buffer, model: string): Buffer {
  const name = JSON.stringify(model);
  const span = findModel(body);
  if (span !== undefined) {
    return Buffer.concat([body.subarray(0, span.start), Buffer.from(name), body.subarray(span.end)]);
  }
  const start = body.indexOf('{') + 1;
  const isEmpty = /^\s*\}/.test(body.toString('latin1', start, start + 100));
  return Buffer.concat([
    body.subarray(0, start),
    Buffer.from(`"model":${name}${isEmpty ? '' : ','}`),
    body.subarray(start),
  ]);
}

/** Where the value of the outermost `model` is, quotes included; undefined: there is none, or it is no text. */
function findModel(body: Buffer): Span | undefined {
  let depth = 0;
  let position = 0;
  while (position < body.length) {
    const byte = body[position] ?? 0;
    if (byte !== QUOTE) {
      if (OPENING.has(byte)) depth += 1;
      else if (CLOSING.has(byte)) depth -= 1;
      position += 1;
      continue;
    }
    const end = stringEnd(body, position);
    const value = depth === 1 && isModelName(body, position, end) ? valueAfter(body, end) : undefined;
    if (value !== undefined) return value;
    position = end;
  }
  return undefined;
}

function isModelName(body: Buffer, start: number, end: number): boolean {
  return end - start === NAME.length && body.compare(NAME, 0, NAME.length, start, end) === 0;
}

/** The text behind a member's name; undefined when what is at `position` was a value, or another kind of value follows. */
function valueAfter(body: Buffer, position: number): Span | undefined {
  const colon = skipSpace(body, position);
  if (body[colon] !== COLON) return undefined;
  const start = skipSpace(body, colon + 1);
  return body[start] === QUOTE ? { start, end: stringEnd(body, start) } : undefined;
}

function skipSpace(body: Buffer, position: number): number {
  let at = position;
  while (at < body.length && (body[at] ?? 0) <= 0x20) at += 1;
  return at;
}

/** Behind the closing quote of the text that begins at `start`. Base64 images are skipped at the speed of memory. */
function stringEnd(body: Buffer, start: number): number {
  for (let from = start + 1; ;) {
    const quote = body.indexOf(QUOTE, from);
    if (quote < 0) return body.length;
    let backslashes = 0;
    while (body[quote - 1 - backslashes] === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
    from = quote + 1;
  }
}
