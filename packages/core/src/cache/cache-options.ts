/** The response cache to use, and how. */
export type CacheOptions = LocalCacheOptions | RedisCacheOptions;

/** A cache in this process. */
export interface LocalCacheOptions {
  readonly kind: 'local';
  /** What all entries together may take; at least 1. */
  readonly byteSize: number;
}

/** A cache in a Redis server. Timeouts in milliseconds, 0 = none. */
export interface RedisCacheOptions {
  readonly kind: 'redis';
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly connectTimeoutMs: number;
  /** How long an answer may take; later ones count as misses. */
  readonly socketTimeoutMs: number;
  /** undefined: without TLS. */
  readonly tls: RedisTlsOptions | undefined;
  /** Settings that were given and that mean nothing here: one connection carries all commands at once. */
  readonly unused: readonly string[];
}

/** Files in PEM form, and the name that the server's certificate must have. */
export interface RedisTlsOptions {
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly cacert: string | undefined;
  readonly cacertDirectory: string | undefined;
  readonly sni: string | undefined;
}
