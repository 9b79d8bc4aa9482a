/** An engine among those that could take a request. */
export interface Candidate {
  /** What runs and waits on it. */
  readonly load: number;
}

/** How much more than the least loaded engine the one with the prompt's beginning may have: requests, and share. */
const MOST_MORE = 4;
const MOST_MORE_SHARE = 1.25;

/**
 * The engine for a request: the one that knows the beginning of its prompt, unless others have far less to do; else the one
 * with the least to do.
 *
 * @param preferred - The engine that has seen the beginning; need not be among the candidates.
 * @param turn - Counts requests: engines that have the same to do are taken in turn.
 */
export function chooseEngine<C extends Candidate>(
  candidates: readonly C[],
  preferred: C | undefined,
  turn: number,
): C | undefined {
  const least = Math.min(...candidates.map(({ load }) => load));
  const limit = Math.max(least + MOST_MORE, least * MOST_MORE_SHARE);
  if (preferred !== undefined && candidates.includes(preferred) && preferred.load <= limit) return preferred;
  const idlest = candidates.filter(({ load }) => load === least);
  return idlest[turn % idlest.length];
}
