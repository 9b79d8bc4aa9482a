import { isJsonArray, isJsonObject, memberOf } from './json-member.ts';
import { parseJson, type JsonValue } from './parse-json.ts';

/**
 * Parses the first `length` bytes of an inference request or response, its JSON part. Plain `JSON.parse` is enough
 * unless there are integers that a double may not hold, or an integer tensor whose values may be written as `1.0`:
 * only then the text is parsed once more, exactly.
 *
 * @param listName the member with the tensors
 */
export function parseInferJson(body: Uint8Array, length: number, listName: 'inputs' | 'outputs'): JsonValue {
  const buffer = toBuffer(body);
  const text = buffer.toString('utf8', 0, length);
  const subject = listName === 'inputs' ? 'request' : 'response';
  const json = parseJson(text, { subject });
  const needsExact =
    hasUnsafeInteger(memberOf(json, 'parameters')) ||
    (hasIntegerData(memberOf(json, listName)) && hasInexactNumber(buffer, length));
  return needsExact ? parseJson(text, { subject, exact: true }) : json;
}

/** Parses a generate request, whose tensors and parameters lie side by side: exactly when any number may need that. */
export function parseGenerateJson(body: Uint8Array): JsonValue {
  const buffer = toBuffer(body);
  return parseJson(buffer.toString('utf8'), { exact: hasInexactNumber(buffer, buffer.length) });
}

function toBuffer(body: Uint8Array): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}

/** Digits of an integer that may not be a safe one. */
const UNSAFE_DIGITS = 16;

/**
 * Whether there is a number with a fraction, an exponent or too many digits. What looks like one in a string counts,
 * too: that costs time and changes nothing. A loop, since a regular expression takes longer than the parser.
 */
function hasInexactNumber(json: Uint8Array, length: number): boolean {
  let digits = 0;
  for (let i = 0; i < length; i++) {
    const byte = json[i] ?? 0;
    if (byte >= 0x30 && byte <= 0x39) {
      if (++digits === UNSAFE_DIGITS) return true;
    } else {
      // '.', 'e' or 'E' right after a digit
      if (digits > 0 && (byte === 0x2e || (byte | 0x20) === 0x65)) return true;
      digits = 0;
    }
  }
  return false;
}

function hasUnsafeInteger(parameters: JsonValue | undefined): boolean {
  if (!isJsonObject(parameters)) return false;
  for (const value of Object.values(parameters)) {
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) return true;
  }
  return false;
}

function hasIntegerData(tensors: JsonValue | undefined): boolean {
  if (!isJsonArray(tensors)) return false;
  for (const tensor of tensors) {
    const datatype = memberOf(tensor, 'datatype');
    if (typeof datatype === 'string' && datatype.includes('INT') && memberOf(tensor, 'data') !== undefined) {
      return true;
    }
  }
  return false;
}
