/** Walks a model's folder: what lies in it, and a fingerprint of all of it. */
import { hash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf } from './file-errors.ts';

/** A model's folder at one moment. */
export interface FolderScan {
  /** Names of the folders directly in it. */
  readonly subfolders: readonly string[];
  /** Changes with the path, size or modification time of any file in it, at any depth. */
  readonly fingerprint: string;
}

/** Deeper than any model lies; ends the walk through links that lead back up. */
const MAX_DEPTH = 12;

/** Written by Python when it loads a model, which must not make it load the model again. */
const PYTHON_CACHE = '__pycache__';

/** Scans a folder. What can't be read becomes part of the fingerprint: the load will say why. */
export async function scanFolder(directory: string): Promise<FolderScan> {
  const lines: string[] = [];
  const subfolders = await walk({ directory, prefix: '', depth: 0, lines });
  return { subfolders: subfolders.sort(), fingerprint: hash('sha1', lines.sort().join('\n')) };
}

interface Walk {
  readonly directory: string;
  /** Path of the folder from where the scan began, with a slash at the end. */
  readonly prefix: string;
  readonly depth: number;
  readonly lines: string[];
}

/** Adds a line for everything in a folder and below it, and returns the names of its folders. */
async function walk({ directory, prefix, depth, lines }: Walk): Promise<string[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    lines.push(`${prefix} ${reasonOf(error)}`);
    return [];
  });
  const subfolders: string[] = [];
  await Promise.all(
    names.map(async (name) => {
      if (name === PYTHON_CACHE) return;
      const path = join(directory, name);
      // Undefined when it went away meanwhile, or is a link that leads nowhere.
      const stats = await stat(path).catch(() => undefined);
      if (stats === undefined) return;
      if (!stats.isDirectory()) {
        lines.push(`${prefix}${name} ${stats.size} ${stats.mtimeMs}`);
        return;
      }
      lines.push(`${prefix}${name}/`);
      subfolders.push(name);
      if (depth < MAX_DEPTH)
        await walk({ directory: path, prefix: `${prefix}${name}/`, depth: depth + 1, lines });
    }),
  );
  return subfolders;
}
