/** Bytes that may stand in `grpc-message` as they are: printable ASCII but `%`. */
const NEEDS_ENCODING = /[^\x20-\x24\x26-\x7e]/;

/**
 * Most that a message may have, encoded. Clients refuse trailers that are longer than they like, from 8 KiB on, and then
 * have neither the message nor the status.
 */
const MOST_CHARACTERS = 6 << 10;

/** The text of a status for `grpc-message`: UTF-8, with all but printable ASCII as `%XX`; the end of a long one is left out. */
export function encodeStatusMessage(text: string): string {
  if (text.length <= MOST_CHARACTERS && !NEEDS_ENCODING.test(text)) return text;
  let encoded = '';
  for (const character of text) {
    const piece = encodeCharacter(character);
    if (encoded.length + piece.length > MOST_CHARACTERS)
      return `${encoded} ... (of ${text.length} characters)`;
    encoded += piece;
  }
  return encoded;
}

function encodeCharacter(character: string): string {
  if (!NEEDS_ENCODING.test(character)) return character;
  const bytes = Buffer.from(character, 'utf8');
  return Array.from(bytes, (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}
