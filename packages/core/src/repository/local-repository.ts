import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import { modelIdentifier } from '../model-identifier.ts';
import { isMissing, reasonOf } from './file-errors.ts';
import { queuedReader, type FolderReader } from './folder-reader.ts';
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
  async list(reader: FolderReader = queuedReader): Promise<readonly RepositoryEntry[]> {
    const found = await this.#eachCandidate(reader, (name) => this.#scan(name, reader));
    return found.filter((entry) => entry !== undefined);
  }

  /**
   * The names of all models, ascending, without a look into their folders.
   *
   * @throws InferenceServerError as `list`.
   */
  async names(): Promise<readonly string[]> {
    const found = await this.#eachCandidate(queuedReader, async (name, entry) => {
      const isModel = entry.isDirectory() || (await this.#isFolder(join(this.path, name), queuedReader));
      return isModel ? name : undefined;
    });
    return found.filter((name) => name !== undefined);
  }

  /** A model by name; undefined when the repository has no such folder. */
  async find(name: string): Promise<RepositoryEntry | undefined> {
    return isModelName(name) ? this.#scan(name, queuedReader) : undefined;
  }

  /** Looks at what may be a model, several at a time; returns what was seen in the order of their names. */
  async #eachCandidate<T>(
    reader: FolderReader,
    look: (name: string, entry: Dirent) => Promise<T>,
  ): Promise<readonly T[]> {
    const entries = (await this.#read(reader))
      .filter((entry) => isModelName(entry.name) && (entry.isDirectory() || entry.isSymbolicLink()))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const seen: T[] = [];
    const left = entries.entries();
    const lookAtNext = async (): Promise<void> => {
      for (const [at, entry] of left) seen[at] = await look(entry.name, entry);
    };
    await Promise.all(Array.from({ length: PARALLEL }, lookAtNext));
    return seen;
  }

  async #read(reader: FolderReader): Promise<readonly Dirent[]> {
    try {
      return await reader.readdir(this.path);
    } catch (cause) {
      throw this.#unreadable(cause);
    }
  }

  async #scan(name: string, reader: FolderReader): Promise<RepositoryEntry | undefined> {
    const directory = join(this.path, name);
    if (!(await this.#isFolder(directory, reader))) return undefined;
    const { paths, fingerprint, stamps, byteSize } = await scanFolder(directory, reader);
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
      byteSize,
    };
  }

  async #isFolder(path: string, reader: FolderReader): Promise<boolean> {
    try {
      return (await reader.stat(path)).isDirectory();
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
