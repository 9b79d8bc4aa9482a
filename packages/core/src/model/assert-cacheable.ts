import type { ModelConfig } from '@nereid/protocol/model-config';
import type { ModelIdentifier } from '../model-identifier.ts';
import { composingModels } from '../scheduler/ensemble-graph.ts';

/** Where the models of ensembles are found, and who hears of one that can't be cached. */
export interface CacheableContext {
  readonly configOf: (id: ModelIdentifier) => ModelConfig | undefined;
  readonly refuse: (problem: string) => never;
}

/** What can't be cached alone can't be cached as part of an ensemble either, at any depth (SCH-34). */
export function assertCacheable(models: readonly ModelConfig[], context: CacheableContext): void {
  for (const model of models) {
    if (model.model_transaction_policy?.decoupled === true)
      context.refuse(`its model '${model.name}' is decoupled`);
    if (model.sequence_batching !== undefined)
      context.refuse(`its model '${model.name}' has the sequence batcher`);
    const parts = composingModels(model).flatMap((id) => context.configOf(id) ?? []);
    assertCacheable(parts, context);
  }
}
