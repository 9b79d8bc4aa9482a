import type { Parameters, Tensor } from '@nereid/protocol';

/** What one execution answered, as the model gave it: before outputs are filtered, reshaped and classified. */
export interface CachedResponse {
  readonly outputs: readonly Tensor[];
  readonly parameters: Parameters | undefined;
  /** Whether the request asked for all outputs; a model may leave out what nobody asked for. */
  readonly isComplete: boolean;
}

/** A store of responses by key. Requests never fail for its sake: one that can't be reached has nothing. */
export interface ResponseCache {
  /**
   * The response stored under a key, undefined when there is none. Its bytes belong to the caller: what becomes of
   * them changes nothing in the cache. A promise never rejects.
   */
  lookup(key: string): CachedResponse | undefined | Promise<CachedResponse | undefined>;
  /** Stores a response in place of what was there. Takes a copy of its bytes before it returns. */
  insert(key: string, response: CachedResponse): void;
  close(): Promise<void>;
}
