/** Seconds since the epoch, as OpenAI tells times. */
export function unixTime(): number {
  return Math.floor(Date.now() / 1000);
}
