/** Signals that come within this time of the first are the same wish: a terminal and npm both pass an interrupt on. */
const SAME_WISH_MS = 1000;

/** SIGINT and SIGTERM, from its creation on. */
export class StopSignals {
  /** Aborts with the first signal. */
  readonly aborts: AbortSignal;
  readonly first: Promise<NodeJS.Signals>;
  /** Somebody asks once more, and so doesn't want to wait. */
  readonly again: Promise<undefined>;

  constructor() {
    const stop = new AbortController();
    const first = Promise.withResolvers<NodeJS.Signals>();
    const again = Promise.withResolvers<undefined>();
    let firstAt: number | undefined;
    const take = (signal: NodeJS.Signals): void => {
      const now = performance.now();
      firstAt ??= now;
      if (now - firstAt > SAME_WISH_MS) again.resolve(undefined);
      first.resolve(signal);
      stop.abort();
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, take);
    this.aborts = stop.signal;
    this.first = first.promise;
    this.again = again.promise;
  }
}
