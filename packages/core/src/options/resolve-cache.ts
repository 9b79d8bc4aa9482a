import type { CacheOptions, RedisTlsOptions } from '../cache/cache-options.ts';
import type { Environment } from './command-line.ts';
import type { ScopedSettings, Settings } from './option-spec.ts';
import { assertKnown, badSetting, parseInteger } from './setting-error.ts';

const OPTION = 'cache-config';

/** Those of Triton's redis_cache. */
const REDIS_SETTINGS = [
  ...['host', 'port', 'user', 'password', 'db', 'connect_timeout', 'socket_timeout'],
  ...['pool_size', 'wait_timeout', 'tls_enabled', 'cert', 'key', 'cacert', 'cacert_dir', 'sni'],
];

/**
 * The response cache that `--cache-config` asks for.
 *
 * @returns undefined when there is none: the option was not given, or the size of the local cache is 0.
 * @throws InferenceServerError INVALID_ARG naming the cache, the setting, what was expected and found.
 */
export function resolveCache(caches: ScopedSettings, environment: Environment): CacheOptions | undefined {
  const [first, ...others] = Object.entries(caches);
  if (first === undefined) return undefined;
  const [name, settings] = first;
  if (others.length > 0) throw badSetting(OPTION, 'one cache', Object.keys(caches).join(', '));
  if (name === 'local') return resolveLocal(settings);
  if (name === 'redis') return resolveRedis(settings, environment);
  throw badSetting(OPTION, 'cache local or redis', name);
}

function resolveLocal(settings: Settings): CacheOptions | undefined {
  assertKnown(OPTION, settings, ['size']);
  const { size } = settings;
  if (size === undefined)
    throw badSetting(OPTION, 'a size in bytes (local,size=1048576)', 'local without one');
  const byteSize = parseInteger(OPTION, 'local,size', size, { most: Number.MAX_SAFE_INTEGER });
  return byteSize === 0 ? undefined : { kind: 'local', byteSize };
}

function resolveRedis(settings: Settings, environment: Environment): CacheOptions {
  assertKnown(OPTION, settings, REDIS_SETTINGS);
  const { host, port, user, password } = settings;
  if (host === undefined || port === undefined)
    throw badSetting(
      OPTION,
      'redis,host=<host> and, in a flag of its own, redis,port=<port>',
      Object.keys(settings).join(),
    );
  const integer = (name: string, fallback: string): number =>
    parseInteger(OPTION, `redis,${name}`, settings[name] ?? fallback, {});
  return {
    kind: 'redis',
    host,
    port: parseInteger(OPTION, 'redis,port', port, { least: 1, most: 65_535 }),
    user: user ?? environment['TRITONCACHE_REDIS_USERNAME'],
    password: password ?? environment['TRITONCACHE_REDIS_PASSWORD'],
    database: integer('db', '0'),
    connectTimeoutMs: integer('connect_timeout', '5000'),
    socketTimeoutMs: integer('socket_timeout', '1000'),
    tls: resolveTls(settings),
    unused: ['pool_size', 'wait_timeout'].filter((setting) => settings[setting] !== undefined),
  };
}

function resolveTls(settings: Settings): RedisTlsOptions | undefined {
  const { tls_enabled: enabled = 'false', cert, key, cacert, cacert_dir: cacertDirectory, sni } = settings;
  if (enabled === 'true') return { cert, key, cacert, cacertDirectory, sni };
  if (enabled === 'false') return undefined;
  throw badSetting(OPTION, 'redis,tls_enabled=true or false', enabled);
}
