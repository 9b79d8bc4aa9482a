import { statSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { installModuleHooks, withGeneration } from './module-hooks.ts';

/** A module that was loaded, with the state of its files at that time. */
interface LoadedModule {
  readonly generation: string;
  /** Size and time of each file that it is made of, by path. */
  readonly files: Map<string, string>;
  readonly namespace: Promise<unknown>;
}

/**
 * Imports the modules of models. Node never frees a module, so a model that is loaded again with unchanged files
 * gets the module that is there: memory grows with changes, not with loads.
 */
export class ModelModules {
  readonly #byPath = new Map<string, LoadedModule>();
  readonly #byGeneration = new Map<string, LoadedModule>();
  readonly #removeHooks: () => void;
  #generations = 0;

  /** @param apiUrl - Module that stands for `@nereid/backend-script`. */
  constructor(apiUrl: string) {
    this.#removeHooks = installModuleHooks(apiUrl, (generation, url) => this.#noteFile(generation, url));
  }

  /** The exports of a module, evaluated anew if one of its files has changed. */
  import(path: string): Promise<unknown> {
    const known = this.#byPath.get(path);
    if (known !== undefined && isUnchanged(known)) return known.namespace;
    this.#forget(path, known);
    this.#generations += 1;
    const generation = String(this.#generations);
    // The files are noted while the import runs, which finds the module by its generation.
    const { promise: namespace, resolve } = Promise.withResolvers<unknown>();
    const loaded: LoadedModule = { generation, files: new Map(), namespace };
    this.#byPath.set(path, loaded);
    this.#byGeneration.set(generation, loaded);
    resolve(import(withGeneration(pathToFileURL(path).href, generation)));
    // One that failed may succeed when what it needs beside its own files is there.
    namespace.catch(() => this.#forget(path, loaded));
    return namespace;
  }

  close(): void {
    this.#removeHooks();
    this.#byPath.clear();
    this.#byGeneration.clear();
  }

  #forget(path: string, loaded: LoadedModule | undefined): void {
    if (loaded === undefined) return;
    if (this.#byPath.get(path) === loaded) this.#byPath.delete(path);
    this.#byGeneration.delete(loaded.generation);
  }

  #noteFile(generation: string, url: string): void {
    const path = fileURLToPath(url);
    this.#byGeneration.get(generation)?.files.set(path, stateOf(path));
  }
}

function isUnchanged({ files }: LoadedModule): boolean {
  return [...files].every(([path, state]) => stateOf(path) === state);
}

function stateOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stats === undefined ? '' : `${stats.ino} ${stats.size} ${stats.mtimeNs}`;
}
