import { modelIdentifier, nameOf, namespaceOf, type ModelIdentifier } from '../model-identifier.ts';
import type { FolderReader } from './folder-reader.ts';
import type { LocalRepository } from './local-repository.ts';
import type { RepositoryEntry } from './repository-entry.ts';

/** A model of the repositories: its folder, or why it can't be used. */
export type IndexedModel =
  | { readonly entry: RepositoryEntry; readonly conflict: undefined }
  | { readonly entry: undefined; readonly conflict: string };

const CONFLICT = 'model appears in two or more repositories';

/** Several repositories as one (REPO-04). A model that lies in two of one namespace can't be used. */
export class ModelRepository {
  readonly #repositories: readonly LocalRepository[];

  constructor(repositories: readonly LocalRepository[]) {
    this.#repositories = repositories;
  }

  /**
   * All models.
   *
   * @throws InferenceServerError UNAVAILABLE when one of the repositories can't be read.
   */
  async index(reader?: FolderReader): Promise<ReadonlyMap<ModelIdentifier, IndexedModel>> {
    const lists = await Promise.all(this.#repositories.map((repository) => repository.list(reader)));
    return new Map(
      [...Map.groupBy(lists.flat(), ({ id }) => id)].map(([id, entries]) => [id, toIndexed(entries)]),
    );
  }

  /**
   * The identifiers of all models, each with the reason why it can't be used or undefined.
   *
   * @throws InferenceServerError as `index`.
   */
  async names(): Promise<ReadonlyMap<ModelIdentifier, string | undefined>> {
    const lists = await Promise.all(
      this.#repositories.map(async (repository) =>
        (await repository.names()).map((name) => modelIdentifier(repository.namespace, name)),
      ),
    );
    const known = new Map<ModelIdentifier, string | undefined>();
    for (const id of lists.flat()) known.set(id, known.has(id) ? CONFLICT : undefined);
    return known;
  }

  /** One model; undefined when no repository of its namespace has it. */
  async find(id: ModelIdentifier): Promise<IndexedModel | undefined> {
    const namespace = namespaceOf(id);
    const own = this.#repositories.filter((repository) => repository.namespace === namespace);
    const entries = await findIn(own, nameOf(id));
    return entries.length === 0 ? undefined : toIndexed(entries);
  }

  /** The models of a name that can be used, in all namespaces. */
  async identifiersOf(name: string): Promise<readonly ModelIdentifier[]> {
    const found = Map.groupBy(await findIn(this.#repositories, name), ({ id }) => id);
    return [...found].flatMap(([id, entries]) => (toIndexed(entries).entry === undefined ? [] : [id]));
  }
}

async function findIn(
  repositories: readonly LocalRepository[],
  name: string,
): Promise<readonly RepositoryEntry[]> {
  const found = await Promise.all(repositories.map((repository) => repository.find(name)));
  return found.filter((entry) => entry !== undefined);
}

function toIndexed(entries: readonly RepositoryEntry[]): IndexedModel {
  const [entry, ...others] = entries;
  if (entry !== undefined && others.length === 0) return { entry, conflict: undefined };
  return { entry: undefined, conflict: CONFLICT };
}
