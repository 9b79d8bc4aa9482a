/** A condition that can't be read. Its message begins with the place, counted from 1. */
export class ExpressionSyntaxError extends Error {
  /** Place in the text, from 0. */
  readonly at: number;

  constructor(at: number, what: string) {
    super(`at character ${at + 1}: ${what}`);
    this.at = at;
  }
}
