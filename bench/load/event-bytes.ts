/** What there is to be found in the bytes of a stream of events. */

const EVENT = Buffer.from('data: ');
const BRACKET = '['.charCodeAt(0);
const ZERO = '0'.charCodeAt(0);
const SPACE = ' '.charCodeAt(0);

/** Digits of a time in nanoseconds: no other number of an event has as many and a space after it. */
const FEWEST_DIGITS = 11;

/** Events but the last one, `[DONE]`. */
export function countEvents(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(EVENT); at >= 0; at = bytes.indexOf(EVENT, at + EVENT.length)) {
    if (bytes[at + EVENT.length] !== BRACKET) count += 1;
  }
  return count;
}

/** Calls back with each time that a token has as its text (`stampsTokens` of the engine). */
export function findStamps(bytes: Buffer, onStamp: (ns: number) => void): void {
  let digits = 0;
  let value = 0;
  for (const byte of bytes) {
    const digit = byte - ZERO;
    if (digit >= 0 && digit <= 9) {
      digits += 1;
      value = value * 10 + digit;
      continue;
    }
    if (digits >= FEWEST_DIGITS && byte === SPACE) onStamp(value);
    digits = 0;
    value = 0;
  }
}
