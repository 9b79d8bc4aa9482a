import type { ModelIdentifier } from '../model-identifier.ts';

/** A model's folder in a repository. */
export interface RepositoryEntry {
  readonly id: ModelIdentifier;
  /** Name of the folder, which is the model's name. */
  readonly name: string;
  /** Path of the folder. */
  readonly directory: string;
  /** Path of the repository. */
  readonly repositoryPath: string;
  /** Version folders, ascending. */
  readonly versions: readonly number[];
  /** Paths of all files and folders in the folder, at any depth, from there on; those of folders end with a slash. */
  readonly paths: readonly string[];
  /** Changes when a file in the folder, at any depth, is added, removed or changed. */
  readonly fingerprint: string;
  /** One line a file or folder: its path, and what changes when it does. */
  readonly stamps: readonly string[];
  /** Of all files in the folder, at any depth. */
  readonly byteSize: number;
}
