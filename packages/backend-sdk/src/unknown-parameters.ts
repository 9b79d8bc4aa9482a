import { didYouMean, type ModelConfig } from '@nereid/protocol/model-config';
import type { ModelContext } from './backend.ts';

/**
 * Says in the log which `parameters` of a model's configuration its backend does not have: a misspelt one would
 * otherwise be without effect and without a word.
 *
 * @param known - The names that it has.
 */
export function warnOfUnknownParameters(
  { backendName, modelName, modelVersion, logger }: Pick<ModelContext, WarningContext>,
  { parameters }: Pick<ModelConfig, 'parameters'>,
  known: readonly string[],
): void {
  for (const name of Object.keys(parameters)) {
    if (known.includes(name)) continue;
    const message = `parameter '${name}' is not known to backend '${backendName}', which has ${known.join(', ')}`;
    logger.warning(`model '${modelName}': ${message}${didYouMean(name, known)}`, {
      model: modelName,
      version: modelVersion,
    });
  }
}

type WarningContext = 'backendName' | 'modelName' | 'modelVersion' | 'logger';
