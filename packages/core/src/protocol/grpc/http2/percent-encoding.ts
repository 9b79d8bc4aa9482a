/** Bytes that may stand in `grpc-message` as they are: printable ASCII but `%`. */
const NEEDS_ENCODING = /[^\x20-\x24\x26-\x7e]/;

/** The text of a status for `grpc-message`: UTF-8, with all but printable ASCII as `%XX`. */
export function encodeStatusMessage(text: string): string {
  if (!NEEDS_ENCODING.test(text)) return text;
  let encoded = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
