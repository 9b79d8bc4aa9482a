import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import type * as RedisClient from '@redis/client';
import type { RedisCacheOptions, RedisTlsOptions } from './cache-options.ts';
import { decodeResponse, encodeResponse } from './encode-response.ts';
import type { CachedResponse, ResponseCache } from './response-cache.ts';

/** Begins the keys, so that others may use the same database. */
const PREFIX = 'nereid:';
/** Commands that may wait for an answer. More of them: Redis is too slow for the load, so they count as misses. */
const MAX_WAITING = 4096;
const MAX_RECONNECT_MS = 2000;

/** The commands that the cache uses. */
interface RedisConnection {
  get(key: string): Promise<Buffer | null>;
  set(key: string, value: Buffer): Promise<unknown>;
  destroy(): void;
}

/**
 * Connects to the Redis server that the options name.
 *
 * @throws InferenceServerError UNAVAILABLE with the server's address and what is wrong, INVALID_ARG when the client
 * is not installed or a file of a certificate can't be read.
 */
export async function connectRedisCache(options: RedisCacheOptions, logger: Logger): Promise<ResponseCache> {
  for (const setting of options.unused) {
    logger.warning(
      `setting '${setting}' of cache 'redis' has no effect: one connection carries all commands`,
    );
  }
  const health = new RedisHealth(addressOf(options), logger);
  return new RedisCache(await connect(options, health), health, options.socketTimeoutMs);
}

/** Responses in a Redis server, which may be shared with other servers and outlives this one. */
class RedisCache implements ResponseCache {
  readonly #connection: RedisConnection;
  readonly #health: RedisHealth;
  readonly #timeoutMs: number;
  /** Whether a command is overdue. Until it is answered requests do without Redis, so that only one waits in vain. */
  #isStalled = false;

  constructor(connection: RedisConnection, health: RedisHealth, timeoutMs: number) {
    this.#connection = connection;
    this.#health = health;
    this.#timeoutMs = timeoutMs;
  }

  async lookup(key: string): Promise<CachedResponse | undefined> {
    if (this.#isStalled) return undefined;
    try {
      const bytes = await this.#inTime(this.#connection.get(PREFIX + key));
      this.#health.succeeded();
      return bytes === null ? undefined : decodeResponse(bytes);
    } catch (error) {
      this.#health.failed(error);
      return undefined;
    }
  }

  insert(key: string, response: CachedResponse): void {
    if (this.#isStalled) return;
    this.#inTime(this.#connection.set(PREFIX + key, encodeResponse(response))).then(
      () => this.#health.succeeded(),
      (error: unknown) => this.#health.failed(error),
    );
  }

  close(): Promise<void> {
    this.#health.isClosing = true;
    this.#connection.destroy();
    return Promise.resolve();
  }

  /** What a command answers, unless it takes too long. */
  #inTime<T>(command: Promise<T>): Promise<T> {
    if (this.#timeoutMs === 0) return command;
    const overdue = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      this.#isStalled = true;
      const end = (): void => void (this.#isStalled = false);
      command.then(end, end);
      overdue.reject(new Error(`no answer within ${this.#timeoutMs} ms`));
    }, this.#timeoutMs);
    return Promise.race([command, overdue.promise]).finally(() => clearTimeout(timer));
  }
}

/** Tells the log when Redis goes and when it is back, once each and not for every request. */
class RedisHealth {
  isClosing = false;
  readonly #address: string;
  readonly #logger: Logger;
  #isFailing = false;

  constructor(address: string, logger: Logger) {
    this.#address = address;
    this.#logger = logger;
  }

  failed(error: unknown): void {
    if (this.#isFailing || this.isClosing) return;
    this.#isFailing = true;
    const rest = 'responses are not cached until it answers again';
    this.#logger.warning(`response cache: Redis at ${this.#address} fails: ${reasonOf(error)}; ${rest}`);
  }

  succeeded(): void {
    if (!this.#isFailing) return;
    this.#isFailing = false;
    this.#logger.info(`response cache: Redis at ${this.#address} answers again`);
  }
}

async function connect(options: RedisCacheOptions, health: RedisHealth): Promise<RedisConnection> {
  const { createClient, RESP_TYPES } = await importClient();
  let hasConnected = false;
  const client = createClient({
    socket: {
      host: options.host,
      port: options.port,
      connectTimeout: options.connectTimeoutMs,
      // Until the first connection a failure ends the start; later ones are tried again for ever.
      reconnectStrategy: (retries) => hasConnected && Math.min(50 * 2 ** retries, MAX_RECONNECT_MS),
      ...(options.tls && (await tlsSocket(options.tls))),
    },
    ...(options.user !== undefined && { username: options.user }),
    ...(options.password !== undefined && { password: options.password }),
    database: options.database,
    // While Redis is away a request is a miss at once: it must not wait for it.
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_WAITING,
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
  });
  client.on('error', (error: unknown) => {
    if (hasConnected) health.failed(error);
  });
  try {
    await client.connect();
  } catch (cause) {
    throw new InferenceServerError(
      'UNAVAILABLE',
      `response cache: can't use Redis at ${addressOf(options)}: ${reasonOf(cause)}`,
      { cause },
    );
  }
  hasConnected = true;
  return client;
}

/** The client is an optional dependency: it is there unless optional ones were left out. */
async function importClient(): Promise<typeof RedisClient> {
  try {
    return await import('@redis/client');
  } catch (cause) {
    const message = "response cache 'redis' needs the package @redis/client: npm install @redis/client";
    throw new InferenceServerError('INVALID_ARG', message, { cause });
  }
}

async function tlsSocket({ cert, key, cacert, cacertDirectory, sni }: RedisTlsOptions) {
  const authorities = [
    ...(cacert === undefined ? [] : [cacert]),
    ...(cacertDirectory === undefined ? [] : await filesIn(cacertDirectory)),
  ];
  return {
    tls: true as const,
    ...(cert !== undefined && { cert: await read(cert) }),
    ...(key !== undefined && { key: await read(key) }),
    ...(authorities.length > 0 && { ca: await Promise.all(authorities.map(read)) }),
    ...(sni !== undefined && { servername: sni }),
  };
}

async function filesIn(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch((cause: unknown) => refuseFile(directory, cause));
  return names.map((name) => join(directory, name));
}

function read(file: string): Promise<Buffer> {
  return readFile(file).catch((cause: unknown) => refuseFile(file, cause));
}

function refuseFile(path: string, cause: unknown): never {
  const message = `response cache 'redis': can't read ${path}: ${reasonOf(cause)}`;
  throw new InferenceServerError('INVALID_ARG', message, { cause });
}

function addressOf({ host, port }: RedisCacheOptions): string {
  return `${host}:${port}`;
}

function reasonOf(error: unknown): string {
  // A host with several addresses fails once for each of them, and the whole then has no message.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}
