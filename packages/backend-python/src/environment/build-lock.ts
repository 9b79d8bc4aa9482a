import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

/** What is locked, and for whom. */
export interface LockRequest {
  /** A path; the lock lies beside it. */
  readonly path: string;
  readonly signal: AbortSignal;
  /** Called once when another load or server has the lock. */
  onWait(): void;
}

/** How often somebody who waits looks whether the lock is free. */
const POLL_MS = 100;
/** A lock that was not renewed for this long has lost its holder. */
const STALE_MS = 30_000;
const RENEWED_MS = 5000;

/** Who has a lock. */
interface Holder {
  readonly host: string;
  readonly process: number;
}

/**
 * Takes a lock, waiting for those who have it. One whose process is no more, on this machine, is taken at once; of another
 * machine's this is known after half a minute.
 *
 * @returns what releases it.
 * @throws the signal's reason when it aborts.
 */
export async function lockOrWait({ path, signal, onWait }: LockRequest): Promise<() => Promise<void>> {
  // Only a server that builds something loads this.
  const { lock } = await import('proper-lockfile');
  const options = {
    realpath: false,
    stale: STALE_MS,
    update: RENEWED_MS,
    // Who lost the lock goes on: its folder is its own, and the last one to publish is as good as the first.
    onCompromised: () => undefined,
  };
  for (let waits = 0; ; waits++) {
    try {
      return await hold(path, await lock(path, options));
    } catch (error) {
      if (!isLocked(error)) throw error;
    }
    if (await isAbandoned(path)) await removeLock(path);
    if (waits === 0) onWait();
    await pause(POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** Notes who has the lock, and gives what releases it. */
async function hold(path: string, unlock: () => Promise<void>): Promise<() => Promise<void>> {
  const release = async (): Promise<void> => {
    await rm(holderOf(path), { force: true });
    await unlock().catch(() => undefined);
  };
  const holder: Holder = { host: hostname(), process: process.pid };
  await writeFile(holderOf(path), JSON.stringify(holder)).catch(async (error: unknown) => {
    await release();
    throw error;
  });
  return release;
}

function isLocked(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ELOCKED';
}

/** Its holder first: whoever takes the lock next has not noted itself yet, and must not look as if it had ended, too. */
async function removeLock(path: string): Promise<void> {
  await rm(holderOf(path), { force: true });
  await rm(`${path}.lock`, { recursive: true, force: true });
}

async function isAbandoned(path: string): Promise<boolean> {
  try {
    const holder = JSON.parse(await readFile(holderOf(path), 'utf8')) as Holder;
    return holder.host === hostname() && !isRunning(holder.process);
  } catch {
    // It is being written.
    return false;
  }
}

function isRunning(id: number): boolean {
  try {
    return process.kill(id, 0);
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

function holderOf(path: string): string {
  return `${path}.holder`;
}
