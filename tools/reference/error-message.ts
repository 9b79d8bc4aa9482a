import type { StatusCode } from '@nereid/protocol';

/** One kind of message; `<…>` stands for what differs. */
export interface ErrorMessage {
  readonly code: StatusCode;
  readonly text: string;
  readonly when: string;
  /** What the reader can do about it. */
  readonly remedy: string;
}

/** Messages by what they are about. */
export type ErrorMessages = Readonly<Record<string, readonly ErrorMessage[]>>;

/** The parts of a message that do not differ: a source may put them together from several texts. */
export function fixedParts(text: string): readonly string[] {
  const parts = text.split(/<[^<>=]*>|[:;,] /).map((part) => part.replaceAll(/^[\s'.-]+|[\s'.-]+$/g, ''));
  return parts.filter((part) => /\w{3}/.test(part));
}

/** One row of a table. */
export function row(code: StatusCode, text: string, when: string, remedy: string): ErrorMessage {
  return { code, text, when, remedy };
}
