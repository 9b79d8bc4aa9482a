import { nameOf, type ModelIdentifier } from '../model-identifier.ts';
import type { ModelOverride } from './model-source.ts';

/** An ensemble that can't be served. */
export interface WaitingEnsemble {
  /** Names of the models that it is made of. */
  readonly names: readonly string[];
  /** What its load brought along. */
  readonly override: ModelOverride | undefined;
}

/** Ensembles that could not be loaded, or had to end, until one of their models comes or goes: then they are tried again. */
export class WaitingEnsembles {
  readonly #waiting = new Map<ModelIdentifier, WaitingEnsemble>();
  readonly #due = new Set<ModelIdentifier>();

  add(id: ModelIdentifier, ensemble: WaitingEnsemble): void {
    this.#waiting.set(id, ensemble);
  }

  delete(id: ModelIdentifier): void {
    this.#waiting.delete(id);
    this.#due.delete(id);
  }

  /** A model came or went: what waits for one of its name is due. */
  noteChange(model: ModelIdentifier): void {
    const name = nameOf(model);
    for (const [id, { names }] of this.#waiting) if (names.includes(name)) this.#due.add(id);
  }

  /** An ensemble that is due, which waits no more; undefined when there is none. */
  next(): (WaitingEnsemble & { readonly id: ModelIdentifier }) | undefined {
    const [id] = this.#due;
    const ensemble = id && this.#waiting.get(id);
    if (id === undefined || ensemble === undefined) return undefined;
    this.delete(id);
    return { ...ensemble, id };
  }
}
