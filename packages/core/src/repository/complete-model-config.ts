import type { ConfigCompletion } from '@nereid/backend-sdk';
import type { ModelConfig } from '@nereid/protocol/model-config';
import { normalizeSchedulers } from './normalize-model-config.ts';

/**
 * The configuration with what its backend said of the model file (CFG-38), and the defaults that follow from it.
 *
 * @param completion - Undefined when configurations are not completed.
 */
export function completeModelConfig(
  config: ModelConfig,
  completion: ConfigCompletion | undefined,
): ModelConfig {
  if (completion === undefined) return config;
  // A completion that came from another thread may have its absent fields as undefined.
  const given = Object.entries(completion).filter(([, value]) => value !== undefined);
  return normalizeSchedulers({ ...config, ...Object.fromEntries(given) });
}
