import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { InferenceServerError } from '@nereid/backend-sdk';
import { lockOrWait } from './build-lock.ts';
import { pythonIn } from './python-in.ts';

/** One environment, as the cache is asked for it. */
export interface CacheRequest {
  /** Folder of the cache; made when it is missing. */
  readonly cache: string;
  /** Names what is in the environment: letters and digits. */
  readonly key: string;
  readonly signal: AbortSignal;
  /** Called once when another load or server is building it. */
  onWait(): void;
  /** Fills an empty folder. What it leaves when it throws is removed. */
  build(directory: string): Promise<void>;
}

/** Nobody builds for a day: a folder that is older and not published was left by a server that was killed. */
const ABANDONED_MS = 24 * 3600 * 1000;

/**
 * Gives the folder of an environment, which is built when it is not in the cache.
 *
 * Every build has a folder `<key>-<random>` of its own, and `<key>.json`, put in place in one step, names the one that
 * is complete: an environment can't be moved, as its scripts contain its path. So what is found is whole, whatever
 * happened to other servers. The lock only spares work that is done already.
 */
export async function obtainEnvironment(request: CacheRequest): Promise<string> {
  const { cache, key } = request;
  const ready = await findPublished(cache, key);
  if (ready !== undefined) return ready;
  try {
    await mkdir(cache, { recursive: true });
    const release = await lockOrWait({ ...request, path: stampOf(cache, key) });
    try {
      return (await findPublished(cache, key)) ?? (await buildEnvironment(request));
    } finally {
      await release();
    }
  } catch (error) {
    throw isRefused(error) ? unusable(error) : error;
  }
}

/** What the system says of a folder that nothing can be written to. */
const REFUSED = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENOSPC', 'EDQUOT'];

function isRefused(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && REFUSED.includes(String(error.code));
}

function unusable(cause: Error): Error {
  return new InferenceServerError(
    'UNAVAILABLE',
    `the cache of Python environments can't be written (${cause.message}): name another folder with --backend-config=python,environment-cache=<folder>`,
    { cause },
  );
}

async function buildEnvironment({ cache, key, signal, build }: CacheRequest): Promise<string> {
  signal.throwIfAborted();
  await removeAbandoned(cache, key);
  const directory = await mkdtemp(join(cache, `${key}-`));
  try {
    await build(directory);
    await publish(cache, key, directory);
    return directory;
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

async function findPublished(cache: string, key: string): Promise<string | undefined> {
  try {
    const name: unknown = JSON.parse(await readFile(stampOf(cache, key), 'utf8'));
    if (typeof name !== 'string' || basename(name) !== name) return undefined;
    const directory = join(cache, name);
    await pythonIn(directory);
    return directory;
  } catch {
    // Never built, or removed, whole or in part, by somebody who wanted the space.
    return undefined;
  }
}

async function publish(cache: string, key: string, directory: string): Promise<void> {
  const written = `${directory}.json`;
  await writeFile(written, JSON.stringify(basename(directory)));
  await rename(written, stampOf(cache, key));
}

/** Removes what servers that were killed left behind. The lock of this key is held. */
async function removeAbandoned(cache: string, key: string): Promise<void> {
  const names = await readdir(cache);
  const stamps = names.filter((name) => /^[0-9a-z]+\.json$/.test(name));
  const published = new Set(
    await Promise.all(stamps.map((name) => findPublished(cache, basename(name, '.json')))),
  );
  for (const name of names.filter((found) => /^[0-9a-z]+-[^.]+(\.json)?$/.test(found))) {
    const path = join(cache, name);
    if (published.has(path)) continue;
    const isOwn = name.startsWith(`${key}-`);
    const changed = (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
    if (isOwn || Date.now() - changed > ABANDONED_MS) await rm(path, { recursive: true, force: true });
  }
}

function stampOf(cache: string, key: string): string {
  return join(cache, `${key}.json`);
}
