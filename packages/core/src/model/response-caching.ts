import type { Logger } from '@nereid/backend-sdk';
import type { ModelConfig } from '@nereid/protocol/model-config';
import { CachedScheduler } from '../cache/cached-scheduler.ts';
import type { ResponseCache } from '../cache/response-cache.ts';
import type { Clock } from '../scheduler/clock.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import type { ModelStatistics } from '../telemetry/statistics.ts';

/** What caching needs. */
export interface ResponseCachingParts {
  /** undefined: the server has none. */
  readonly cache: ResponseCache | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A scheduler, and whose it is. */
export interface CacheableScheduler {
  readonly scheduler: Scheduler;
  readonly config: ModelConfig;
  readonly identity: () => string;
  readonly statistics: ModelStatistics;
}

/** Puts the server's response cache before the schedulers of the models that ask for it (CFG-31). */
export class ResponseCaching {
  readonly #parts: ResponseCachingParts;

  constructor(parts: ResponseCachingParts) {
    this.#parts = parts;
  }

  /** Whether a model's responses are cached: it must want it, and the server must have a cache. */
  isOnFor(config: ModelConfig): boolean {
    return this.#parts.cache !== undefined && config.response_cache?.enable === true;
  }

  /** The scheduler as it is, or with the cache before it. */
  wrap({ scheduler, config, identity, statistics }: CacheableScheduler): Scheduler {
    if (config.response_cache?.enable !== true) return scheduler;
    const { cache, clock, logger } = this.#parts;
    if (cache === undefined) {
      const hint = 'the server has no cache, --cache-config=local,size=<bytes> gives it one';
      logger.info(`responses of model '${config.name}' are not cached: ${hint}`, { model: config.name });
      return scheduler;
    }
    const preserveOrdering = config.dynamic_batching?.preserve_ordering ?? false;
    return new CachedScheduler({ scheduler, cache, identity, preserveOrdering, statistics, clock });
  }
}
