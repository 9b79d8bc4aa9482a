/** What is known when a request is refused. */
export interface Refusal {
  /** Tokens of the request itself. */
  readonly tokens: number;
  readonly waitingTokens: number;
  readonly waitingRequests: number;
  /** 0: none. */
  readonly maxQueueTokens: number;
  /** Places on all engines. */
  readonly places: number;
  /** undefined: no request was done yet. */
  readonly tokensPerSecond: number | undefined;
}

const MOST_SECONDS = 120;

/** Whole seconds, 1 to 120, after which a refused request has a chance: for `Retry-After`. */
export function retryAfterSeconds(refusal: Refusal): number {
  const { tokens, waitingTokens, waitingRequests, maxQueueTokens, places, tokensPerSecond } = refusal;
  const tooMuch = maxQueueTokens === 0 ? 0 : waitingTokens + tokens - maxQueueTokens;
  // Where requests are too many, those before it would have to be done: its own wait.
  const mustDrain = tooMuch > 0 ? tooMuch : waitingTokens;
  const seconds =
    tokensPerSecond === undefined ? (waitingRequests + 1) / Math.max(1, places) : mustDrain / tokensPerSecond;
  return Math.min(MOST_SECONDS, Math.max(1, Math.ceil(seconds)));
}
