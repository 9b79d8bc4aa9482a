/** An engine sent bytes that are no answer of HTTP/1.1; the message says what was expected and what was found. */
export class BadAnswerError extends Error {
  override readonly name = 'BadAnswerError';
}

/** What was found, short and on one line. */
export function quote(found: string): string {
  const text = found.length > 60 ? `${found.slice(0, 60)}…` : found;
  return JSON.stringify(text);
}
