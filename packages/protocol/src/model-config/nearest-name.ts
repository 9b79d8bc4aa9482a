/** Names this many characters apart per character are taken for different words, not for a slip. */
const LIMIT_RATIO = 1 / 3;

/**
 * The name most like a misspelt one, for "did you mean …?": fewest characters inserted, left out, changed or
 * swapped with their neighbour, not looking at case. The first of several equally near ones.
 *
 * @returns undefined when none is near: more than a third of the characters differ.
 */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase();
  const limit = Math.max(1, Math.floor(wanted.length * LIMIT_RATIO));
  let nearest: string | undefined;
  let least = limit + 1;
  for (const candidate of candidates) {
    // Also keeps names of any length cheap.
    if (Math.abs(candidate.length - wanted.length) >= least) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < least) [nearest, least] = [candidate, distance];
  }
  return nearest;
}

/** `; did you mean 'max_batch_size'?`, or nothing when no name is near. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const nearest = nearestName(name, candidates);
  return nearest === undefined ? '' : `; did you mean '${nearest}'?`;
}

/** Damerau-Levenshtein distance (optimal string alignment), over the last three rows of its table. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (last[j - 1] ?? 0) + Number(a[i - 1] !== b[j - 1]);
      const swap = isSwap(a, i, b, j) ? (beforeLast[j - 2] ?? 0) + 1 : Infinity;
      row.push(Math.min(change, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, swap));
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}

/** Whether the last two characters of both beginnings are the same, the other way round. */
function isSwap(a: string, i: number, b: string, j: number): boolean {
  return i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
}
