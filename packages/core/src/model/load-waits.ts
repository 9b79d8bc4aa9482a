import { InferenceServerError } from '@nereid/protocol';
import type { ModelIdentifier } from '../model-identifier.ts';

/**
 * Which loads wait for which: that of an ensemble for those of its models, one after the other. Loads of several
 * ensembles go on at a time, so that a circle may only come about by the waits of all of them together.
 */
export class LoadWaits {
  readonly #waits = new Map<ModelIdentifier, ModelIdentifier>();

  /**
   * Waits for the load of a model on behalf of the load of an ensemble.
   *
   * @throws InferenceServerError INVALID_ARG naming the circle, when the model's load waits for the ensemble's.
   */
  async during(ensemble: ModelIdentifier, model: ModelIdentifier, load: () => Promise<void>): Promise<void> {
    this.#assertNoCircle(ensemble, model);
    this.#waits.set(ensemble, model);
    try {
      await load();
    } finally {
      this.#waits.delete(ensemble);
    }
  }

  #assertNoCircle(ensemble: ModelIdentifier, model: ModelIdentifier): void {
    const way = [ensemble];
    for (let at: ModelIdentifier | undefined = model; at !== undefined; at = this.#waits.get(at)) {
      way.push(at);
      if (at !== ensemble) continue;
      throw new InferenceServerError(
        'INVALID_ARG',
        `load failed for model '${model}': circular dependency between ensembles: ${way.join(' -> ')}; ` +
          'take a step out of one of them',
      );
    }
  }
}
