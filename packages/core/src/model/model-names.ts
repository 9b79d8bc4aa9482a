import { InferenceServerError } from '@nereid/protocol';
import { modelIdentifier, nameOf, namespaceOf, type ModelIdentifier } from '../model-identifier.ts';

/**
 * What the names of models stand for: every model that is loaded or should be, by its name. Without
 * `--model-namespacing` a name stands for the one model that has it.
 */
export class ModelNames {
  readonly isNamespaced: boolean;
  /** Names stay when their last model has gone: they are then known to have none. */
  readonly #byName = new Map<string, Set<ModelIdentifier>>();

  constructor(isNamespaced: boolean) {
    this.isNamespaced = isNamespaced;
  }

  add(id: ModelIdentifier): void {
    const name = nameOf(id);
    const known = this.#byName.get(name);
    if (known === undefined) this.#byName.set(name, new Set([id]));
    else known.add(id);
  }

  delete(id: ModelIdentifier): void {
    this.#byName.get(nameOf(id))?.delete(id);
  }

  /** Whether a model had that name at any time. */
  isKnown(name: string): boolean {
    return this.#byName.has(name);
  }

  /** All models of a name. */
  identifiersOf(name: string): readonly ModelIdentifier[] {
    if (!this.isNamespaced) return [modelIdentifier('', name)];
    return [...(this.#byName.get(name) ?? [])];
  }

  /**
   * The model that a name stands for.
   *
   * @param namespace - Of who asks, whose models come first; '' for clients, who are in none.
   * @returns undefined when no model has the name.
   * @throws InferenceServerError INVALID_ARG when several have it, with their namespaces.
   */
  resolve(name: string, namespace: string): ModelIdentifier | undefined {
    if (!this.isNamespaced) return modelIdentifier('', name);
    const candidates = this.identifiersOf(name);
    const found = chooseIdentifier(candidates, name, namespace);
    if (found === undefined && candidates.length > 1) throw ambiguous(name, candidates);
    return found;
  }
}

/**
 * Which of the models of a name is meant: the one in the namespace of who asks, else the only one.
 *
 * @returns undefined when there is none, or more than one.
 */
export function chooseIdentifier(
  candidates: readonly ModelIdentifier[],
  name: string,
  namespace: string,
): ModelIdentifier | undefined {
  const own = modelIdentifier(namespace, name);
  if (candidates.includes(own)) return own;
  return candidates.length === 1 ? candidates[0] : undefined;
}

/** The namespaces of models, for messages. */
export function listNamespaces(ids: readonly ModelIdentifier[]): string {
  return ids
    .map((id) => `'${namespaceOf(id)}'`)
    .sort()
    .join(', ');
}

function ambiguous(name: string, candidates: readonly ModelIdentifier[]): InferenceServerError {
  return new InferenceServerError(
    'INVALID_ARG',
    `There are ${candidates.length} identifiers of model '${name}' in global map, model namespace must be provided ` +
      `to resolve ambiguity: it is in ${listNamespaces(candidates)}; give it another name in one of them, or use it ` +
      `through an ensemble beside it`,
  );
}
