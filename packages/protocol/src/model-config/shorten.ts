const LONGEST = 60;

/** Text of a user as error messages quote it: cut after 60 characters. */
export function shorten(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
