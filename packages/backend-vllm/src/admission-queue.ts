/** A request that waits for a place on an engine. */
export interface Waiting {
  /** Estimated, input and output. */
  readonly tokens: number;
  /** Whose share it is of. */
  readonly clientKey: string;
  /** It had a place before, on an engine that failed it: it is not counted again. */
  readonly isRetry: boolean;
}

/** What the queue holds at most. */
export interface QueueLimits {
  readonly requests: number;
  /** 0: no limit. */
  readonly tokens: number;
}

/** Whether a request may wait, and which had to go for it. */
export interface Offer<W> {
  readonly isTaken: boolean;
  readonly evicted: readonly W[];
}

/** Keys that were ahead once and are remembered beside those that wait. */
const MOST_IDLE_KEYS = 1000;

/** What a key has waiting, newest last. */
interface Held {
  readonly waiting: Waiting[];
  tokens: number;
}

const NOTHING_HELD: Held = { waiting: [], tokens: 0 };

interface KeyQueue<W> {
  /** In the order in which they came, each with the virtual time at which its key has had that much. */
  readonly waiting: Map<W, number>;
  tokens: number;
}

/**
 * Requests that wait, shared fairly among client keys: whoever has had the fewest tokens is next (self-clocked fair queueing).
 * A full queue is shared fairly, too: who holds less than an equal part of it still gets in, and the newest request of
 * who holds most goes.
 */
export class AdmissionQueue<W extends Waiting> {
  readonly #limits: QueueLimits;
  readonly #keys = new Map<string, KeyQueue<W>>();
  /** What each key has had, in virtual time; only of keys that are ahead of it. */
  readonly #finished = new Map<string, number>();
  #virtual = 0;
  #size = 0;
  #tokens = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#size;
  }

  /** Estimated tokens of all that wait. */
  get tokens(): number {
    return this.#tokens;
  }

  /** Those that wait, in no particular order. */
  *[Symbol.iterator](): Iterator<W> {
    for (const { waiting } of this.#keys.values()) yield* waiting.keys();
  }

  /** Takes a request in if there is room for it, or if its key has less than its share. */
  offer(request: W): Offer<W> {
    const victims = this.#victims(request);
    if (victims === undefined) return { isTaken: false, evicted: [] };
    for (const victim of victims) this.remove(victim);
    this.#add(request);
    return { isTaken: true, evicted: victims };
  }

  /**
   * Takes out the next request that can be served.
   *
   * @param canServe - Asked of a key's requests in their order, until it says yes.
   */
  next(canServe: (request: W) => boolean): W | undefined {
    let best: W | undefined;
    let least = Infinity;
    for (const { waiting } of this.#keys.values()) {
      for (const [request, tag] of waiting) {
        if (tag >= least) break;
        if (!canServe(request)) continue;
        best = request;
        least = tag;
        break;
      }
    }
    if (best === undefined) return undefined;
    this.#virtual = Math.max(this.#virtual, least);
    this.#take(best);
    return best;
  }

  /**
   * Takes out one that waits no longer; its key gets back what it was counted for.
   *
   * @returns Whether it waited.
   */
  remove(request: W): boolean {
    if (!this.#take(request)) return false;
    const { clientKey, tokens, isRetry } = request;
    const finished = this.#finished.get(clientKey);
    if (finished !== undefined && !isRetry) this.#finished.set(clientKey, finished - tokens);
    return true;
  }

  #take(request: W): boolean {
    const queue = this.#keys.get(request.clientKey);
    if (queue === undefined || !queue.waiting.delete(request)) return false;
    queue.tokens -= request.tokens;
    this.#size -= 1;
    this.#tokens -= request.tokens;
    if (queue.waiting.size === 0) this.#keys.delete(request.clientKey);
    this.#forgetIdle();
    return true;
  }

  #add(request: W): void {
    const { clientKey, tokens, isRetry } = request;
    const queue = this.#keys.get(clientKey) ?? { waiting: new Map<W, number>(), tokens: 0 };
    this.#keys.set(clientKey, queue);
    const had = Math.max(this.#virtual, this.#finished.get(clientKey) ?? 0);
    const tag = isRetry ? this.#virtual : had + tokens;
    queue.waiting.set(request, tag);
    if (!isRetry) this.#finished.set(clientKey, tag);
    queue.tokens += tokens;
    this.#size += 1;
    this.#tokens += tokens;
  }

  /** A key that is not ahead of the others is owed nothing; when nobody waits, nobody is. */
  #forgetIdle(): void {
    if (this.#size === 0) {
      this.#finished.clear();
      this.#virtual = 0;
    } else if (this.#finished.size > MOST_IDLE_KEYS + 2 * this.#keys.size) {
      for (const [key, at] of this.#finished) {
        if (at <= this.#virtual) this.#finished.delete(key);
      }
    }
  }

  /** Those that must go so that a request may wait; undefined: it must not. */
  #victims(request: W): readonly W[] | undefined {
    const { requests, tokens } = this.#limits;
    let tooMany = this.#size + 1 - requests;
    // One that is larger than the limit can wait alone.
    let tooMuch = tokens === 0 || this.#tokens === 0 ? 0 : this.#tokens + request.tokens - tokens;
    if (tooMany <= 0 && tooMuch <= 0) return [];
    if (!this.#isBelowShare(request)) return undefined;
    const victims: W[] = [];
    const others = [...this.#keys].filter(([key]) => key !== request.clientKey);
    const held = others.map(([, queue]) => ({ waiting: [...queue.waiting.keys()], tokens: queue.tokens }));
    while (tooMany > 0 || tooMuch > 0) {
      const largest = held.reduce((a, b) => (this.#heldBy(b) > this.#heldBy(a) ? b : a), NOTHING_HELD);
      const victim = largest.waiting.pop() as W | undefined;
      if (victim === undefined) return undefined;
      largest.tokens -= victim.tokens;
      tooMany -= 1;
      tooMuch -= victim.tokens;
      victims.push(victim);
    }
    return victims;
  }

  #isBelowShare({ clientKey, tokens }: W): boolean {
    const queue = this.#keys.get(clientKey);
    const keys = this.#keys.size + (queue === undefined ? 1 : 0);
    if ((queue?.waiting.size ?? 0) >= this.#limits.requests / keys) return false;
    return this.#limits.tokens === 0 || (queue?.tokens ?? 0) + tokens <= this.#limits.tokens / keys;
  }

  /** By what is limited: a key with one huge request holds more than one with two small ones. */
  #heldBy({ waiting, tokens }: Held): number {
    const ofTokens = this.#limits.tokens === 0 ? 0 : tokens / this.#limits.tokens;
    return Math.max(waiting.length / this.#limits.requests, ofTokens);
  }
}
