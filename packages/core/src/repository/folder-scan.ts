/** Walks a model's folder: what lies in it, and a fingerprint of all of it. */
import { hash } from 'node:crypto';
import type { Dirent, Stats } from 'node:fs';
import { join } from 'node:path';
import { reasonOf } from './file-errors.ts';
import type { FolderReader } from './folder-reader.ts';

/** A model's folder at one moment. */
export interface FolderScan {
  /** Paths of all files and folders in it, at any depth, from the folder on; those of folders end with a slash. */
  readonly paths: readonly string[];
  /** Changes with the path, size or modification time of any file in it, at any depth. */
  readonly fingerprint: string;
  /** One line a file or folder: its path, and what changes when it does. */
  readonly stamps: readonly string[];
  /** Of all its files. */
  readonly byteSize: number;
}

/** Deeper than any model lies; ends the walk through links that lead back up. */
const MAX_DEPTH = 12;

/** Written by Python when it loads a model, which must not make it load the model again. */
const PYTHON_CACHE = '__pycache__';

/** Scans a folder. What can't be read becomes part of the fingerprint: the load will say why. */
export async function scanFolder(directory: string, reader: FolderReader): Promise<FolderScan> {
  const walk: Walk = { reader, paths: [], lines: [], byteSize: 0 };
  await walkFolder({ path: directory, prefix: '', depth: 0 }, walk);
  const stamps = walk.lines.sort();
  const { byteSize } = walk;
  return { paths: walk.paths.sort(), fingerprint: hash('sha1', stamps.join('\n')), stamps, byteSize };
}

/** What a walk has found. */
interface Walk {
  readonly reader: FolderReader;
  readonly paths: string[];
  /** What the fingerprint is made of. */
  readonly lines: string[];
  byteSize: number;
}

interface Folder {
  readonly path: string;
  /** Path from the folder where the walk began, with a slash at the end. */
  readonly prefix: string;
  readonly depth: number;
}

/** Adds everything in a folder and below it. */
async function walkFolder(folder: Folder, walk: Walk): Promise<void> {
  const entries = await readEntries(folder, walk);
  await Promise.all(entries.map((entry) => visit(entry, folder, walk)));
}

async function readEntries({ path, prefix }: Folder, { reader, lines }: Walk): Promise<readonly Dirent[]> {
  try {
    return await reader.readdir(path);
  } catch (error) {
    lines.push(`${prefix} ${reasonOf(error)}`);
    return [];
  }
}

/** Undefined when it went away meanwhile, or is a link that leads nowhere. */
async function statsOf(path: string, { reader }: Walk): Promise<Stats | undefined> {
  try {
    return await reader.stat(path);
  } catch {
    return undefined;
  }
}

async function visit(entry: Dirent, { path: parent, prefix, depth }: Folder, walk: Walk): Promise<void> {
  if (entry.name === PYTHON_CACHE) return;
  const path = join(parent, entry.name);
  let isFolder = entry.isDirectory();
  if (!isFolder) {
    const stats = await statsOf(path, walk);
    if (stats === undefined) return;
    isFolder = stats.isDirectory();
    if (!isFolder) {
      walk.paths.push(`${prefix}${entry.name}`);
      walk.lines.push(`${prefix}${entry.name} ${stats.size} ${stats.mtimeMs}`);
      walk.byteSize += stats.size;
      return;
    }
  }
  const inside = `${prefix}${entry.name}/`;
  walk.paths.push(inside);
  walk.lines.push(inside);
  if (depth < MAX_DEPTH) await walkFolder({ path, prefix: inside, depth: depth + 1 }, walk);
}

/** Names of the files and folders directly in a scanned folder of which anything differs between two scans. */
export function changedBetween(before: readonly string[], after: readonly string[]): ReadonlySet<string> {
  const [old, now] = [new Set(before), new Set(after)];
  const changed = [...before.filter((stamp) => !now.has(stamp)), ...after.filter((stamp) => !old.has(stamp))];
  return new Set(changed.map((stamp) => topName(stamp)));
}

/** `1/model.onnx 120 1700000000` → `1`; `config.pbtxt 80 1700000000` → `config.pbtxt`. */
function topName(stamp: string): string {
  const slash = stamp.indexOf('/');
  return slash < 0 ? stamp.replace(/ \S+ \S+$/, '') : stamp.slice(0, slash);
}
