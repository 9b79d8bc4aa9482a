import type { Logger } from '@nereid/backend-sdk';
import type { CacheOptions } from './cache-options.ts';
import { LocalCache } from './local-cache.ts';
import { connectRedisCache } from './redis-cache.ts';
import type { ResponseCache } from './response-cache.ts';

/**
 * The cache that the options ask for; undefined when they ask for none.
 *
 * @throws InferenceServerError when it can't be used.
 */
export async function createResponseCache(
  options: CacheOptions | undefined,
  logger: Logger,
): Promise<ResponseCache | undefined> {
  if (options === undefined) return undefined;
  return options.kind === 'local' ? new LocalCache(options.byteSize) : connectRedisCache(options, logger);
}
