/** With a real Redis server, where one is installed. */
import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { fp32 } from '../../test/build-request.ts';
import { createAuthority, whyNoCertificates, type Authority } from '../../test/certificates.ts';
import { startRedis, whyNoRedis, type RedisServerOptions } from '../../test/redis-server.ts';
import type { RedisCacheOptions, RedisTlsOptions } from './cache-options.ts';
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

const NO_FILES: RedisTlsOptions = {
  cert: undefined,
  key: undefined,
  cacert: undefined,
  cacertDirectory: undefined,
  sni: undefined,
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

describe('Redis over TLS', { skip: whyNoRedis() ?? whyNoCertificates() ?? false, timeout: 30_000 }, () => {
  let directory = '';
  let ours: Authority;
  let server: RedisServerOptions;
  let client: RedisTlsOptions;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nereid-test-'));
    ours = createAuthority(directory, 'ours');
    const { cacert } = ours;
    server = { tls: { ...ours.issue('cache.test'), cacert } };
    client = { ...NO_FILES, ...ours.issue('nereid'), cacert };
  });

  after(() => rm(directory, { recursive: true }));

  test('a response comes back as it was stored, by address and by the name of the server', async () => {
    await using redis = await startRedis(server);
    await using one = await open(redis.port, { tls: client });
    one.cache.insert('m/k', RESPONSE);
    await find(one.cache, 'm/k');
    await using two = await open(redis.port, { tls: { ...client, sni: 'cache.test' } });
    assert.deepEqual(plain(await find(two.cache, 'm/k')), RESPONSE);
  });

  test('authorities may lie in a folder', async () => {
    const cacertDirectory = join(directory, 'trusted');
    await mkdir(cacertDirectory);
    await copyFile(ours.cacert, join(cacertDirectory, 'ours.pem'));
    await using redis = await startRedis(server);
    await using opened = await open(redis.port, { tls: { ...client, cacert: undefined, cacertDirectory } });
    assert.equal(await opened.cache.lookup('m/k'), undefined);
    assert.deepEqual(opened.log, []);
  });

  test('a server that nobody we trust vouches for, or with another name, is refused with the reason', async () => {
    await using redis = await startRedis(server);
    const strangers = createAuthority(directory, 'strangers');
    const tls = { ...client, cacert: strangers.cacert };
    await assert.rejects(open(redis.port, { tls }), {
      code: 'UNAVAILABLE',
      message: /can't use Redis at 127\.0\.0\.1:\d+: .*(certificate|issuer)/,
    });
    await assert.rejects(open(redis.port, { tls: { ...client, sni: 'other.test' } }), {
      code: 'UNAVAILABLE',
      message: /can't use Redis at .*other\.test/,
    });
  });

  test('a password is needed over TLS, too', async () => {
    await using redis = await startRedis({ ...server, password: 'secret' });
    await using opened = await open(redis.port, { tls: client, password: 'secret' });
    assert.equal(await opened.cache.lookup('m/k'), undefined);
    await assert.rejects(open(redis.port, { tls: client, password: 'wrong' }), {
      code: 'UNAVAILABLE',
      message: /can't use Redis at 127\.0\.0\.1:\d+: .*(WRONGPASS|invalid)/,
    });
  });

  test('a client without TLS, and one that shows no certificate, are told that it does not work', async () => {
    await using redis = await startRedis(server);
    for (const tls of [undefined, { ...NO_FILES, cacert: client.cacert }])
      await assert.rejects(open(redis.port, { tls }), {
        code: 'UNAVAILABLE',
        message: /can't use Redis at 127\.0\.0\.1:\d+: ./,
      });
  });

  test('one that comes back with a certificate of strangers is not used, until it has its own again', async () => {
    const strangers = createAuthority(directory, 'impostors');
    const first = await startRedis(server);
    const { port } = first;
    await using opened = await open(port, { tls: client });
    const { cache, log, nextLine } = opened;
    const warned = nextLine();
    await first[Symbol.asyncDispose]();
    assert.match(await warned, /not cached until it answers again/);
    {
      const tls = { ...strangers.issue('cache.test'), cacert: ours.cacert };
      await using impostor = await startRedis({ port, tls });
      cache.insert('m/k', RESPONSE);
      assert.equal(await cache.lookup('m/k'), undefined);
      assert.equal(impostor.port, port);
    }
    await using second = await startRedis({ ...server, port });
    while (log.length < 2) {
      await cache.lookup('m/k');
      await setImmediate();
    }
    assert.match(log[1] ?? '', /answers again/);
    assert.equal(second.port, port);
  });
});

test('where nothing listens, connecting fails with the address', async () => {
  await assert.rejects(open(1), {
    code: 'UNAVAILABLE',
    message: /can't use Redis at 127\.0\.0\.1:1: .*ECONNREFUSED/,
  });
});

test('a certificate that can not be read is named', async () => {
  const tls = { ...NO_FILES, cacert: '/no/ca.pem' };
  await assert.rejects(open(1, { tls }), {
    code: 'INVALID_ARG',
    message: /can't read \/no\/ca\.pem: ENOENT/,
  });
});
