import type { LocalRepository } from './local-repository.ts';
import type { RepositoryEntry } from './repository-entry.ts';

/** A model of the repositories: its folder, or why it can't be used. */
export type IndexedModel =
  | { readonly entry: RepositoryEntry; readonly conflict: undefined }
  | { readonly entry: undefined; readonly conflict: string };

/** Several repositories as one (REPO-04). A name that lies in two of them can't be used. */
export class ModelRepository {
  readonly #repositories: readonly LocalRepository[];

  constructor(repositories: readonly LocalRepository[]) {
    this.#repositories = repositories;
  }

  /**
   * All models by name.
   *
   * @throws InferenceServerError UNAVAILABLE when one of the repositories can't be read.
   */
  async index(): Promise<ReadonlyMap<string, IndexedModel>> {
    const lists = await Promise.all(this.#repositories.map((repository) => repository.list()));
    return new Map(
      [...Map.groupBy(lists.flat(), ({ name }) => name)].map(([name, entries]) => [name, toIndexed(entries)]),
    );
  }

  /** One model; undefined when no repository has it. */
  async find(name: string): Promise<IndexedModel | undefined> {
    const found = await Promise.all(this.#repositories.map((repository) => repository.find(name)));
    const entries = found.filter((entry) => entry !== undefined);
    return entries.length === 0 ? undefined : toIndexed(entries);
  }
}

function toIndexed(entries: readonly RepositoryEntry[]): IndexedModel {
  const [entry, ...others] = entries;
  if (entry !== undefined && others.length === 0) return { entry, conflict: undefined };
  return { entry: undefined, conflict: 'model appears in two or more repositories' };
}
