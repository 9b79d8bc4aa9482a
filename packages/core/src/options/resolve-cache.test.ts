import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommandLine } from './command-line.ts';
import { resolveCache } from './resolve-cache.ts';

function resolve(flags: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const { options } = parseCommandLine(['--model-repository=m', ...flags], {});
  return resolveCache(options.cacheConfig ?? {}, environment);
}

const REDIS = ['--cache-config=redis,host=cache.example', '--cache-config=redis,port=6380'];

test('there is no cache unless one is asked for', () => {
  assert.equal(resolve([]), undefined);
  assert.equal(resolve(['--cache-config=local,size=0']), undefined);
  assert.equal(resolve(['--response-cache-byte-size=0']), undefined);
});

test('a local cache has a size', () => {
  const expected = { kind: 'local', byteSize: 3_000_000_000 };
  assert.deepEqual(resolve(['--cache-config=local,size=3000000000']), expected);
  assert.deepEqual(resolve(['--response-cache-byte-size=3000000000']), expected);
});

test('a Redis cache has host and port, and defaults for the rest', () => {
  assert.deepEqual(resolve(REDIS), {
    kind: 'redis',
    host: 'cache.example',
    port: 6380,
    user: undefined,
    password: undefined,
    database: 0,
    connectTimeoutMs: 5000,
    socketTimeoutMs: 1000,
    tls: undefined,
    unused: [],
  });
});

test('credentials for Redis come from the environment, unless they are given', () => {
  const environment = { TRITONCACHE_REDIS_USERNAME: 'eva', TRITONCACHE_REDIS_PASSWORD: 'secret' };
  const given = ['--cache-config=redis,password=a,b=c'];
  for (const [flags, user, password] of [
    [[], 'eva', 'secret'],
    [given, 'eva', 'a,b=c'],
  ] as const) {
    const cache = resolve([...REDIS, ...flags], environment);
    assert.ok(cache?.kind === 'redis');
    assert.deepEqual([cache.user, cache.password], [user, password]);
  }
});

test('Redis with TLS has its files and name', () => {
  const flags = ['tls_enabled=true', 'cert=c', 'key=k', 'cacert=a', 'cacert_dir=d', 'sni=s'];
  const cache = resolve([...REDIS, ...flags.map((flag) => `--cache-config=redis,${flag}`)]);
  assert.ok(cache?.kind === 'redis');
  assert.deepEqual(cache.tls, { cert: 'c', key: 'k', cacert: 'a', cacertDirectory: 'd', sni: 's' });
});

test('settings of a pool are known, and without effect', () => {
  const cache = resolve([...REDIS, '--cache-config=redis,pool_size=4']);
  assert.ok(cache?.kind === 'redis');
  assert.deepEqual(cache.unused, ['pool_size']);
});

const MISTAKES: Readonly<Record<string, readonly [flags: readonly string[], message: RegExp]>> = {
  'two caches': [['--cache-config=local,size=1', ...REDIS], /expected one cache, found 'local, redis'/],
  'a cache of another name': [['--cache-config=disk,size=1'], /expected cache local or redis, found 'disk'/],
  'an unknown setting': [['--cache-config=local,sise=1'], /found 'sise'; did you mean 'size'\?/],
  'a size that is none': [
    ['--cache-config=local,size=1MB'],
    /local,size as an integer from 0 on, found '1MB'/,
  ],
  'Redis without a port': [
    ['--cache-config=redis,host=a'],
    /flag of its own, redis,port=<port>, found 'host'/,
  ],
  'a port that is none': [[...REDIS, '--cache-config=redis,port=0'], /redis,port as an integer from 1 on/],
  'a timeout that is none': [
    [...REDIS, '--cache-config=redis,socket_timeout=1s'],
    /redis,socket_timeout as an integer from 0 on, found '1s'/,
  ],
  'a switch that is none': [
    [...REDIS, '--cache-config=redis,tls_enabled=yes'],
    /redis,tls_enabled=true or false, found 'yes'/,
  ],
};

for (const [what, [flags, message]] of Object.entries(MISTAKES)) {
  test(`${what} is refused`, () => {
    assert.throws(() => resolve(flags), { code: 'INVALID_ARG', message });
  });
}
