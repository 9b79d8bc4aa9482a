import { readdirSync, readFileSync, statSync, type Dirent, type Stats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';

/** Reads folders and small files. All calls fail with the error of the system. */
export interface FolderReader {
  readdir(path: string): readonly Dirent[] | Promise<readonly Dirent[]>;
  stat(path: string): Stats | Promise<Stats>;
  readText(path: string): string | Promise<string>;
}

/** Reads in Node's threads for files: while requests are served, none waits for a disk. */
export const queuedReader: FolderReader = {
  readdir: (path) => readdir(path, { withFileTypes: true }),
  stat: (path) => stat(path),
  readText: (path) => readFile(path, 'utf8'),
};

/** What a call may take on average before the file system counts as a slow one, in milliseconds. */
const SLOW_CALL_MS = 0.2;

/** What a single call may take at any time: a disk that wakes up. */
const GRACE_MS = 20;

/**
 * Reads in this thread, which it blocks: to hand a call to another thread and to be woken by it takes ten times as long
 * as the call. Of a slow file system, on a network, it goes on in Node's threads, several calls at a time.
 *
 * @param now - Milliseconds.
 */
export function createDirectReader(now: () => number = () => performance.now()): FolderReader {
  let left = GRACE_MS;
  const read = <T>(direct: () => T, queued: () => Promise<T>): T | Promise<T> => {
    if (left < 0) return queued();
    const started = now();
    try {
      return direct();
    } finally {
      left += SLOW_CALL_MS - (now() - started);
    }
  };
  return {
    readdir: (path) =>
      read<readonly Dirent[]>(
        () => readdirSync(path, { withFileTypes: true }),
        () => readdir(path, { withFileTypes: true }),
      ),
    stat: (path) =>
      read(
        () => statSync(path),
        () => stat(path),
      ),
    readText: (path) =>
      read(
        () => readFileSync(path, 'utf8'),
        () => readFile(path, 'utf8'),
      ),
  };
}
