/** With a real Redis server, where one is installed. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { fp32 } from '../../test/build-request.ts';
import { startRedis, whyNoRedis } from '../../test/redis-server.ts';
import type { RedisCacheOptions } from './cache-options.ts';
import { connectRedisCache } from './redis-cache.ts';
import type { CachedResponse, ResponseCache } from './response-cache.ts';

const RESPONSE: CachedResponse = {
  outputs: [fp32('Y', [2], [1, 2])],
  parameters: { n: 1 },
  isComplete: true,
};

interface OpenCache extends AsyncDisposable {
  readonly cache: ResponseCache;
  readonly log: readonly string[];
  /** Resolves with the next line of the log. */
  nextLine(): Promise<string>;
}

async function open(port: number, options: Partial<RedisCacheOptions> = {}): Promise<OpenCache> {
  const log: string[] = [];
  let heard = Promise.withResolvers<string>();
  const note = (line: string): void => {
    log.push(line);
    heard.resolve(line);
    heard = Promise.withResolvers();
  };
  const logger = { verbose: () => {}, info: note, warning: note, error: note };
  const cache = await connectRedisCache({ ...DEFAULTS, port, ...options }, logger);
  return { cache, log, nextLine: () => heard.promise, [Symbol.asyncDispose]: () => cache.close() };
}

/** Looks a key up until it is there: stores are not waited for. */
async function find(cache: ResponseCache, key: string): Promise<CachedResponse> {
  for (;;) {
    const found = await cache.lookup(key);
    if (found !== undefined) return found;
    await setImmediate();
  }
}

function plain({ outputs, ...rest }: CachedResponse): CachedResponse {
  return { ...rest, outputs: outputs.map((output) => ({ ...output, data: Uint8Array.from(output.data) })) };
}

const DEFAULTS: RedisCacheOptions = {
  kind: 'redis',
  host: '127.0.0.1',
  port: 0,
  user: undefined,
  password: undefined,
  database: 0,
  connectTimeoutMs: 5000,
  socketTimeoutMs: 5000,
  tls: undefined,
  unused: [],
};

describe('Redis', { skip: whyNoRedis() ?? false, timeout: 30_000 }, () => {
  test('a response comes back as it was stored, also to another server', async () => {
    await using redis = await startRedis();
    await using one = await open(redis.port);
    await using two = await open(redis.port);
    assert.equal(await one.cache.lookup('m/k'), undefined);
    one.cache.insert('m/k', RESPONSE);
    assert.deepEqual(plain(await find(two.cache, 'm/k')), RESPONSE);
    assert.equal(await two.cache.lookup('m/other'), undefined);
    assert.deepEqual(one.log, []);
  });

  test('databases are apart', async () => {
    await using redis = await startRedis();
    await using one = await open(redis.port);
    await using two = await open(redis.port, { database: 1 });
    one.cache.insert('m/k', RESPONSE);
    await find(one.cache, 'm/k');
    assert.equal(await two.cache.lookup('m/k'), undefined);
  });

  test('a password is needed where Redis wants one', async () => {
    await using redis = await startRedis({ password: 'secret' });
    await using opened = await open(redis.port, { password: 'secret' });
    opened.cache.insert('m/k', RESPONSE);
    await find(opened.cache, 'm/k');
    await assert.rejects(open(redis.port, { password: 'wrong' }), {
      code: 'UNAVAILABLE',
      message: /can't use Redis at 127\.0\.0\.1:\d+: .*(WRONGPASS|invalid)/,
    });
  });

  test('while Redis is gone there is nothing in it, said once; when it is back it is used again', async () => {
    const first = await startRedis();
    await using opened = await open(first.port);
    const { cache, log, nextLine } = opened;
    const warned = nextLine();
    await first[Symbol.asyncDispose]();
    assert.match(await warned, /Redis at 127\.0\.0\.1:\d+ fails: .*not cached until it answers again/);
    for (let round = 0; round < 10; round += 1) {
      cache.insert('m/k', RESPONSE);
      assert.equal(await cache.lookup('m/k'), undefined);
    }
    assert.equal(log.length, 1);
    await using second = await startRedis({ port: first.port });
    const back = nextLine();
    while (log.length < 2) {
      await cache.lookup('m/k');
      // Without Redis a lookup ends at once: the socket needs its turn.
      await setImmediate();
    }
    assert.match(await back, /answers again/);
    cache.insert('m/k', RESPONSE);
    assert.deepEqual(plain(await find(cache, 'm/k')), RESPONSE);
    assert.equal(second.port, first.port);
  });

  test('a Redis that hangs holds one request up for the timeout; it is used again when it goes on', async () => {
    await using redis = await startRedis();
    await using opened = await open(redis.port, { socketTimeoutMs: 200 });
    opened.cache.insert('m/k', RESPONSE);
    await find(opened.cache, 'm/k');
    redis.pause();
    assert.equal(await opened.cache.lookup('m/k'), undefined);
    assert.match(opened.log.join(), /fails: no answer within 200 ms/);
    const since = performance.now();
    for (let round = 0; round < 20; round += 1) assert.equal(await opened.cache.lookup('m/k'), undefined);
    assert.ok(performance.now() - since < 200, 'later requests do not wait');
    redis.resume();
    assert.deepEqual(plain(await find(opened.cache, 'm/k')), RESPONSE);
  });

  test('what something else wrote is no response', async () => {
    await using redis = await startRedis();
    await using opened = await open(redis.port);
    const { createClient } = await import('@redis/client');
    const client = createClient({ socket: { host: '127.0.0.1', port: redis.port } });
    await client.connect();
    await client.set('nereid:m/k', 'hello');
    client.destroy();
    assert.equal(await opened.cache.lookup('m/k'), undefined);
  });
});

test('where nothing listens, connecting fails with the address', async () => {
  await assert.rejects(open(1), {
    code: 'UNAVAILABLE',
    message: /can't use Redis at 127\.0\.0\.1:1: .*ECONNREFUSED/,
  });
});

test('a certificate that can not be read is named', async () => {
  const tls = {
    cert: undefined,
    key: undefined,
    cacert: '/no/ca.pem',
    cacertDirectory: undefined,
    sni: undefined,
  };
  await assert.rejects(open(1, { tls }), {
    code: 'INVALID_ARG',
    message: /can't read \/no\/ca\.pem: ENOENT/,
  });
});
