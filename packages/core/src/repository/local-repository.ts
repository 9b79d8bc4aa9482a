import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import { modelIdentifier } from '../model-identifier.ts';
import { isMissing, reasonOf } from './file-errors.ts';
import { scanFolder } from './folder-scan.ts';
import type { RepositoryEntry } from './repository-entry.ts';

/** Folders read at a time: enough to keep Node's threads for files busy. */
const PARALLEL = 16;

/** A folder with a folder for each model (REPO-01). Files in it, and folders whose name begins with a dot, are no models. */
export class LocalRepository {
  readonly path: string;
  /** Of its models. */
  readonly namespace: string;
  readonly #logger: Logger;
  /** Version-like folders that were warned of. */
  readonly #warned = new Set<string>();

  /** @param namespace - '' for none. */
  constructor(path: string, logger: Logger, namespace = '') {
    this.path = path;
    this.namespace = namespace;
    this.#logger = logger;
  }

  /**
   * All models, in the order of their names.
   *
   * @throws InferenceServerError UNAVAILABLE naming the path and the reason when the repository can't be read.
   */
  async list(): Promise<readonly RepositoryEntry[]> {
    const names = (await this.#read())
      .filter((entry) => isModelName(entry.name) && (entry.isDirectory() || entry.isSymbolicLink()))
      .map(({ name }) => name)
      .sort();
    const entries: (RepositoryEntry | undefined)[] = [];
    let next = 0;
    const scanNext = async (): Promise<void> => {
      for (let at = next++; at < names.length; at = next++) entries[at] = await this.#scan(names[at] ?? '');
    };
    await Promise.all(Array.from({ length: PARALLEL }, scanNext));
    return entries.filter((entry) => entry !== undefined);
  }

  /** A model by name; undefined when the repository has no such folder. */
  async find(name: string): Promise<RepositoryEntry | undefined> {
    return isModelName(name) ? this.#scan(name) : undefined;
  }

  async #read(): Promise<readonly Dirent[]> {
    try {
      return await readdir(this.path, { withFileTypes: true });
    } catch (cause) {
      throw this.#unreadable(cause);
    }
  }

  async #scan(name: string): Promise<RepositoryEntry | undefined> {
    const directory = join(this.path, name);
    if (!(await this.#isFolder(directory))) return undefined;
    const { paths, fingerprint, stamps } = await scanFolder(directory);
    const versions = subfolders(paths)
      .filter((folder) => this.#isVersion(folder, directory))
      .map(Number);
    return {
      id: modelIdentifier(this.namespace, name),
      name,
      directory,
      repositoryPath: this.path,
      versions: versions.sort((a, b) => a - b),
      paths,
      fingerprint,
      stamps,
    };
  }

  async #isFolder(path: string): Promise<boolean> {
    try {
      return (await stat(path)).isDirectory();
    } catch (cause) {
      if (isMissing(cause)) return false;
      throw this.#unreadable(cause);
    }
  }

  /** Digits only, none of them a leading zero (SCH-35). Of what only looks like a version the log tells once. */
  #isVersion(folder: string, directory: string): boolean {
    if (/^(0|[1-9]\d*)$/.test(folder) && Number.isSafeInteger(Number(folder))) return true;
    const path = join(directory, folder);
    if (/^\d/.test(folder) && !this.#warned.has(path)) {
      this.#warned.add(path);
      this.#logger.warning(`folder '${path}' is ignored: a version is a number without leading zeros`);
    }
    return false;
  }

  #unreadable(cause: unknown): InferenceServerError {
    const message = `model repository '${this.path}' can't be read: ${reasonOf(cause)}`;
    return new InferenceServerError('UNAVAILABLE', message, { cause });
  }
}

/** Names of the folders directly in a scanned one. */
function subfolders(paths: readonly string[]): string[] {
  return paths.filter((path) => path.indexOf('/') === path.length - 1).map((path) => path.slice(0, -1));
}

/** Whether a name is that of a folder directly in the repository. */
function isModelName(name: string): boolean {
  return name !== '' && !name.startsWith('.') && !/[\\/\0]/.test(name);
}
